"""Writes one table into files of many formats, by the field's own writers, and beside them what must arrive.

    formats.py FOLDER

Makes FOLDER/<name> for every file or folder, FOLDER/<name>.expected.parquet for what it holds, and prints the names.
"""

import datetime
import decimal
import os
import sys
import uuid

import fastavro
import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

ROWS = 5_000
folder = sys.argv[1]
utc = datetime.timezone.utc
start = datetime.datetime(2024, 2, 28, 23, 59, 59, 123456)


def expect(name, table):
    pyarrow.parquet.write_table(table, os.path.join(folder, name + ".expected.parquet"))
    print(name)


def path(name):
    return os.path.join(folder, name)


def some(i, value, every=7):
    return None if i % every == 0 else value


def arrow():
    words = pa.array([some(i, f"word {i % 50}") for i in range(ROWS)]).dictionary_encode()
    table = pa.table(
        {
            "id": pa.array(range(ROWS), pa.uint64()),
            "word": words,
            "view": pa.array([some(i, f"a text that is longer than twelve, {i}") for i in range(ROWS)], pa.string_view()),
            "price": pa.array([some(i, decimal.Decimal(i) / 100) for i in range(ROWS)], pa.decimal128(12, 2)),
            "at": pa.array([some(i, start + datetime.timedelta(seconds=i)) for i in range(ROWS)], pa.timestamp("us", "UTC")),
            "tags": pa.array([some(i, [f"t{j}" for j in range(i % 4)]) for i in range(ROWS)], pa.list_(pa.string())),
            "place": pa.array([some(i, {"x": i / 3, "y": None}) for i in range(ROWS)],
                              pa.struct([("x", pa.float64()), ("y", pa.int32())])),
        }
    )
    for compression in ["uncompressed", "lz4", "zstd"]:
        name = f"{compression}.feather"
        pyarrow.feather.write_feather(table, path(name), compression=compression, chunksize=1_500)
        expect(name, table)
    for end, writer in [("arrows", pa.ipc.new_stream), ("arrow", pa.ipc.new_file)]:
        for size in [ROWS, 700]:
            name = f"of_{size}.{end}"
            options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
            with pa.OSFile(path(name), "wb") as out, writer(out, table.schema, options=options) as w:
                w.write_table(table, max_chunksize=size)
            expect(name, table)
    os.mkdir(path("frames"))
    for at in range(3):
        part = table.slice(at * 1_700, 1_700)
        pyarrow.feather.write_feather(part.select(part.column_names[:: -1 if at else 1]), path(f"frames/{at}.arrow"))
    expect("frames", table)


def avro():
    def named(name, kind, logical=None, **more):
        inner = {"type": kind, "logicalType": logical, **more} if logical else kind
        return {"name": name, "type": ["null", inner] if name != "id" else inner}

    schema = {
        "type": "record", "name": "row", "namespace": "of.test", "fields": [
            named("id", "long"),
            named("flag", "boolean"), named("small", "int"), named("single", "float"), named("double", "double"),
            named("text", "string"), named("raw", "bytes"),
            named("price", "bytes", "decimal", precision=20, scale=3),
            {"name": "cost", "type": {"type": "fixed", "name": "cost", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 2}},
            named("token", "string", "uuid"),
            named("day", "int", "date"), named("clock_ms", "int", "time-millis"), named("clock_us", "long", "time-micros"),
            named("at_ms", "long", "timestamp-millis"), named("at_us", "long", "timestamp-micros"),
            named("wall_ms", "long", "local-timestamp-millis"), named("wall_us", "long", "local-timestamp-micros"),
            {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["red", "green"]}},
            {"name": "other_kind", "type": ["kind", "null"]},
            {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
            {"name": "scores", "type": {"type": "map", "values": "long"}},
            {"name": "place", "type": ["null", {"type": "record", "name": "place", "fields": [
                {"name": "x", "type": "double"}, {"name": "y", "type": ["null", "long"]}]}]},
            {"name": "fix", "type": {"type": "fixed", "name": "three", "size": 3}},
        ],
    }
    ms = lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    rows, at = [], [start + datetime.timedelta(seconds=i * 977) for i in range(ROWS)]
    for i in range(ROWS):
        rows.append({
            "id": i - ROWS // 2, "flag": some(i, i % 2 == 0), "small": some(i, -i), "single": some(i, i / 4),
            "double": some(i, i / 3), "text": some(i, "ä𝄞" * (i % 5)), "raw": some(i, bytes([i % 256])),
            "price": some(i, decimal.Decimal(-i * 10**9).scaleb(-3)), "cost": decimal.Decimal(i).scaleb(-2),
            "token": some(i, str(uuid.UUID(int=i))), "day": some(i, at[i].date()),
            "clock_ms": some(i, ms(at[i]).time()), "clock_us": some(i, at[i].time()),
            "at_ms": some(i, ms(at[i]).replace(tzinfo=utc)), "at_us": some(i, at[i].replace(tzinfo=utc)),
            "wall_ms": some(i, ms(at[i])), "wall_us": some(i, at[i]),
            "kind": ["red", "green"][i % 2], "other_kind": some(i, ["red", "green"][i % 2]),
            "tags": [some(j, f"t{j}", 2) for j in range(i % 4)], "scores": {f"k{j}": j for j in range(i % 3)},
            "place": some(i, {"x": i / 3, "y": some(i, i, 3)}), "fix": b"abc",
        })
    kinds = [
        ("id", pa.int64()), ("flag", pa.bool_()), ("small", pa.int32()), ("single", pa.float32()), ("double", pa.float64()),
        ("text", pa.string()), ("raw", pa.binary()), ("price", pa.decimal128(20, 3)), ("cost", pa.decimal128(18, 2)),
        ("token", pa.string()), ("day", pa.date32()), ("clock_ms", pa.time32("ms")), ("clock_us", pa.time64("us")),
        ("at_ms", pa.timestamp("ms", "UTC")), ("at_us", pa.timestamp("us", "UTC")),
        ("wall_ms", pa.timestamp("ms")), ("wall_us", pa.timestamp("us")), ("kind", pa.string()), ("other_kind", pa.string()),
        ("tags", pa.list_(pa.string())), ("scores", pa.map_(pa.string(), pa.int64())),
        ("place", pa.struct([("x", pa.float64()), ("y", pa.int64())])), ("fix", pa.binary(3)),
    ]
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds})
    for codec in ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]:
        name = f"{codec}.avro"
        with open(path(name), "wb") as out:
            fastavro.writer(out, fastavro.parse_schema(schema), rows, codec=codec)
        expect(name, table)


def xlsx():
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    sheet = book.create_sheet("Data")
    header = ["id", "price", "day", "at", "clock", "flag", "text", "share", "mixed"]
    sheet.append([])
    sheet.append([None] + header)
    rows = []
    for i in range(1, 3_000):
        at = (start + datetime.timedelta(seconds=i * 977)).replace(microsecond=0)
        row = [i, some(i, i / 4), some(i, at.date()), some(i, at), some(i, at.time()), some(i, i % 2 == 0),
               some(i, f"text <{i}> & ä𝄞"), some(i, i / 1000), some(i, i if i % 2 else f"n{i}")]
        rows.append(row)
        sheet.append([None] + row)
        sheet.cell(i + 2, 9).number_format = "0.0%"
        sheet.cell(i + 2, 3).number_format = '"$"#,##0.00'
    book.save(path("book.xlsx"))
    kinds = [pa.int64(), pa.float64(), pa.date32(), pa.timestamp("ms"), pa.time32("ms"), pa.bool_(), pa.string(), pa.float64(),
             pa.string()]
    columns = list(zip(*rows))
    columns[8] = [None if cell is None else str(cell) for cell in columns[8]]
    expect("book.xlsx", pa.table({name: pa.array(column, kind) for name, column, kind in zip(header, columns, kinds)}))


arrow()
avro()
xlsx()
