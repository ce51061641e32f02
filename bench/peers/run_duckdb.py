"""DuckDB, with its SQLite scanner; defaults, as many threads as the machine has cores."""

import pathlib

import duckdb
import duckdb_extension_sqlite_scanner
import peer

SCANNER = next(pathlib.Path(duckdb_extension_sqlite_scanner.__file__).parent.glob("extensions/*/*.duckdb_extension"))
base = duckdb.connect()
base.execute(f"LOAD '{SCANNER}'")


def sqlite_to_parquet(source, out):
    base.execute(f"ATTACH '{source}' AS s (TYPE sqlite, READ_ONLY)")
    base.execute(f"COPY (FROM s.orders) TO '{out}.parquet' (FORMAT parquet, COMPRESSION snappy)")


def csv_to_parquet(source, out):
    base.execute(f"COPY (FROM read_csv('{source}')) TO '{out}.parquet' (FORMAT parquet, COMPRESSION snappy)")


def ndjson_to_parquet(source, out):
    base.execute(f"COPY (FROM read_json('{source}', format = 'newline_delimited')) TO '{out}.parquet' (FORMAT parquet, COMPRESSION snappy)")


def parquet_to_parquet(source, out):
    base.execute(f"COPY (FROM read_parquet('{source}')) TO '{out}.parquet' (FORMAT parquet, COMPRESSION snappy)")


def parquet_to_csv(source, out):
    base.execute(f"COPY (FROM read_parquet('{source}')) TO '{out}.csv' (FORMAT csv, HEADER)")


def into_sqlite(read):
    def way(source, out):
        base.execute(f"ATTACH '{out}.db' AS s (TYPE sqlite)")
        base.execute(f"CREATE TABLE s.orders AS FROM {read}('{source}')")

    return way


peer.run({
    "sqlite-to-parquet": sqlite_to_parquet,
    "csv-to-parquet": csv_to_parquet,
    "ndjson-to-parquet": ndjson_to_parquet,
    "parquet-to-parquet": parquet_to_parquet,
    "parquet-to-csv": parquet_to_csv,
    "csv-to-sqlite": into_sqlite("read_csv"),
    "parquet-to-sqlite": into_sqlite("read_parquet"),
})
