#!/usr/bin/env python3
"""Writes the corpora of `pgcopy_decode` (which `pgcopy_round` takes, too) and `pgcopy_encode`: a value of each type, and
some that are broken.

    pgcopy.py FOLDER
"""

import os
import struct
import sys

# As in crates/hygge-pgcopy/tests/it/any.rs.
TYPES = """bool int2 int4 int8 oid xid8 float4 float8 numeric numeric_15_2 numeric_38_10 numeric_76_38 numeric_3_m2 money date
time timetz timestamp timestamptz interval text varchar char name char1 bytea uuid json jsonb xml inet cidr macaddr macaddr8
bit varbit lsn tid ints grid texts numerics places place mood positive range vector vector3 halfvec""".split()
ERROR, NULL, TEXT, ARROW_INTERVALS, WITH_HEAD = 0, 0x40, 0x80, 0x20, 1


def put(kind, name, data):
    folder = os.path.join(sys.argv[1], kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def row(*cells):
    cells = [struct.pack(">i", -1) if cell is None else struct.pack(">i", len(cell)) + cell for cell in cells]
    return struct.pack(">h", len(cells)) + b"".join(cells)


def stream(name, types, rows, how=ERROR, end=b"\xff\xff", head=b""):
    kinds = bytes(TYPES.index(kind) for kind in types.split())
    put("pgcopy_decode", name, bytes([len(kinds), how]) + kinds + head + b"".join(rows) + end)


def numeric(digits, weight, scale, sign=0):
    return struct.pack(">hhHH", len(digits), weight, sign, scale) + b"".join(struct.pack(">H", d) for d in digits)


def array(element, dimensions, items):
    out = struct.pack(">iiI", len(dimensions), 1, element)
    for length, low in dimensions:
        out += struct.pack(">ii", length, low)
    return out + b"".join(struct.pack(">i", -1) if i is None else struct.pack(">i", len(i)) + i for i in items)


def place(n, t, ints):
    out = struct.pack(">i", 3)
    for oid, cell in ((23, n), (25, t), (1007, ints)):
        out += struct.pack(">I", oid) + (struct.pack(">i", -1) if cell is None else struct.pack(">i", len(cell)) + cell)
    return out


int4 = lambda n: struct.pack(">i", n)
int8 = lambda n: struct.pack(">q", n)
ints = array(23, [(3, 1)], [int4(1), None, int4(-1)])
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)

stream("numbers", "int2 int4 int8 oid xid8", [row(b"\0\1", int4(7), int8(-1), int4(9), int8(1)), row(*[None] * 5)] * 5)
stream("floats", "float4 float8 bool money", [row(b"\x7f\xc0\0\0", b"\xff\xf0" + bytes(6), b"\1", int8(-12345))])
samples = [numeric([1, 2500], 0, 2), numeric([], 0, 2), numeric([9999, 9999, 9999, 9900], 2, 2, 0x4000), numeric([5], -1, 4)]
stream("decimals", "numeric numeric_15_2", [row(v, v) for v in samples])
stream("wide_decimals", "numeric_38_10 numeric_76_38 numeric_3_m2", [row(samples[0], samples[2], numeric([999], 0, 0))])
stream("not_a_number", "numeric numeric_15_2", [row(numeric([], 0, 0, 0xC000), numeric([], 0, 0, 0xC000))], NULL)
stream("much_text", "numeric", [row(numeric([1], 0x2000, 0))] * 3)
stream("bad_digit", "numeric_15_2", [row(numeric([10000], 0, 2))])
stream("times", "date time timestamp timestamptz", [row(int4(0), int8(86400000000), int8(-1), int8(1))])
stream("infinity", "date timestamp", [row(int4(0x7FFFFFFF), int8(0x7FFFFFFFFFFFFFFF))], NULL)
stream("infinity_refused", "date", [row(int4(0)), row(int4(-0x80000000))])
stream("spans", "interval timetz", [row(int8(-1000000) + int4(-3) + int4(14), int8(0) + int4(-20700))])
stream("arrow_spans", "interval", [row(int8(1) + int4(2) + int4(3)), row(int8(2**62) + bytes(8))], ARROW_INTERVALS)
stream("texts", "text varchar char name char1", [row(b"", "é\U0001f600".encode(), b"abcde", b"n", b"\xe9")] * 4)
stream("not_utf8", "text text", [row(b"good", b"\xc3"), row(b"\xff", b"")])
stream("blobs", "bytea uuid json jsonb xml", [row(b"\0\xff", bytes(range(16)), b"{}", b"\1[1]", b"<a/>")])
stream("other_version", "jsonb", [row(b"\2[1]")])
stream("networks", "inet cidr macaddr macaddr8", [row(b"\2\x18\0\4\x0a\0\0\1", b"\3\x20\1\x10" + bytes(10) + b"\xff\xff\1\2\3\4", bytes(6), bytes(8))])
stream("bits", "bit varbit lsn tid", [row(int4(11) + b"\xff\xe0", int4(0), int8(0x16B374D848), int4(7) + b"\0\1")])
stream("arrays", "ints texts numerics", [row(ints, array(25, [], []), array(1700, [(1, 1)], [samples[0]])), row(None, None, None)])
stream("grids", "grid", [row(array(23, [(2, 1), (1, 1)], [int4(1), int4(2)])), row(array(23, [], []))])
stream("odd_bounds", "ints ints", [row(array(23, [(1, 0)], [int4(1)]), ints)], NULL)
stream("many_items", "ints", [row(struct.pack(">iiIii", 1, 0, 23, 0x7FFFFFFF, 1))])
stream("no_items", "grid", [row(struct.pack(">iiIiiii", 2, 0, 23, 0x7FFFFFFF, 1, 0, 1))])
stream("rows", "place places", [row(place(int4(1), b"x", ints), array(90000, [(2, 1)], [place(None, None, None), None]))])
stream("other_row", "place", [row(struct.pack(">i", 2))])
stream("named", "mood positive", [row(b"bc", int4(5))])
stream("vectors", "vector vector3 halfvec", [row(b"\0\1\0\0" + bytes(4), b"\0\3\0\0" + bytes(12), b"\0\2\0\0" + bytes(4)), row(None, None, None)])
stream("vector_of_others", "vector3", [row(b"\0\2\0\0" + bytes(8))])
stream("no_columns", "", [row()] * 20)
stream("with_head", "int4", [row(int4(1))], WITH_HEAD, head=HEAD)
stream("extended_head", "int4", [row(int4(1))], WITH_HEAD, head=HEAD[:-1] + b"\2ab")
stream("flags", "int4", [], WITH_HEAD, head=HEAD[:11] + b"\0\1\0\0" + bytes(4))
stream("cut", "int4 text", [row(int4(1), b"a")], end=b"\0\2\0\0\0\4\0")
stream("behind", "int4", [row(int4(1))], end=b"\xff\xffx")
stream("too_many_columns", "int4", [row(int4(1), int4(2))])
stream("negative", "int4", [], end=b"\0\1\xff\xff\xff\xfe")
stream("negative_of_any_length", "numeric_38_10", [], end=b"\0\1\xff\xff\xff\xfe")
stream("scale", "numeric_15_2 text", [row(numeric([], 0, 0xFFFF), bytes(20))])
broken = array(90000, [(2, 1)], [place(int4(1), b"x", None), None])[:-4] + int4(0x7A7A7A7A)
stream("damaged_row", "place places", [row(place(int4(1), b"x", ints), broken)] * 2)
stream("announced", "text", [], end=b"\0\1\x7f\xff\xff\xff")
stream("as_text", "date ints", [row(b"infinity", b"[0:0]={1}")], TEXT)


def values(name, types, arrow, data, rows=4):
    kinds = bytes(TYPES.index(kind) for kind in types.split())
    put("pgcopy_encode", name, bytes([len(kinds), rows]) + kinds + b"".join(bytes([kind]) + data for kind in arrow))


KINDS = "bool int16 int32 int64 float32 float64 date decimal timestamp nanos time interval text binary list other".split()
some = b"".join(b"\1" + struct.pack(">q", n) for n in (5, -7, 1 << 40, 1 << 60))
for kind in KINDS:
    same = {"int16": "int2", "int32": "int4", "int64": "int8", "float32": "float4", "float64": "float8", "decimal": "numeric",
            "nanos": "timestamp", "binary": "bytea", "list": "ints", "other": "xid8"}.get(kind, kind)
    values(kind, same, [KINDS.index(kind)], some)
values("numbers_into_others", "int2 numeric_15_2 float4 money oid", [KINDS.index("int64")] * 5, some)
text = lambda *texts: b"".join(b"\1" + bytes([len(t)]) + t for t in texts)
values("spelled", "numeric", [KINDS.index("text")], text(b"1.50", b"-0.1", b"NaN", b"01"))
values("addresses", "inet", [KINDS.index("text")], text(b"10.0.0.1/8", b"::1", b"::ffff:1.2.3.4", b"x"))
values("networks", "cidr", [KINDS.index("text")], text(b"10.0.0.0/8", b"::/0"), 2)
values("bits", "bit varbit", [KINDS.index("text")] * 2, text(b"11111111111", b"0"), 2)
values("spans", "interval", [KINDS.index("text")], text(b"1 year 2 mons -3 days", b"-00:00:01", b"infinity", b"1 day"))
values("dimensions", "grid", [KINDS.index("list")], some)
values("padded", "char varchar mood", [KINDS.index("text")] * 3, text(b"abcde", b"a", b"bc", b"\0"))
