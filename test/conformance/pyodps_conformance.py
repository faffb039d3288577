"""What a Python program does with MaxCompute, by PyODPS. Prints one `name=value` line per step."""
import datetime
import decimal
import sys

from odps import ODPS, errors, options
from odps.tunnel import CompressOption, TableTunnel

options.allow_antique_date = True
options.local_timezone = "UTC"


def say(name, value):
    print("%s=%s" % (name, value), flush=True)


def connect(secret="sk", project="proj", **more):
    return ODPS("ak", secret, project, endpoint=sys.argv[1], **more)


def plain(values):
    """Without the zone that options.local_timezone puts on; it is UTC."""
    return [value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value for value in values]


def query(odps, sql, **more):
    with odps.execute_sql(sql, **more).open_reader(tunnel=True) as reader:
        return [plain(row.values) for row in reader]


def refused(name, step):
    try:
        step()
        say(name, "accepted")
    except errors.ODPSError as error:
        say(name, error.code or type(error).__name__)


odps = connect()
say("absent", odps.exist_table("p_types"))
columns = (
    "c1 bigint, c2 int, c3 smallint, c4 tinyint, c5 boolean, c6 double, c7 float, c8 string, c9 varchar(10), c10 char(5), "
    "c11 binary, c12 decimal(38,18), c13 date, c14 datetime, c15 timestamp, c16 timestamp_ntz, c17 json"
)
table = odps.create_table("p_types", columns, lifecycle=7, comment="it's \"mine\"")
say("comment", odps.get_table("p_types").comment)
say("types", ",".join(str(column.type).lower() for column in table.table_schema.columns))

moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 678000)
rows = [
    [2**63 - 1, -(2**31), -2, 127, True, 3.5, 1.5, "中文\0\n'\"", "vc", "ch", b"\x00\xff\x7f", decimal.Decimal("123.45"),
     datetime.date(2024, 1, 2), moment, moment.replace(microsecond=123456), moment, {"a": [1, None]}],
    [None] * 17,
    [-(2**63) + 1, 0, 0, -128, False, -0.0, 0.5, "", "", "", b"", decimal.Decimal("-1E-18"), datetime.date(1, 1, 1),
     datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), datetime.datetime(1969, 12, 31, 23, 59, 59, 250000),
     datetime.datetime(2262, 1, 1, 23, 59, 59, 999999), [1]],
]
tunnel = TableTunnel(odps)
for algorithm in (None, "ODPS_ZLIB"):
    option = algorithm and CompressOption(CompressOption.CompressAlgorithm[algorithm], level=0)
    session = tunnel.create_upload_session("p_types", compress_option=option)
    with session.open_record_writer(0, compress=option is not None) as writer:
        for values in rows:
            writer.write(table.new_record(values))
    session.commit([0])
    say("status", session.status.name)
refused("second", lambda: session.commit([0]))
refused("unknown", lambda: tunnel.create_upload_session("p_types", upload_id="NOPE"))

with table.open_reader() as reader:
    say("count", reader.count)
    read = [plain(record.values) for record in reader]
say("equal", read == rows * 2)
say("sqlEqual", query(odps, "select * from p_types limit 3") == rows)
with table.open_reader(columns=["c8", "c1"]) as reader:
    say("columns", [list(record.values) for record in reader][2])

parts = odps.create_table("p_parts", ("id bigint, v string", "pt string, region string"))
refused("noPartition", lambda: tunnel.create_upload_session("p_parts", partition_spec="pt=1,region=x"))
with parts.open_writer(partition="pt='1',region='a b'", create_partition=True) as writer:
    writer.write([[1, "one"], [2, "two"]])
odps.execute_sql("insert overwrite table p_parts partition (pt='2', region) select id, v, concat('r', id) from p_parts where pt = '1'")
say("partitions", ";".join(sorted(str(part.partition_spec) for part in parts.partitions)))
say("iterate", len(list(parts.iterate_partitions("pt='2'"))))
say("has", parts.exist_partition("pt='1',region='a b'"))
with tunnel.create_upload_session("p_parts", partition_spec="pt=1,region=a b", overwrite=True).open_record_writer(0) as writer:
    writer.write(parts.new_record([9, "nine"]))
overwriting = tunnel.create_upload_session("p_parts", partition_spec="pt=1,region=a b", overwrite=True)
with overwriting.open_record_writer(0) as writer:
    writer.write(parts.new_record([8, "eight"]))
overwriting.commit([0])
say("overwritten", query(odps, "select id, pt, region from p_parts where pt = '1'"))
stream = tunnel.create_stream_upload_session("p_parts", partition_spec="pt=1,region=a b")
with stream.open_record_writer() as writer:
    writer.write(parts.new_record([10, "ten"]))
say("streamed", query(odps, "select count(*) from p_parts where pt = '1'"))
parts.delete_partition("pt='2',region='r1'")
say("left", len(list(parts.partitions)))

refused("sqlTable", lambda: odps.execute_sql("select * from no_such"))
refused("sqlSyntax", lambda: odps.execute_sql("selec 1"))
refused("sqlFunction", lambda: odps.execute_sql("select list_value(1)"))
with odps.execute_sql("select 1 as a, 'x,\"y' as b, cast(null as string) as c").open_reader(tunnel=False) as reader:
    say("csv", [list(record.values) for record in reader])
with odps.execute_sql("drop table if exists nothing").open_reader() as reader:
    say("ddlResult", repr(reader.raw))
say("tables", [each.name for each in odps.list_tables()])
parts.truncate(partition_spec="pt='1',region='a b'")
say("truncated", query(odps, "select count(*) from p_parts where pt = '1'"))
odps.delete_table("p_parts")
say("exists", odps.exist_table("p_parts"))
refused("wrongKey", lambda: connect("wrong").exist_table("p_types"))
refused("wrongKeyTunnel", lambda: TableTunnel(connect("wrong"), endpoint=sys.argv[1][: -len("/api")]).create_upload_session(table))
say("v4", connect(region_name="cn-hangzhou").exist_table("p_types"))

three = connect(project="proj3", schema="s1")
options.sql.settings = {"odps.namespace.schema": "true", "odps.sql.allow.namespace.schema": "true", "odps.default.schema": "s1"}
in_schema = three.create_table("t3", "id bigint", schema="s1")
with in_schema.open_writer() as writer:
    writer.write([[3]])
say("threeLevel", query(three, "select * from s1.t3"))
say("threeLevelList", [each.name for each in three.list_tables(schema="s1")])
say("schemas", [three.exist_schema(name) for name in ("s1", "default", "nope")])
