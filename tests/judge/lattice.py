#!/usr/bin/env python3
"""Says whether columns arrived: value by value against the original, in its type, read by tools that share no code with hygge.

    lattice.py --serve        a line of JSON a question, an answer a line

A question is `{"original": "x.arrow", "found": "READER:PATH", "zeros": true}`; `zeros` takes -0.0 and 0.0 for one number.
Rows are told by the column `id`. The answer is `same`, `different: …`, or `error: …` where the reader could not read.

    arrow:x.arrow           an Arrow file, read by pyarrow; `ipc:PATH` a file or folder of such
    parquet:PATH            a file or folder, read by pyarrow; `duckdb:PATH` and `polars:PATH` by those
    csv:PATH                a file or folder, read by the parser below; `duckcsv:PATH` by DuckDB, all as text
    ndjson:PATH             a file or folder, read by Python's json; `duckjson:PATH` by DuckDB, each value as its JSON
    sqlite:PATH#TABLE       a table, read by Python's sqlite3
"""

import decimal
import glob
import json
import math
import os
import re
import sqlite3
import struct
import sys
import traceback

import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.types as is_

decimal.getcontext().prec = 100
NANOS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
DATE = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)\Z")
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\Z")


def canonical(array, zeros):
    """The values of an Arrow array as plain Python values, one form a value whatever carries it."""
    kind = array.type
    if isinstance(array, pa.ChunkedArray):
        return [cell for chunk in array.chunks for cell in canonical(chunk, zeros)]
    if isinstance(array, pa.ExtensionArray):
        return canonical(array.storage, zeros)
    if is_.is_null(kind):
        return [None] * len(array)
    if is_.is_dictionary(kind):
        values = canonical(array.dictionary, zeros)
        return [None if key is None else values[key] for key in array.indices.to_pylist()]
    if is_.is_run_end_encoded(kind):
        return canonical(pyarrow.compute.run_end_decode(array), zeros)
    if is_list(kind) or is_.is_map(kind):
        return [canonical(item.values, zeros) if item.is_valid else None for item in array]
    if is_.is_struct(kind):
        parts = [canonical(part, zeros) for part in array.flatten()]
        return [tuple(row) if ok else None for ok, *row in zip(array.is_valid().to_pylist(), *parts)]
    if is_.is_floating(kind):
        return [number(cell, zeros) for cell in array.to_pylist()]
    if is_.is_decimal(kind):
        return [None if cell is None else exactly(cell) for cell in array.to_pylist()]
    if is_.is_date32(kind):
        return array.cast(pa.int32()).to_pylist()
    if is_.is_date64(kind):
        return [None if ms is None else days(ms) for ms in array.cast(pa.int64()).to_pylist()]
    if is_.is_time(kind) or is_.is_timestamp(kind) or is_.is_duration(kind):
        whole = array.view(pa.int32() if is_.is_time32(kind) else pa.int64()).to_pylist()
        return [None if cell is None else cell * NANOS[kind.unit] for cell in whole]
    return array.to_pylist()


def is_list(kind):
    return any(of(kind) for of in (is_.is_list, is_.is_large_list, is_.is_fixed_size_list, is_.is_list_view, is_.is_large_list_view))


def days(ms):
    whole, rest = divmod(ms, 86_400_000)
    return (whole, "and", rest) if rest else whole


def number(cell, zeros):
    if cell is None:
        return None
    if math.isnan(cell):
        return "NaN"
    return repr(cell + 0.0 if zeros else cell)


def exactly(value):
    sign, digits, exponent = value.as_tuple()
    if not any(digits):
        return decimal.Decimal(0)
    while digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return decimal.Decimal((sign, digits, exponent))


def from_text(cell, kind, zeros):
    """The value of a type that a text stands for, or that SQLite kept as one of its own."""
    if cell is None:
        return None
    if is_.is_dictionary(kind):
        return from_text(cell, kind.value_type, zeros)
    text = isinstance(cell, str)
    if is_.is_boolean(kind):
        return {"true": True, "false": False, 1: True, 0: False}[cell]
    if is_.is_integer(kind) or is_.is_duration(kind):
        value = int(cell) if text and re.fullmatch(r"-?(0|[1-9]\d*)", cell) or type(cell) is int else misfit(cell)
        return value * NANOS[kind.unit] if is_.is_duration(kind) else value
    if is_.is_floating(kind):
        value = float(cell)
        size = {"halffloat": "e", "float": "f", "double": "d"}[str(kind)]
        return number(struct.unpack(size, struct.pack(size, value))[0], zeros)
    if is_.is_decimal(kind):
        value = decimal.Decimal(cell) if text else misfit(cell)
        places = -value.as_tuple().exponent
        # All digits of the scale are there, so that texts of one column look alike.
        return exactly(value) if places == max(kind.scale, 0) else misfit(cell)
    if is_.is_date(kind):
        return since_1970(cell)
    if is_.is_time(kind):
        return since_midnight(cell)
    if is_.is_timestamp(kind):
        zone = "(Z|\\+00:00)" if kind.tz else ""
        found = re.fullmatch(r"(.*)[T ]([\d:.]+?)" + zone, cell) or misfit(cell)
        return since_1970(found[1]) * 86_400 * 10**9 + since_midnight(found[2])
    if is_.is_fixed_size_binary(kind) or is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_binary_view(kind):
        return bytes.fromhex(cell) if text else cell
    if is_.is_null(kind):
        return misfit(cell)
    return cell if text else misfit(cell)


class Number(str):
    """A number as it is written."""


class Pairs(list):
    """An object's keys and values in their order."""


def parsed(text):
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=misfit, object_pairs_hook=Pairs)


def from_json(cell, kind, zeros):
    """The value of a type that a JSON value stands for."""
    if cell is None:
        return None
    if is_.is_dictionary(kind):
        return from_json(cell, kind.value_type, zeros)
    if is_list(kind):
        if type(cell) is not list:
            misfit(cell)
        return [from_json(item, kind.value_type, zeros) for item in cell]
    if is_.is_map(kind):
        pairs = cell if type(cell) is Pairs else misfit(cell)
        return [(from_text(str(key), kind.key_type, zeros), from_json(item, kind.item_type, zeros)) for key, item in pairs]
    if is_.is_struct(kind):
        if type(cell) is not Pairs or [key for key, _ in cell] != [kind.field(i).name for i in range(kind.num_fields)]:
            misfit(cell)
        return tuple(from_json(item, kind.field(i).type, zeros) for i, (_, item) in enumerate(cell))
    if is_.is_boolean(kind):
        return cell if type(cell) is bool else misfit(cell)
    special = is_.is_floating(kind) and cell in ("NaN", "Infinity", "-Infinity")
    counts = is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind) or is_.is_duration(kind)
    if type(cell) is not (Number if counts and not special else str):
        misfit(cell)
    return from_text(str(cell), kind, zeros)


def misfit(cell):
    raise ValueError(f"{cell!r} is no such value")


def since_1970(text):
    year, month, day = (int(part) for part in (DATE.match(text) or misfit(text)).groups())
    before = year - 1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        misfit(text)
    return before * 365 + before // 4 - before // 100 + before // 400 + sum(lengths[: month - 1]) + day - 719_163


def since_midnight(text):
    hours, minutes, seconds, fraction = (CLOCK.match(text) or misfit(text)).groups()
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        misfit(text)
    return whole * 10**9 + int((fraction or "").ljust(9, "0"))


def cells_of_csv(text):
    """RFC 4180, where only a field without quotes can be NULL."""
    rows, row, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            cell, at = "", at + 1
            while True:
                end = text.index('"', at)
                cell, at = cell + text[at:end], end + 1
                if text[at : at + 1] != '"':
                    break
                cell, at = cell + '"', at + 1
        else:
            end = at
            while text[end] not in ",\n":
                end += 1
            cell, at = text[at:end] or None, end
        row.append(cell)
        if text[at] == "\n":
            rows.append(row)
            row = []
        elif text[at] != ",":
            raise ValueError("text behind a closing quote")
        at += 1
    return rows


def files(path, end):
    return sorted(glob.glob(os.path.join(glob.escape(path), "*" + end))) if os.path.isdir(path) else [path]


def texts(reader, path):
    """Column names, and rows of texts or of SQLite's own values."""
    if reader == "sqlite":
        path, _, table = path.partition("#")
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
        cursor = base.execute(f'SELECT * FROM "{table}"')
        return [column[0] for column in cursor.description], [list(row) for row in cursor]
    if reader == "duckcsv":
        import duckdb

        session = duckdb.connect()
        session.execute("SELECT * FROM read_csv(?, all_varchar=true, header=true, auto_detect=false, delim=',', allow_quoted_nulls=false, quote='\"', escape='\"', columns={id: 'VARCHAR', value: 'VARCHAR'})", [files(path, ".csv")])
        return [column[0] for column in session.description], [list(row) for row in session.fetchall()]
    if reader == "duckjson":
        import duckdb

        session = duckdb.connect()
        session.execute("SELECT * FROM read_json(?, format='newline_delimited', columns={id: 'JSON', value: 'JSON'})", [files(path, ".ndjson")])
        return [column[0] for column in session.description], [[cell and parsed(cell) for cell in row] for row in session.fetchall()]
    if reader == "ndjson":
        lines = []
        for file in files(path, ".ndjson"):
            with open(file, encoding="utf-8", newline="") as text:
                lines += [parsed(line) for line in text.read().split("\n")[:-1]]
        names = [name for name, _ in lines[0]] if lines else None
        if any([name for name, _ in line] != names for line in lines):
            raise ValueError("rows of different keys")
        return names, [[cell for _, cell in line] for line in lines]
    rows = []
    for file in files(path, ".csv"):
        with open(file, encoding="utf-8", newline="") as text:
            names, *more = cells_of_csv(text.read())
        rows += more
    return names, rows


def arrow(reader, path):
    if reader == "arrow":
        with pa.ipc.open_file(path) as file:
            return file.read_all()
    if reader == "ipc":
        return pa.concat_tables([arrow("arrow", file) for file in files(path, ".arrow")])
    if reader == "duckdb":
        import duckdb

        session = duckdb.connect()
        session.execute("SET TimeZone = 'UTC'")
        return session.execute("SELECT * FROM read_parquet(?)", [files(path, ".parquet")]).to_arrow_table()
    if reader == "polars":
        import polars

        return polars.read_parquet(path).to_arrow()
    import pyarrow.dataset

    return pyarrow.dataset.dataset(path, format="parquet").to_table()


def judge(asked):
    zeros = asked.get("zeros", False)
    original = arrow("arrow", asked["original"])
    wanted = {name: canonical(original.column(name), zeros) for name in original.column_names}
    reader, _, path = asked["found"].partition(":")
    if reader in ("csv", "duckcsv", "ndjson", "duckjson", "sqlite"):
        names, rows = texts(reader, path)
        # No line tells no names.
        names = original.column_names if names is None else names
        read = from_json if "json" in reader else from_text
        cells = {name: [row[i] for row in rows] for i, name in enumerate(names)}
        found = {name: [read(cell, original.schema.field(name).type, zeros) for cell in column] for name, column in cells.items()}
    else:
        table = arrow(reader, path)
        names = table.column_names
        found = {name: canonical(table.column(name), zeros) for name in names}
    if names != original.column_names:
        return f"different: columns {names[:5]} for {original.column_names[:5]}"
    by_id = lambda columns: sorted(zip(*columns.values()), key=lambda row: row[list(columns).index("id")])
    wanted, found = by_id(wanted), by_id(found)
    if len(wanted) != len(found):
        return f"different: {len(found)} rows for {len(wanted)}"
    for right, left in zip(wanted, found):
        if right != left:
            return f"different: {left!r} for {right!r}"
    return "same"


for line in sys.stdin:
    try:
        answer = judge(json.loads(line))
    except BaseException as error:  # what cannot be read is an answer too, and the next question still comes
        last = traceback.extract_tb(error.__traceback__)[-1]
        answer = f"error: {type(error).__name__}: {error} ({os.path.basename(last.filename)}:{last.lineno})"
    print(answer.replace("\n", " "), flush=True)
