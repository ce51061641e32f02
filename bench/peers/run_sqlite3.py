"""The shell of SQLite: `.import` of a CSV file into a table with declared types. It reads no Parquet, and is handed the same rows as CSV."""

import pathlib
import sqlite3
import subprocess
import sys

import peer

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from data import SQLITE_ORDERS  # noqa: E402


def load(source, out):
    source = pathlib.Path(source).with_suffix(".csv")
    sqlite3.connect(f"{out}.db").execute(SQLITE_ORDERS)
    subprocess.run(["sqlite3", f"{out}.db", f".import --csv --skip 1 {source} orders"], check=True)


peer.run({"csv-to-sqlite": load, "parquet-to-sqlite": load})
