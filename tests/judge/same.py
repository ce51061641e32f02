#!/usr/bin/env python3
"""Says whether two tables hold the same rows, each as often, in any order, cell by cell by value.

    same.py [--nulls NA]... LEFT RIGHT         tables are named as tables.py says
    same.py --serve                            the same, a line of arguments a question; answers with a line each

Exit code 0 and `same: N rows, M columns`; or 1 and `different: …` with the first rows that one side has more of.
"""

import argparse
import collections
import shlex
import sys
import traceback

from tables import agreed, canonical, load


def rows(table, kinds, side, faults):
    columns = []
    for name, kind, cells in zip(table.names, kinds, table.columns):
        column = []
        for number, cell in enumerate(cells):
            try:
                column.append(canonical(cell, kind))
            except (ValueError, TypeError, AttributeError, ArithmeticError):
                faults.append(f"{side}, row {number + 1}, column {name}: {cell!r} is no {kind}")
                column.append(("misfit", repr(cell)))
        columns.append(column)
    return collections.Counter(zip(*columns))


def compare(left, right):
    """None when they are the same, else what differs."""
    if left.names != right.names:
        return f"columns {left.names} on the left, {right.names} on the right"
    kinds = [agreed(*pair) for pair in zip(left.kinds, right.kinds)]
    faults = []
    ours, theirs = rows(left, kinds, "left", faults), rows(right, kinds, "right", faults)
    if ours == theirs and not faults:
        return None
    more, less = ours - theirs, theirs - ours
    lines = [f"{len(left)} rows on the left, {len(right)} on the right; {more.total()} only left, {less.total()} only right"]
    lines += faults[:5]
    lines += [f"left x{times}: {row}" for row, times in list(more.items())[:5]]
    lines += [f"right x{times}: {row}" for row, times in list(less.items())[:5]]
    return "\n  ".join(lines)


def judge(arguments):
    parser = argparse.ArgumentParser(exit_on_error=False, description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nulls", action="append", default=[], help="a word that means NULL in CSV files")
    parser.add_argument("left")
    parser.add_argument("right")
    asked = parser.parse_args(arguments)
    left, right = load(asked.left, asked.nulls), load(asked.right, asked.nulls)
    different = compare(left, right)
    if different:
        return 1, f"different: {different}"
    return 0, f"same: {len(left)} rows, {len(left.names)} columns"


def serve():
    for line in sys.stdin:
        try:
            answer = judge(shlex.split(line))[1]
        except BaseException:  # a table that cannot be read is an answer too, and the next question still comes
            answer = f"error: {traceback.format_exc()}"
        print(answer.replace("\n", "\\n"), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        code, answer = judge(sys.argv[1:])
        print(answer)
        sys.exit(code)
