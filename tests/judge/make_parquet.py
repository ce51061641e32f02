#!/usr/bin/env python3
"""Writes Parquet as its many writers do, each beside what it holds: make_parquet.py FOLDER

`NAME.parquet` is the file, `NAME.arrow` the very rows as an Arrow file. `sealed-*.parquet` are encrypted.
"""

import base64
import datetime
import decimal
import os
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as sealing

folder = sys.argv[1]
UTC = datetime.timezone.utc


def put(name, table, kept=None, **options):
    pq.write_table(table, os.path.join(folder, name + ".parquet"), **options)
    keep(name, table if kept is None else kept)


def keep(name, table):
    with pa.ipc.new_file(os.path.join(folder, name + ".arrow"), table.schema) as out:
        out.write_table(table)


def moments(unit, zone=None):
    values = [0, 1, -1, 1_357_016_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit], None]
    return pa.array(values, pa.timestamp(unit, zone))


rows = 5
D = decimal.Decimal
every = pa.table({
    "id": pa.array(range(rows), pa.int64()),
    "bool": pa.array([True, False, None, True, None]),
    "i8": pa.array([-128, 127, None, 0, 1], pa.int8()),
    "i16": pa.array([-(2**15), 2**15 - 1, None, 0, 1], pa.int16()),
    "i32": pa.array([-(2**31), 2**31 - 1, None, 0, 1], pa.int32()),
    "i64": pa.array([-(2**63), 2**63 - 1, None, 0, 1], pa.int64()),
    "u8": pa.array([0, 255, None, 1, 2], pa.uint8()),
    "u16": pa.array([0, 2**16 - 1, None, 1, 2], pa.uint16()),
    "u32": pa.array([0, 2**32 - 1, None, 1, 2], pa.uint32()),
    "u64": pa.array([0, 2**64 - 1, None, 1, 2], pa.uint64()),
    "f32": pa.array([0.1, float("inf"), None, -0.0, float("nan")], pa.float32()),
    "f64": pa.array([0.1, float("-inf"), None, -0.0, 5e-324], pa.float64()),
    "d9": pa.array([D("9999999.99"), D("-0.05"), None, D("1.10"), D("0.00")], pa.decimal128(9, 2)),
    "d18": pa.array([D("9999999999999999.99"), D("-0.05"), None, D("1.10"), D("0.00")], pa.decimal128(18, 2)),
    "d38": pa.array([D("9" * 28 + "." + "9" * 10), D("-0.05"), None, D("1.1"), D("0")], pa.decimal128(38, 10)),
    "text": pa.array(["", "𝄞", None, "a\0b", "a longer text than most"]),
    "bytes": pa.array([b"", b"\xff\x00", None, b"text", b"more bytes than most"]),
    "fixed": pa.array([b"four", b"\x00\x00\x00\x00", None, b"five", b"six "], pa.binary(4)),
    "date": pa.array([0, -1, None, -719_162, 2_932_896], pa.int32()).cast(pa.date32()),
    "t_ms": pa.array([0, 86_399_999, None, 1, 2], pa.time32("ms")),
    "t_us": pa.array([0, 86_399_999_999, None, 1, 2], pa.time64("us")),
    "ms": moments("ms"),
    "us": moments("us"),
    "utc": moments("us", "UTC"),
    "list": pa.array([[1, None], [], None, [2], [3, 4]], pa.list_(pa.int32())),
    "struct": pa.array([{"a": 1, "b": "x"}, {"a": None, "b": None}, None, {"a": 2, "b": ""}, {"a": 3, "b": "y"}]),
    "map": pa.array([[("k", 1)], [], None, [("a", None), ("b", 2)], []], pa.map_(pa.string(), pa.int64())),
    "deep": pa.array([[[{"x": 1}], []], None, [], [None, [None]], [[{"x": 2}]]], pa.list_(pa.list_(pa.struct([("x", pa.int32())])))),
    "dictionary": pa.array(["a", "b", None, "a", ""]).dictionary_encode(),
})
nanos = every.append_column("ns", moments("ns")).append_column("t_ns", pa.array([0, 86_399_999_999_999, None, 1, 2], pa.time64("ns")))

for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    put(f"codec-{codec}", every, compression=codec)
for version in ["1.0", "2.4", "2.6"]:
    exact = every if version == "1.0" else nanos if version == "2.6" else every
    unsigned = {"u32": pa.int64()} if version == "1.0" else {}
    put(f"version-{version}", exact, version=version)
for pages in ["1.0", "2.0"]:
    for dictionary in [True, False]:
        put(f"pages-{pages}-{'dictionary' if dictionary else 'plain'}", every, data_page_version=pages, use_dictionary=dictionary, data_page_size=16)
put("groups", pa.concat_tables([every] * 5).set_column(0, "id", pa.array(range(rows * 5))), row_group_size=3)
put("no-arrow-schema", nanos, store_schema=False)
put("no-statistics", every, write_statistics=False)
put("page-index", every, write_page_index=True)
put("checksums", every, write_page_checksum=True)
put("bloom-and-sorted", every, sorting_columns=[pq.SortingColumn(0)])
put("item-names", every, use_compliant_nested_type=False)
put("decimals-as-integers", every, store_decimal_as_integer=True)
flat = every.select(["id", "i32", "i64", "f32", "f64", "text", "bytes", "fixed", "bool"])
put("byte-stream-split", flat, use_dictionary=False, column_encoding={n: "BYTE_STREAM_SPLIT" for n in ["i32", "i64", "f32", "f64", "fixed"]})
put("delta", flat, use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED", "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "bytes": "DELTA_LENGTH_BYTE_ARRAY", "fixed": "DELTA_BYTE_ARRAY", "bool": "RLE"})
put("text-without-annotation", pa.table({"id": [0, 1], "text": pa.array([b"plain", "𝄞".encode()])}), store_schema=False)
put("odd-names", pa.table({"id": [0], "a.b": [1], " ": [2], "𝄞": [3], "ID": [4], 'q"': [5]}))
put("no-rows", nanos.slice(0, 0))
put("no-row-groups", nanos.slice(0, 0), row_group_size=1)

plain = pa.table({"id": pa.array(range(5)), "at": moments("ns"), "in_list": pa.array([[1], [None], None, [], [10**18]], pa.list_(pa.timestamp("ns")))})
put("int96", plain, use_deprecated_int96_timestamps=True)
put("int96-spark", every.select(["id", "us", "text"]), flavor="spark")
put("int96-no-arrow-schema", plain, use_deprecated_int96_timestamps=True, store_schema=False)
far = pa.table({"id": [0, 1, 2, 3], "at": pa.array([datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999), datetime.datetime(1, 1, 1), None, datetime.datetime(1970, 1, 1)], pa.timestamp("us"))})
put("int96-far", far, use_deprecated_int96_timestamps=True)
put("int96-far-no-arrow-schema", far, use_deprecated_int96_timestamps=True, store_schema=False)
os.makedirs(os.path.join(folder, "int96-both"))
put("int96-both/far", far.select(["id", "at"]), use_deprecated_int96_timestamps=True, store_schema=False)
put("int96-both/fine", plain.select(["id", "at"]), use_deprecated_int96_timestamps=True, store_schema=False)

# Dictionaries of one column that have nothing in common, with keys that hold no more than one of them.
words = [pa.array([f"{part}-{i}" for i in range(100)]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())) for part in range(3)]
many = pa.table({"id": pa.array(range(300)), "word": pa.chunked_array(words)})
keep("narrow-dictionaries", pa.table({"id": many["id"], "word": pa.concat_arrays([w.dictionary_decode() for w in words])}))
with pq.ParquetWriter(os.path.join(folder, "narrow-dictionaries.parquet"), many.schema) as out:
    for part in range(3):
        out.write_table(many.slice(part * 100, 100))

session = duckdb.connect()
session.execute("SET TimeZone = 'UTC'")
session.execute("""
    CREATE TABLE t AS SELECT range AS id, (range % 100)::TINYINT AS i8, range::UBIGINT AS u64, range / 3 AS f64, (range / 4)::FLOAT AS f32,
        (range % 100 / 8)::DECIMAL(4, 2) AS d4, (range / 8)::DECIMAL(9, 3) AS d9, (range / 8)::DECIMAL(18, 3) AS d18, (range / 8)::DECIMAL(38, 3) AS d38,
        'text ' || range AS text, ('\\xFF' || range)::BLOB AS bytes, range % 2 = 0 AS flag, DATE '1970-01-01' + range::INT AS day,
        TIME '00:00:00.000001' AS clock, TIMESTAMP '1969-12-31 23:59:59.999999' AS us, TIMESTAMP_S '2000-01-01 00:00:00' AS s,
        TIMESTAMP_MS '2000-01-01 00:00:00.001' AS ms, TIMESTAMP_NS '2000-01-01 00:00:00.000000001' AS ns,
        TIMESTAMPTZ '2000-01-01 00:00:00+01' AS tz, [range, NULL] AS list, {'a': range, 'b': NULL::VARCHAR} AS struct,
        MAP {'k': range} AS map, CASE WHEN range % 2 = 0 THEN 'even' ELSE 'odd' END::ENUM ('even', 'odd') AS word, NULL::INT AS none
    FROM range(1000)
""")
for name, options in [("duckdb", "COMPRESSION snappy"), ("duckdb-v2", "PARQUET_VERSION V2, COMPRESSION zstd"), ("duckdb-groups", "ROW_GROUP_SIZE 300")]:
    path = os.path.join(folder, name + ".parquet")
    session.execute(f"COPY t TO '{path}' (FORMAT parquet, {options})")
    keep(name, session.execute("SELECT * FROM t").to_arrow_table())
session.execute(f"COPY (SELECT 1 AS id, INTERVAL '1 month 2 days' AS span, 'x' AS word) TO '{folder}/interval.parquet' (FORMAT parquet)")
session.execute(f"COPY (SELECT 1 AS id, uuid() AS u) TO '{folder}/uuid.parquet' (FORMAT parquet)")
keep("uuid", pq.read_table(os.path.join(folder, "uuid.parquet")).cast(pa.schema([("id", pa.int32()), ("u", pa.binary(16))])))

frame = polars.DataFrame({
    "id": [0, 1, 2], "text": ["", None, "𝄞"], "f": [0.5, float("nan"), None], "day": [datetime.date(1970, 1, 1), None, datetime.date(9999, 12, 31)],
    "at": [datetime.datetime(2000, 1, 1), None, datetime.datetime(1, 1, 1)], "list": [[1], [], None], "took": [datetime.time(1, 2, 3), None, datetime.time(0)],
    "word": polars.Series(["a", None, "b"], dtype=polars.Categorical), "d": polars.Series([D("1.10"), None, D("-5")], dtype=polars.Decimal(20, 2)),
})
for name, options in [("polars", {}), ("polars-lz4", {"compression": "lz4"}), ("polars-pages", {"data_page_size": 1, "row_group_size": 2})]:
    frame.write_parquet(os.path.join(folder, name + ".parquet"), **options)
    keep(name, frame.to_arrow())


class Keys(sealing.KmsClient):
    """Keys that lie open: enough to make files that need some."""

    def __init__(self, _):
        super().__init__()

    def wrap_key(self, key, name):
        return base64.b64encode(name.encode() + b":" + key)

    def unwrap_key(self, wrapped, name):
        return base64.b64decode(wrapped)[len(name) + 1 :]


for name, open_footer, columns in [("sealed", False, ["text"]), ("sealed-columns", True, ["text"])]:
    how = sealing.EncryptionConfiguration(footer_key="footer", column_keys={"column": columns}, plaintext_footer=open_footer)
    keys = sealing.CryptoFactory(lambda config: Keys(config))
    table = every.select(["id", "i64", "text"])
    properties = keys.file_encryption_properties(sealing.KmsConnectionConfig(), how)
    with pq.ParquetWriter(os.path.join(folder, name + ".parquet"), table.schema, encryption_properties=properties) as out:
        out.write_table(table)
