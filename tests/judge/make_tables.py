#!/usr/bin/env python3
"""Makes tables of any size, the same for the same seed: make_tables.py SHAPE ROWS SEED FILE...

The end of a file's name says who writes it: `.parquet` (pyarrow, all rows in one row group), `.groups.parquet` (DuckDB),
`.csv`, `.ndjson` (DuckDB), `.arrow` (pyarrow, batches of 10,000 rows), `.lz4.arrow` (the same, packed), `.db` (a table
`t`, Python's sqlite3).
"""

import os
import sqlite3
import sys

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

BATCH = 10_000
shape, rows, seed, *files = sys.argv[1:]
rows, seed = int(rows), int(seed)


def dice(salt, n):
    return f"CAST(hash(i, {salt}, {seed}) % {n} AS BIGINT)"


def words(salt, n):
    """Texts of about n letters that no two rows share."""
    return " || ' ' || ".join(f"format('{{:x}}', hash(i, {salt}, {k}, {seed}))" for k in range(max(1, n // 17)))


def many_words(salt, n):
    return f"array_to_string([format('{{:x}}', hash(i, {salt}, x, {seed})) FOR x IN range({n // 17})], ' ')"


def one_of(salt, *texts):
    return f"[{', '.join(map(repr, texts))}][1 + {dice(salt, len(texts))}]"


def price(salt, cents):
    return f"CAST({dice(salt, cents)} AS DECIMAL(15, 0)) / 100"


# As TPC-H has them, near enough for their sizes.
ORDERS = {
    "o_orderkey": "i * 4 + 1",
    "o_custkey": dice(1, 150_000),
    "o_orderstatus": one_of(2, "F", "O", "P"),
    "o_totalprice": f"CAST({price(3, 50_000_000)} AS DECIMAL(15, 2))",
    "o_orderdate": f"DATE '1992-01-01' + CAST({dice(4, 2406)} AS INTEGER)",
    "o_orderpriority": one_of(5, "1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"),
    "o_clerk": f"'Clerk#' || lpad(CAST({dice(6, 1000)} AS VARCHAR), 9, '0')",
    "o_shippriority": "CAST(0 AS INTEGER)",
    "o_comment": words(7, 52),
}
LINES = {
    "l_orderkey": "i // 4",
    "l_partkey": dice(1, 200_000),
    "l_suppkey": dice(2, 10_000),
    "l_linenumber": "CAST(i % 4 AS INTEGER)",
    "l_quantity": f"CAST({price(3, 5_000)} AS DECIMAL(15, 2))",
    "l_extendedprice": f"CAST({price(4, 10_000_000)} AS DECIMAL(15, 2))",
    "l_discount": f"CAST({price(5, 11)} AS DECIMAL(15, 2))",
    "l_tax": f"CAST({price(6, 9)} AS DECIMAL(15, 2))",
    "l_returnflag": one_of(7, "A", "N", "R"),
    "l_linestatus": one_of(8, "F", "O"),
    "l_shipdate": f"DATE '1992-01-01' + CAST({dice(9, 2500)} AS INTEGER)",
    "l_commitdate": f"DATE '1992-01-01' + CAST({dice(10, 2500)} AS INTEGER)",
    "l_receiptdate": f"DATE '1992-01-01' + CAST({dice(11, 2500)} AS INTEGER)",
    "l_shipinstruct": one_of(12, "COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN"),
    "l_shipmode": one_of(13, "AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"),
    "l_comment": words(14, 26),
}
# 200 columns of all kinds; numbers that no dictionary takes, so that every column has full pages.
WIDE = {"id": "i"} | {
    f"c{n:03}": [
        dice(n, 1 << 62),
        f"CAST({dice(n, 1 << 50)} AS DOUBLE) / 1024",
        words(n, 17),
        one_of(n, "red", "green", "blue"),
        f"CASE WHEN {dice(n, 10)} < 9 THEN NULL ELSE {dice(n, 1000)} END",
    ][n % 5]
    for n in range(1, 200)
}
# Every tenth row has a text of a mebibyte that packs well; `blobs` has bytes there that do not.
TEXTS = {
    "id": "i",
    "body": f"CASE WHEN i % 10 = 0 THEN repeat({words(1, 60)}, 1048576 // length({words(1, 60)}) + 1)[:1048576] ELSE {words(2, 12)} END",
    "note": "'row ' || i",
}
BLOBS = TEXTS | {"body": f"encode(CASE WHEN i % 10 = 0 THEN {many_words(1, 1 << 20)} ELSE {words(2, 12)} END)"}
GIANT = TEXTS | {"body": "CASE WHEN i = 33 THEN repeat('0123456789ab', 1048576) ELSE 'small' END"}
# Lines of some 40,000 letters.
LONG = {"id": "i"} | {f"t{n}": many_words(n, 1000) for n in range(40)}
NESTED = {
    "id": "i",
    "who": f"{{'name': {words(1, 20)}, 'at': {{'city': {one_of(2, 'Oslo', 'Lima')}, 'lines': [{words(3, 20)}, {words(4, 20)}]}}}}",
    "items": f"[{{'sku': {words(5, 12)}, 'n': x}} FOR x IN range({dice(6, 20)})]",
}
SHAPES = {
    "orders": ORDERS,
    "lines": LINES,
    "wide": WIDE,
    "texts": TEXTS,
    "blobs": BLOBS,
    "giant": GIANT,
    "long": LONG,
    "nested": NESTED,
}

columns = SHAPES[shape]
base = duckdb.connect(config={"memory_limit": "3GB", "threads": 2, "preserve_insertion_order": True})
query = f"SELECT {', '.join(f'{cell} AS {name}' for name, cell in columns.items())} FROM range({rows}) r(i)"


def batches():
    return base.execute(query).to_arrow_reader(BATCH)


def sqlite(path):
    kinds = {"i": "INTEGER", "d": "REAL", "s": "TEXT", "b": "BLOB"}
    reader = batches()
    names = reader.schema.names
    kind = lambda t: "i" if pa.types.is_integer(t) else "b" if pa.types.is_binary(t) else "d" if pa.types.is_floating(t) or pa.types.is_decimal(t) else "s"
    how = [kind(field.type) for field in reader.schema]
    with sqlite3.connect(path) as into:
        declared = [f"{name} {kinds[k]}" for name, k in zip(names, how)]
        if shape != "lines":
            declared[0] += " PRIMARY KEY"
        into.execute(f"CREATE TABLE t ({', '.join(declared)})")
        insert = f"INSERT INTO t VALUES ({', '.join('?' * len(names))})"
        for batch in reader:
            cells = []
            for column, k in zip(batch.columns, how):
                if k == "d":
                    column = column.cast(pa.float64())
                cells.append(column.cast(pa.string()).to_pylist() if k == "s" else column.to_pylist())
            into.executemany(insert, zip(*cells))
    into.close()


for file in files:
    if file.endswith(".groups.parquet"):
        base.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    elif file.endswith(".parquet"):
        # Decimals of DuckDB are kept; one row group, whatever its size.
        reader = batches()
        table = pa.Table.from_batches(reader, reader.schema)
        pq.write_table(table, file, row_group_size=max(rows, 1))
        del table
    elif file.endswith(".csv"):
        base.execute(f"COPY ({query}) TO '{file}' (FORMAT csv, HEADER)")
    elif file.endswith(".ndjson"):
        base.execute(f"COPY ({query}) TO '{file}' (FORMAT json)")
    elif file.endswith(".arrow"):
        reader = batches()
        packing = pa.ipc.IpcWriteOptions(compression="lz4" if file.endswith(".lz4.arrow") else None)
        with pa.ipc.new_file(file, reader.schema, options=packing) as out:
            for batch in reader:
                out.write_batch(batch)
    elif file.endswith(".db"):
        sqlite(file)
    else:
        sys.exit(f"{file}: nobody writes that")
    print(f"{file}: {os.path.getsize(file)} bytes")
