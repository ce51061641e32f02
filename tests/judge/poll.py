#!/usr/bin/env python3
"""Reads a place over and over while others write it, and prints every state it sees, in order.

    poll.py --reader duckdb|polars|pyarrow|sqlite|listing --column ID --stop FILE PATH[#TABLE]

Prints `ready` before the first look, then a line whenever what it sees changes:

    state ROWS SUM      a whole answer: how many rows, the sum of the column
    absent              there is nothing yet: no such folder, file or table
    gone                the answer broke off because a file went away between listing and opening
    empty               pyarrow found a folder without files: it leaves out what went away between its listing and
                        its stat, so that a replace between the two looks so to it; the listing reader tells whether it was
    error TEXT          anything else: a reader that saw a part would end here, or in a state that nobody wrote

Ends with `polls N` once FILE exists, after one more look. Whether the states are right is for the caller to say.
"""

import argparse
import glob
import os
import sqlite3
import sys


class NoFiles(Exception):
    """pyarrow found no file in a folder that is there."""


def duckdb_reader(path, column):
    import duckdb

    session = duckdb.connect(config={"threads": 1})
    pattern = path if path.endswith(".parquet") else os.path.join(path, "*.parquet")
    return lambda: session.execute(f'SELECT count(*), sum("{column}")::HUGEINT FROM read_parquet(?)', [pattern]).fetchone()


def polars_reader(path, column):
    import polars

    def look():
        frame = polars.scan_parquet(path).select(polars.len().alias("rows"), polars.col(column).sum().alias("sum")).collect()
        return frame.row(0)

    return look


def pyarrow_reader(path, column):
    import pyarrow.compute
    import pyarrow.dataset

    def look():
        table = pyarrow.dataset.dataset(path, format="parquet")
        if not table.files:
            raise NoFiles
        cells = table.to_table(columns=[column]).column(column)
        return len(cells), pyarrow.compute.sum(cells).as_py()

    return look


def listing_reader(path, column):
    """No reader of Parquet: how many names one listing of the folder shows. Nothing may excuse it from being whole."""
    return lambda: (len(os.listdir(path)), 0)


def sqlite_reader(path, column):
    path, _, table = path.partition("#")

    def look():
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
        try:
            return base.execute(f'SELECT count(*), sum("{column}") FROM "{table}"').fetchone()
        finally:
            base.close()

    return look


READERS = {
    "duckdb": duckdb_reader,
    "polars": polars_reader,
    "pyarrow": pyarrow_reader,
    "listing": listing_reader,
    "sqlite": sqlite_reader,
}


def told(error, path):
    """`absent`, `gone`, `empty` or `error`: the readers have no common word for a missing file."""
    if isinstance(error, NoFiles):
        return "empty"
    text = " ".join(str(error).split())
    missing = isinstance(error, FileNotFoundError) or any(
        words in text
        for words in ("No such file or directory", "No files found that match", "expanded paths were empty", "unable to open database file")
    )
    if not missing and "no such table" not in text:
        return f"error {type(error).__name__}: {text}"
    where = path.partition("#")[0]
    there = glob.glob(os.path.join(glob.escape(where), "*")) if os.path.isdir(where) else os.path.exists(where)
    return "gone" if there and "no such table" not in text else "absent"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reader", choices=READERS, required=True)
    parser.add_argument("--column", required=True, help="a column of whole numbers")
    parser.add_argument("--stop", required=True, help="the file that ends it")
    parser.add_argument("path")
    asked = parser.parse_args()
    look = READERS[asked.reader](asked.path, asked.column)
    print("ready", flush=True)
    seen, polls, last = None, 0, False
    while True:
        stopped = os.path.exists(asked.stop)
        try:
            rows, total = look()
            now = f"state {rows} {int(total or 0)}"
        except Exception as error:
            now = told(error, asked.path)
        polls += 1
        if now != seen:
            print(now, flush=True)
            seen = now
        if stopped:
            break
    print(f"polls {polls}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
