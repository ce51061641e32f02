#!/usr/bin/env python3
"""Writes the corpora of `arrow`, `avro` and `parquet`: small files of each form, whole and broken.

    columnar.py FOLDER       with what tests/requirements.txt names
"""

import io
import os
import sys

import fastavro
import polars
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq


def put(kind, name, data):
    folder = os.path.join(sys.argv[1], kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
    return data


def arrow(name, batches, stream=False, **options):
    out = io.BytesIO()
    make = ipc.new_stream if stream else ipc.new_file
    with make(out, batches[0].schema, options=ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return put("arrow", name, out.getvalue())


def batch(**columns):
    return pa.record_batch({name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()})


plain = batch(id=[1, None, 3], text=["a", None, "a longer text than twelve"], yes=[True, None, False])
file = arrow("plain", [plain, plain.slice(1)])
arrow("old_version", [plain], metadata_version=ipc.MetadataVersion.V4)
stream = arrow("stream", [plain, plain], stream=True)
arrow("old_stream", [plain], stream=True, use_legacy_format=True)
arrow("lz4", [batch(id=list(range(100)))], compression="lz4")
arrow("zstd", [batch(text=["same"] * 100)], compression="zstd")
arrow("no_rows", [plain.slice(0, 0)])
words = lambda *words: batch(word=pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), pa.array(words)))
arrow("replaced", [words("a", "b"), words("x", "y")], stream=True)
arrow("grown", [words("a", "b"), words("a", "b", "c")], emit_dictionary_deltas=True)
arrow("views", [batch(view=pa.array(["a", None, "long" * 9], pa.string_view()), bytes=pa.array([b"a", None, b"x" * 20], pa.binary_view()))])
arrow("list_views", [batch(list=pa.array([[1], None, []], pa.list_view(pa.int32())))])
arrow("nested", [batch(list=[[{"a": 1}, None], None, []], map=pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())), pair=pa.array([[1, 2], None, [3, None]], pa.list_(pa.int16(), 2)))])
arrow("runs", [batch(run=pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]))])
arrow("unions", [batch(one=pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]), two=pa.UnionArray.from_dense(pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["b"])]))])
out = io.BytesIO()
polars.DataFrame({"text": ["a", None, "long" * 9], "word": ["p", "p", "q"]}).with_columns(polars.col("word").cast(polars.Categorical)).write_ipc(out)
put("arrow", "polars", out.getvalue())
put("arrow", "cut", file[:-30])
put("arrow", "cut_stream", stream[:-40])
put("arrow", "unended", stream[:-8])
put("arrow", "two_streams", stream + stream)
put("arrow", "empty", b"")
put("arrow", "feather_1", b"FEA1 and more FEA1")
for name, at in [("footer_length", -10), ("first_length", 12), ("batch_length", len(file) // 2)]:
    broken = bytearray(file)
    broken[at] ^= 0xFF
    put("arrow", name, bytes(broken))


def number(n):
    n, out = (n << 1) ^ (n >> 63), b""
    while n > 0x7F:
        n, out = n >> 7, out + bytes([n & 0x7F | 0x80])
    return out + bytes([n])


def avro(name, fields, rows, codec="null"):
    out = io.BytesIO()
    schema = {"type": "record", "name": "t", "fields": [{"name": name, "type": kind} for name, kind in fields]}
    fastavro.writer(out, fastavro.parse_schema(schema), rows, codec=codec, sync_marker=b"sixteen bytes to", sync_interval=60)
    return put("avro", name, out.getvalue())


fields = [("id", "long"), ("text", ["null", "string"])]
rows = [{"id": i, "text": None if i % 3 else f"word {i}"} for i in range(20)]
for codec in ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]:
    whole = avro(codec, fields, rows, codec)
avro("no_rows", fields, [])
whole = avro("null", fields, rows)
enum = {"type": "enum", "name": "e", "symbols": ["a", "b"]}
fixed = {"type": "fixed", "name": "f", "size": 2}
record = {"type": "record", "name": "r", "fields": [{"name": "e", "type": enum}, {"name": "f", "type": fixed}]}
avro("named", [("r", record), ("s", ["null", "r"]), ("e", {"type": "array", "items": "e"}), ("m", {"type": "map", "values": "f"})], [{"r": {"e": "a", "f": b"xy"}, "s": None, "e": ["b"], "m": {"k": b"zz"}}])
avro("nothing", [("n", "null"), ("id", "int")], [{"n": None, "id": 1}])
avro("only_nothing", [("n", "null")], [{"n": None}] * 3)
avro("several", [("u", ["int", "string"]), ("one", ["string"])], [{"u": "x", "one": "y"}])
avro("itself", [("next", ["null", "t"])], [{"next": None}])
logical = lambda kind, name, **more: {"type": kind, "logicalType": name, **more}
put("avro", "logical", b"".join([b"Obj\x01", number(1)] + [part for text in [b"avro.schema", b'{"type":"record","name":"t","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}},{"name":"s","type":{"type":"fixed","name":"s","size":12,"logicalType":"duration"}},{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"u","type":{"type":"string","logicalType":"uuid"}}]}'] for part in (number(len(text)), text)] + [b"\0", b"sixteen bytes to", number(1), number(19), b"\x04\x01\x00" + bytes(12) + b"\x02\x04xy", b"sixteen bytes to"]))
for name, at in [("sync", -3), ("count", whole.index(b"sixteen bytes to") + 16), ("length", whole.index(b"sixteen bytes to") + 17)]:
    broken = bytearray(whole)
    broken[at] ^= 0x55
    put("avro", name, bytes(broken))
put("avro", "cut", whole[:-20])
put("avro", "empty", b"")
put("avro", "bare", number(1) + number(2))
put("avro", "many_rows", whole[: whole.index(b"sixteen bytes to") + 16] + number(1 << 60) + number(2) + b"\2\0" + b"sixteen bytes to")


def parquet(name, table, **options):
    out = io.BytesIO()
    pq.write_table(pa.table(table), out, **options)
    return put("parquet", name, out.getvalue())


table = dict(id=[1, None, 3, 4], text=["a", None, "a longer text than twelve", "a"], yes=[True, None, False, True])
file = parquet("plain", table)
parquet("groups", table, row_group_size=2)
for codec in ["none", "zstd", "gzip", "brotli", "lz4"]:
    parquet(codec, dict(id=list(range(100)), text=["same"] * 100), compression=codec)
parquet("second_version", table, version="2.6", data_page_version="2.0", write_page_index=True)
parquet("old", dict(at=pa.array([0, None, 10**15], pa.timestamp("us"))), use_deprecated_int96_timestamps=True)
parquet("no_statistics", table, write_statistics=False)
parquet("no_dictionary", table, use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY"})
parquet("checked", table, write_page_checksum=True)
parquet("many_pages", dict(id=list(range(200))), data_page_size=64, write_batch_size=16, use_dictionary=False)
parquet("no_rows", dict(id=pa.array([], pa.int64())))
parquet("sorted_times", dict(at=pa.array([1, 2, 3], pa.timestamp("ns", "UTC")), day=pa.array([1, 2, 3], pa.date32())))
parquet("exact", dict(cents=pa.array([1, None], pa.decimal128(20, 2)), wide=pa.array([1, 2], pa.decimal256(50, 3)), half=pa.array([1.5, 2], pa.float16()), blob=[b"x", b""], fixed=pa.array([b"ab", None], pa.binary(2))))
parquet("nested", dict(list=[[{"a": 1}, None], None], map=pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8()))))
parquet("words", dict(word=pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), pa.array(["a", "b"]))))
out = io.BytesIO()
polars.DataFrame({"text": ["a", None, "long" * 9], "id": [1, 2, None]}).write_parquet(out)
put("parquet", "polars", out.getvalue())
put("parquet", "cut", file[:-30])
put("parquet", "empty", b"")
put("parquet", "marks_alone", b"PAR1PAR1")
put("parquet", "sealed", file[:-4] + b"PARE")
for name, at in [("footer_length", -8), ("first_page", 6), ("footer", -60), ("middle", len(file) // 2)]:
    broken = bytearray(file)
    broken[at] ^= 0x15
    put("parquet", name, bytes(broken))
