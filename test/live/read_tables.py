"""Reads whole MaxCompute tables by PyODPS, and prints them as JSON: the reader of the end-to-end suites that is not ours.

Arguments: endpoint, project, access key id, access key secret; table names come as JSON on stdin.
"""
import json
import sys
from datetime import date, datetime
from decimal import Decimal

from odps import ODPS, options

options.tunnel.use_instance_tunnel = True
options.local_timezone = False  # DATETIME in UTC


def text(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex().upper()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):  # pandas' Timestamp is one too
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def rows_of(table, partition=None):
    with table.open_reader(partition=partition) as reader:
        if reader.count == 0:
            return
        for record in reader[0 : reader.count]:
            yield [text(value) for value in record.values]


def read(odps, name):
    table = odps.get_table(name)
    columns = [[column.name, str(column.type)] for column in table.table_schema.simple_columns]
    keys = [column.name for column in table.table_schema.partitions]
    if not keys:
        return {"columns": columns, "partitionColumns": keys, "rows": list(rows_of(table))}
    rows = []
    for partition in table.partitions:
        values = [partition.partition_spec[key] for key in keys]
        rows.extend(row[: len(columns)] + values for row in rows_of(table, str(partition.partition_spec)))
    return {"columns": columns, "partitionColumns": keys, "rows": rows}


endpoint, project, key, secret = sys.argv[1:5]
client = ODPS(key, secret, project, endpoint=endpoint)
json.dump({name: read(client, name) for name in json.load(sys.stdin)}, sys.stdout)
