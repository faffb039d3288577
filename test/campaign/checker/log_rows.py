"""The change logs as one sequence of row changes. In: rows in any order, from PyODPS or a file. They are put into a database
on disk, since there may be more of them than fit into memory, and come out by record id. What breaks a rule that a log keeps
whatever was written (ids, flags, partitions) is a fault here."""
import json
import os
import sqlite3
from collections import namedtuple
from datetime import datetime, timezone

Change = namedtuple("Change", "record_id table operation second before after")

FLAGS = {"I": [("N", "Y")], "D": [("Y", "N")], "U": [("Y", "N"), ("N", "Y")]}
BATCH = 5000


class LogRows:
    def __init__(self, path):
        if os.path.exists(path):
            os.remove(path)  # of a check before
        self.database = sqlite3.connect(path)
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("PRAGMA synchronous = OFF")
        self.database.execute(
            "CREATE TABLE log (record_id INTEGER, name TEXT, operation TEXT, second INTEGER, before_flag TEXT,"
            " after_flag TEXT, part TEXT, image TEXT)"
        )
        self.count = 0

    def add(self, rows):
        """Rows are tuples: record_id, table, operation, second, before_flag, after_flag, partition, image as JSON."""
        batch = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                self._insert(batch)
                batch = []
        self._insert(batch)

    def _insert(self, batch):
        self.database.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch)
        self.count += len(batch)

    def changes(self, faults):
        """By record id. A change whose rows are wrong is told, and handed out as far as it can be."""
        self.database.execute("CREATE INDEX by_id ON log (record_id, after_flag)")
        expected = 1
        for group in self._groups():
            record_id = group[0][0]
            if record_id is None or record_id < expected:
                faults.add("wrong record id", "%r stands in the logs of a task whose ids begin at 1" % (record_id,))
                continue
            if record_id > expected:
                faults.add("gap in record ids", "%d to %d" % (expected, record_id - 1), record_id - expected)
            expected = record_id + 1
            change = self._change(record_id, group, faults)
            if change is not None:
                yield change

    def _groups(self):
        group = []
        # By after_flag, the image before an update comes before the image after it.
        for row in self.database.execute("SELECT * FROM log ORDER BY record_id, after_flag"):
            if group and group[0][0] != row[0]:
                yield group
                group = []
            group.append(row)
        if group:
            yield group

    def _change(self, record_id, group, faults):
        _, table, operation, second, _, _, part, _ = group[0]
        where = "record id %s, %s of %s" % (record_id, operation, table)
        flags = [(row[4], row[5]) for row in group]
        if len(set(flags)) < len(flags):
            faults.add("row twice under one id", where)
        wanted = FLAGS.get(operation)
        if wanted is None or any(row[1:4] != group[0][1:4] for row in group) or not set(flags) <= set(wanted):
            faults.add("wrong flags", "%s: %s" % (where, [row[1:6] for row in group]))
            return None
        if set(flags) != set(wanted):
            faults.add("half of an update", where)
        if any(row[6] != part for row in group) or part != partition_of(second, part):
            faults.add("wrong partition", "%s at second %s: %s" % (where, second, [row[6] for row in group]))
        before = after = None
        for row in group:
            if row[4] == "Y":
                before = before or row[7]
            else:
                after = after or row[7]
        return Change(record_id, table, operation, second, before, after)


def partition_of(second, like):
    """Year, month, day, hour, minute, as many as `like` has."""
    parts = datetime.fromtimestamp(second, timezone.utc).strftime("%Y %m %d %H %M").split()
    return "-".join(parts[: like.count("-") + 1])


def rows_of_file(path):
    """Of a file with a JSON array per line."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            *head, image = json.loads(line)
            yield (*head, image_text(image))


def image_text(values):
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
