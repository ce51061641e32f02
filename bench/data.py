"""What is moved: tables of TPC-H, made once, and the way to tell by value whether they arrived.

    data.py FOLDER make NAME SCALE          orders.parquet, orders.csv, orders.ndjson, orders.db, lineitem.parquet, if it is not there
    data.py FOLDER digest TABLE SOURCE      rows and two order-free sums, of a table as DuckDB reads it

A program of its own, because on Linux a process counts as at least as large as the one that started it: what measures must stay small.
"""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

# The type in which a column is compared, whatever the reader makes of what a tool wrote.
COLUMNS = {
    "orders": {
        "o_orderkey": "BIGINT",
        "o_custkey": "BIGINT",
        "o_orderstatus": "VARCHAR",
        "o_totalprice": "DECIMAL(15, 2)",
        "o_orderdate": "DATE",
        "o_orderpriority": "VARCHAR",
        "o_clerk": "VARCHAR",
        "o_shippriority": "INTEGER",
        "o_comment": "VARCHAR",
    },
    "lineitem": {
        "l_orderkey": "BIGINT",
        "l_partkey": "BIGINT",
        "l_suppkey": "BIGINT",
        "l_linenumber": "INTEGER",
        "l_quantity": "DECIMAL(15, 2)",
        "l_extendedprice": "DECIMAL(15, 2)",
        "l_discount": "DECIMAL(15, 2)",
        "l_tax": "DECIMAL(15, 2)",
        "l_returnflag": "VARCHAR",
        "l_linestatus": "VARCHAR",
        "l_shipdate": "DATE",
        "l_commitdate": "DATE",
        "l_receiptdate": "DATE",
        "l_shipinstruct": "VARCHAR",
        "l_shipmode": "VARCHAR",
        "l_comment": "VARCHAR",
    },
}

SQLITE_ORDERS = """CREATE TABLE orders (
    o_orderkey INTEGER PRIMARY KEY,
    o_custkey INTEGER NOT NULL,
    o_orderstatus TEXT NOT NULL,
    o_totalprice REAL NOT NULL,
    o_orderdate DATE NOT NULL,
    o_orderpriority TEXT NOT NULL,
    o_clerk TEXT NOT NULL,
    o_shippriority INTEGER NOT NULL,
    o_comment TEXT NOT NULL
)"""


def make(folder, name, scale):
    path = folder / name
    if path.exists():
        return
    print(f"making {name}", file=sys.stderr)
    fresh = folder / f"fresh-{name}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    table, _, kind = name.partition(".")
    if kind == "db":
        make(folder, f"{table}.parquet", scale)
        make_database(fresh / name, table, folder / f"{table}.parquet")
    elif kind == "ndjson":
        make(folder, f"{table}.parquet", scale)
        make_lines(fresh / name, folder / f"{table}.parquet")
    else:
        generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        words = [generator, kind, "-s", scale, f"--tables={table}", f"--output-dir={fresh}"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.replace(fresh / name, path)
    fresh.rmdir()


def make_database(path, table, rows):
    import pyarrow.dataset

    base = sqlite3.connect(path)
    base.execute(SQLITE_ORDERS)
    insert = f"INSERT INTO {table} VALUES ({','.join('?' * len(COLUMNS[table]))})"
    for batch in pyarrow.dataset.dataset(rows).to_batches():
        columns = [column.to_pylist() for column in batch.columns]
        columns[3] = [float(price) for price in columns[3]]
        columns[4] = [day.isoformat() for day in columns[4]]
        base.executemany(insert, zip(*columns))
    base.commit()
    base.close()


def make_lines(path, rows):
    import duckdb

    # Prices as numbers, days as texts.
    duckdb.execute(f"COPY (SELECT * REPLACE (CAST(o_totalprice AS DOUBLE) AS o_totalprice) FROM '{rows}') TO '{path}' (FORMAT json)")


def digest(table, source):
    import duckdb
    import duckdb_extension_sqlite_scanner

    scanner = next(pathlib.Path(duckdb_extension_sqlite_scanner.__file__).parent.glob("extensions/*/*.duckdb_extension"))
    cells = ", ".join(f'CAST("{name}" AS {kind})' for name, kind in COLUMNS[table].items())
    base = duckdb.connect(config={"memory_limit": "4GB"})
    base.execute(f"LOAD '{scanner}'")
    base.execute("SET sqlite_all_varchar = true")
    if source.startswith("sqlite:"):
        base.execute(f"ATTACH '{source[7:]}' AS s (TYPE sqlite, READ_ONLY)")
        source = f"s.{table}"
    return base.execute(
        f"SELECT count(*), sum(hash({cells})::HUGEINT), sum(hash(1, {cells})::HUGEINT) FROM {source}"
    ).fetchone()


if __name__ == "__main__":
    where, verb, first, second = sys.argv[1:]
    if verb == "make":
        make(pathlib.Path(where), first, second)
    else:
        print(*digest(first, second))
