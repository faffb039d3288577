"""The checker of a fault campaign. Arguments: folder of the campaign, endpoint, project, access key id, access key secret;
or the folder alone, which then holds the rows of the logs (log.jsonl) and no merges: for tests of the checker itself.

It shares no code with mcsync: it reads what the writers noted, what PyODPS finds in the target tables, and a dump of the
source. Prints JSON: figures, counts of faults by kind, and the first faults in words."""
import json
import os
import sys

from ends import compare_history, compare_merge, source_images
from faults import Faults
from history import History, Tables
from log_rows import LogRows, image_text, rows_of_file
from values import of_object
from walk import Starts, Walk

LOG_COLUMNS = 5


def client(endpoint, project, key, secret):
    from odps import ODPS, options

    options.local_timezone = False  # times in UTC
    return ODPS(key, secret, project, endpoint=endpoint)


def records(table, partition=None):
    with table.open_reader(partition=partition) as reader:
        if reader.count > 0:
            for record in reader[0 : reader.count]:
                yield record.values


def rows_of_log(odps, name, kinds):
    table = odps.get_table(name + "_log")
    keys = [column.name for column in table.table_schema.partitions]
    for partition in table.partitions:
        part = "-".join(partition.partition_spec[key] for key in keys)
        for values in records(table, str(partition.partition_spec)):
            record_id, operation, second, before, after = values[:LOG_COLUMNS]
            image = values[LOG_COLUMNS : LOG_COLUMNS + len(kinds)]
            yield (record_id, name, operation, second, before, after, part, image_of(kinds, image))


def image_of(kinds, values):
    return image_text([of_object(kind, value) for kind, value in zip(kinds, values)])


def check(folder, *place):
    tables, faults, figures = Tables(folder), Faults(), {}
    rows = LogRows(os.path.join(folder, "log.sqlite"))
    odps = client(*place) if place else None
    if odps:
        for name, kinds in tables.kinds.items():
            rows.add(rows_of_log(odps, name, kinds))
    else:
        rows.add(rows_of_file(os.path.join(folder, "log.jsonl")))
    writers = sum(1 for file in os.listdir(folder) if file.startswith("history-"))
    histories = [History(folder, writer, tables) for writer in range(writers)]
    walk = Walk(tables, histories, Starts(folder), faults)
    walk.run(rows.changes(faults))
    figures.update(walk.figures)
    figures["rows of the logs"] = rows.count
    if odps:
        for name, kinds in tables.kinds.items():
            merged = (image_of(kinds, values[: len(kinds)]) for values in records(odps.get_table(tables.by_name[name]["merged"])))
            figures["rows of %s, merged" % name] = compare_merge(name, source_images(folder, name, tables), merged, faults)
        compare_history(folder, walk, tables, faults)
    return {"figures": figures, "counts": faults.counts, "faults": faults.told}


if __name__ == "__main__":
    json.dump(check(*sys.argv[1:]), sys.stdout)
