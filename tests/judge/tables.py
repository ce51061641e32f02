"""Reads a table by the field's own readers, none of which shares code with hygge, and gives each cell one canonical form.

A table is named `KIND:PATH`:

    sqlite:shop.db#users     a table, read by Python's sqlite3
    csv:users.csv.gz         a file or a folder of files, read by Python's csv; nothing, and the words of `nulls`, are NULL
    json:data/users          a file or a folder of files, read by Python's json; `duckdb_json:`, `polars_json:` and
                             `pyarrow_json:` read rows on lines by those
    parquet:data/users       a file or a folder, read by pyarrow; `duckdb:` and `polars:` read it by those
    arrow:data/users         a file or a folder, read by pyarrow; `polars_arrow:` reads it by polars
    hive:data/users          a folder of Parquet files in folders called `name=value`, read by pyarrow; `duckdb_hive:` and
                             `polars_hive:` read it by those; `csv_hive:` is one of CSV files, read by Python's csv
"""

import bz2
import csv
import datetime
import decimal
import glob
import gzip
import io
import json
import lzma
import math
import os
import re
import sqlite3
import urllib.parse

EPOCH = datetime.datetime(1970, 1, 1)
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
INSTANT = re.compile(
    r"(\d{4,}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?\Z"
)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Table:
    """Columns by name: a kind (`int`, `text`, …, or `loose` where only the other side can say), and cells."""

    def __init__(self, names, kinds, columns):
        self.names, self.kinds, self.columns = names, kinds, columns

    def __len__(self):
        return len(self.columns[0]) if self.columns else 0


def load(spec, nulls=()):
    kind, _, path = spec.partition(":")
    if kind == "sqlite":
        path, _, table = path.partition("#")
        return from_sqlite(path, table)
    if kind == "csv":
        return from_csv(path, nulls)
    if kind == "json":
        return from_json(path)
    if kind in ("duckdb_json", "polars_json", "pyarrow_json"):
        return from_arrow(read_lines(kind, path))
    if kind == "csv_hive":
        return from_csv_hive(path, nulls)
    if kind in ("hive", "duckdb_hive", "polars_hive"):
        return from_arrow(read_hive(kind, path))
    if kind in ("parquet", "duckdb", "polars", "arrow", "polars_arrow"):
        return from_arrow(read_arrow(kind, path))
    raise SystemExit(f"{spec}: a table is named sqlite:FILE#TABLE, csv:PATH, json:PATH, or parquet:, duckdb:, polars:, arrow:, polars_arrow:, hive:, duckdb_hive:, polars_hive:, csv_hive: and a path")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def from_sqlite(path, table):
    base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
    try:
        cursor = base.execute(f"SELECT * FROM {quoted(table)}")
        names = [column[0] for column in cursor.description]
        columns = [list(cells) for cells in zip(*cursor)] or [[] for _ in names]
    finally:
        base.close()
    return Table(names, [observed(cells) for cells in columns], columns)


def observed(cells):
    """SQLite types values, not columns: a column is of a kind when all its values are."""
    seen = {type(cell) for cell in cells if cell is not None}
    if seen <= {int} and seen:
        return "int"
    if seen <= {int, float} and seen:
        return "float"
    return {frozenset({str}): "text", frozenset({bytes}): "bytes"}.get(frozenset(seen), "loose")


def from_csv(path, nulls):
    files = sorted(glob.glob(os.path.join(glob.escape(path), "*.csv*"))) if os.path.isdir(path) else [path]
    missing = {"", *nulls}
    names, rows = None, []
    for file in files:
        with open_text(file) as text:
            reader = csv.reader(text)
            header = next(reader)
            if names not in (None, header):
                raise SystemExit(f"{file}: another header than the files before")
            names = header
            rows.extend(reader)
    if names is None:
        raise SystemExit(f"{path}: no CSV file")
    columns = [[None if cell in missing else cell for cell in cells] for cells in zip(*rows, strict=True)] or [[] for _ in names]
    return Table(names, ["loose"] * len(names), columns)


def from_csv_hive(path, nulls):
    table = None
    for folder, folders, files in sorted(os.walk(path)):
        if not files:
            continue
        told = [part.split("=", 1) for part in os.path.relpath(folder, path).split(os.sep)]
        values = [None if value == "__HIVE_DEFAULT_PARTITION__" else urllib.parse.unquote(value) for _, value in told]
        part = from_csv(folder, nulls)
        columns = part.columns + [[value] * len(part) for value in values]
        names = part.names + [name for name, _ in told]
        if table is None:
            table = Table(names, ["loose"] * len(names), columns)
        elif table.names != names:
            raise SystemExit(f"{folder}: other columns than the folders before")
        else:
            table.columns = [before + more for before, more in zip(table.columns, columns)]
    if table is None:
        raise SystemExit(f"{path}: no CSV file")
    return table


def read_hive(reader, path):
    """What folders tell is read as text, and stands behind the columns of the files: the other side says what it means."""
    if not os.path.isdir(path):
        raise FileNotFoundError(path)
    folder, keys = path, []
    while inner := sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()):
        keys.append(inner[0].split("=", 1)[0])
        folder = os.path.join(folder, inner[0])
    if reader == "duckdb_hive":
        import duckdb

        query = f"SELECT * EXCLUDE ({', '.join(map(quoted, keys))}), {', '.join(map(quoted, keys))} FROM read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
        return duckdb.connect().execute(query, [os.path.join(path, "**", "*.parquet")]).fetch_arrow_table()
    if reader == "polars_hive":
        import polars

        return polars.read_parquet(path, hive_partitioning=True, hive_schema={key: polars.String for key in keys}).to_arrow()
    import pyarrow
    import pyarrow.dataset

    told = pyarrow.dataset.partitioning(pyarrow.schema([(key, pyarrow.string()) for key in keys]), flavor="hive")
    return pyarrow.dataset.dataset(path, format="parquet", partitioning=told).to_table()


def json_files(path):
    return sorted(glob.glob(os.path.join(glob.escape(path), "*.*json*"))) if os.path.isdir(path) else [path]


def from_json(path):
    rows = []
    for file in json_files(path):
        with open_text(file) as text:
            if ".ndjson" in file or ".jsonl" in file:
                rows.extend(json.loads(line) for line in text)
            else:
                rows.extend(json.load(text))
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [[row.get(name) for row in rows] for name in names]
    return Table(names, [observed(cells) for cells in columns], columns)


def read_lines(reader, path):
    files = json_files(path)
    if reader == "duckdb_json":
        import duckdb

        return duckdb.execute("SELECT * FROM read_json(?, format = 'newline_delimited')", [files]).fetch_arrow_table()
    if reader == "polars_json":
        import polars

        return polars.concat([polars.read_ndjson(file, infer_schema_length=None) for file in files]).to_arrow()
    import pyarrow
    import pyarrow.json

    return pyarrow.concat_tables([pyarrow.json.read_json(file) for file in files])


def open_text(file):
    if file.endswith(".gz"):
        raw = gzip.open(file)
    elif file.endswith(".bz2"):
        raw = bz2.open(file)
    elif file.endswith(".xz"):
        raw = lzma.open(file)
    elif file.endswith((".zst", ".lz4")):
        import pyarrow

        raw = pyarrow.input_stream(file, compression="zstd" if file.endswith(".zst") else "lz4")
    else:
        raw = open(file, "rb")
    return io.TextIOWrapper(raw, encoding="utf-8", newline="")


def read_arrow(reader, path):
    if reader == "duckdb":
        import duckdb

        session = duckdb.connect()
        session.execute("SET TimeZone = 'UTC'")
        pattern = os.path.join(path, "*.parquet") if os.path.isdir(path) else path
        return session.execute("SELECT * FROM read_parquet(?)", [pattern]).fetch_arrow_table()
    if reader == "polars":
        import polars

        return polars.read_parquet(path).to_arrow()
    if reader == "polars_arrow":
        import polars

        pattern = os.path.join(path, "*.arrow") if os.path.isdir(path) else path
        return polars.read_ipc(pattern).to_arrow()
    import pyarrow.dataset

    return pyarrow.dataset.dataset(path, format="ipc" if reader == "arrow" else "parquet").to_table()


def from_arrow(table):
    import pyarrow as pa

    names, kinds, columns = table.column_names, [], []
    for column in table.columns:
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
            column = column.cast(kind)
        if pa.types.is_timestamp(kind):
            kinds.append("instant" if kind.tz else "local")
            scale = 10**9 // PER_SECOND[kind.unit]
            column = [None if cell is None else cell * scale for cell in column.cast(pa.int64()).to_pylist()]
        elif pa.types.is_time(kind):
            kinds.append("time")
            scale = 10**9 // PER_SECOND[kind.unit]
            whole = pa.int32() if pa.types.is_time32(kind) else pa.int64()
            column = [None if cell is None else cell * scale for cell in column.cast(whole).to_pylist()]
        else:
            kinds.append(
                "bool" if pa.types.is_boolean(kind)
                else "int" if pa.types.is_integer(kind)
                else "float" if pa.types.is_floating(kind)
                else "decimal" if pa.types.is_decimal(kind)
                else "date" if pa.types.is_date(kind)
                else "text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
                else "bytes" if pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
                or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind)
                else "nested"
            )
            column = column.to_pylist()
        columns.append(column)
    return Table(names, kinds, columns)


def agreed(left, right):
    """The kind in which two columns are compared: that of the side whose types are declared, the richer of two."""
    if left == right:
        return left
    order = ["loose", "text", "int", "bool", "float", "decimal", "date", "time", "local", "instant", "bytes", "nested"]
    return max(left, right, key=order.index)


def canonical(cell, kind):
    """One form per value. Raises ValueError where the value is not exactly one of the kind."""
    if cell is None:
        return None
    if kind == "int":
        if isinstance(cell, str) and INTEGER.match(cell):
            return int(cell)
        if isinstance(cell, int):
            return int(cell)
    elif kind == "bool":
        if isinstance(cell, str) and cell.lower() in ("true", "false"):
            return cell.lower() == "true"
        if cell in (0, 1):
            return bool(cell)
    elif kind == "float":
        value = float(cell)
        if isinstance(cell, int) and int(value) != cell:
            raise ValueError(cell)
        return "nan" if math.isnan(value) else value + 0.0
    elif kind == "decimal":
        if isinstance(cell, float):
            cell = repr(cell)
        return decimal.Decimal(cell) + 0 if decimal.Decimal(cell) == 0 else exactly(decimal.Decimal(cell))
    elif kind == "date":
        if isinstance(cell, datetime.date):
            return cell.isoformat()
        if isinstance(cell, str):
            return datetime.date.fromisoformat(cell).isoformat()
    elif kind == "time":
        if isinstance(cell, int):
            return cell
        return since_midnight(*re.fullmatch(r"(\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?", cell).groups())
    elif kind in ("local", "instant"):
        return cell if isinstance(cell, int) else since_epoch(cell, kind)
    elif kind == "bytes":
        if isinstance(cell, bytes):
            return cell
    elif kind == "nested":
        return repr(cell)
    elif isinstance(cell, str):
        return cell
    elif isinstance(cell, (int, float)):
        return repr(cell)
    elif kind == "loose":
        return cell
    raise ValueError(cell)


def exactly(value):
    """A decimal without trailing zeros, with all its digits (normalize() would round to the context)."""
    sign, digits, exponent = value.as_tuple()
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return decimal.Decimal((sign, digits, exponent))


def since_midnight(clock, fraction):
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return ((hours * 60 + minutes) * 60 + (seconds[0] if seconds else 0)) * 10**9 + int((fraction or "").ljust(9, "0"))


def since_epoch(text, kind):
    """Nanoseconds since 1970; an instant without zone is taken as UTC."""
    match = INSTANT.match(text) if isinstance(text, str) else None
    if not match or (kind == "local" and match[4]):
        raise ValueError(text)
    day = (datetime.datetime.fromisoformat(match[1]) - EPOCH).days
    nanos = day * 86_400 * 10**9 + since_midnight(match[2], match[3])
    if match[4] and match[4] != "Z":
        sign, digits = match[4][0], match[4][1:].replace(":", "").ljust(4, "0")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * 60 * 10**9
        nanos += offset if sign == "-" else -offset
    return nanos
