"""Says what the CPU time of a case goes to: bench/profile CASE..., with perf, of the binary that bench/run measures.

    bench/profile parquet-to-parquet
    bench/profile --no-record csv-to-parquet     nothing written to bench/results

Samples are taken of the clock, a thousand each CPU second, and counted by the function they fell in. What the compiler
put into its caller counts as the caller's.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import measure
from cases import CASES

# In this order: the first whose pattern is found in a function's name has it.
PARTS = [
    ("the tally: counting and hashing rows at both ends", r"hygge_core::tally"),
    ("unpacking (snappy, zstd, gzip)", r"snap::decompress|ZSTD_decompress|HUF_decompress|ZSTD_decode|inflate"),
    ("packing (snappy, zstd, gzip)", r"snap::compress|ZSTD_compress|ZSTD_encode|HUF_compress|deflate"),
    ("reading SQLite", r"sqlite3_step|sqlite3_column|sqlite3Vdbe|sqlite3Btree|hygge::sqlite|hygge::homes::sqlite|^sqlite3|^vdbe|^btree|^balance|^pcache|^moveTo|^getPage|^accessPayload|^pager|^unix[A-Z]"),
    ("reading CSV", r"hygge::files::csv::(index|column|blocks|stream)|hygge::homes::csv|hygge::files::cell::(?!writing)"),
    ("reading JSON", r"hygge::files::json::(lexer|columns|blocks|stream|keys|infer)|hygge::homes::json"),
    ("writing CSV or JSON", r"hygge::files::(csv|json)::(format|render|write)|hygge::files::cell::writing|hygge::stores"),
    ("decoding Parquet", r"parquet::.*(decod|array_reader|column::reader|record_reader|buffer|util::bit_util|BitReader|rle::RleDecoder|arrow_reader|file::serialized_reader)|parquet::encodings::rle::RleDecoder|hygge::files::parquet::reader"),
    ("encoding Parquet", r"parquet::|hygge::files::parquet"),
    ("copying memory", r"^__?mem|memcpy|memmove|memset"),
    ("allocating", r"malloc|free|calloc|realloc|_int_|arena|sysmalloc|madvise"),
    ("arrow", r"^arrow_"),
]


def part(symbol, kernel):
    if kernel:
        return "the system: reading, writing, memory"
    return next((name for name, pattern in PARTS if re.search(pattern, symbol)), "other")


def samples(hygge, project):
    """How often each function was met, as (name, whether it is the system's)."""
    with tempfile.NamedTemporaryFile() as record:
        words = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-o", record.name, hygge, "-C", project, "go", "-q"]
        subprocess.run(words, check=True, cwd=project, stdin=subprocess.DEVNULL)
        words = ["perf", "script", "-i", record.name, "-F", "ip,sym,dso", "--no-inline"]
        out = subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    found = collections.Counter()
    for line in out.splitlines():
        told = re.match(r"\s*([0-9a-f]+)\s+(.*) \((.*)\)\s*$", line)
        if told:
            address, symbol, image = told.groups()
            kernel = "kernel" in image or image == "[unknown]" and address.startswith("ffff")
            found[re.sub(r"::h[0-9a-f]{16}$", "", symbol), kernel] += 1
    return found


def profile(case, data, hygge):
    source = data.path(case.source)
    shutil.rmtree(data.out, ignore_errors=True)
    project = data.out / "project"
    project.mkdir(parents=True)
    (project / "hygge.yml").write_text(case.project(source, data.out / case.table))
    os.sync()
    found = samples(hygge, project)
    shutil.rmtree(data.out, ignore_errors=True)
    return found


def table(found):
    whole = sum(found.values())
    parts, largest = collections.Counter(), {}
    for (symbol, kernel), count in found.most_common():
        name = part(symbol, kernel)
        parts[name] += count
        largest.setdefault(name, []).append((symbol, count))
    lines = ["| part | of the CPU time | most of it in |", "|---|---|---|"]
    for name, count in parts.most_common():
        few = ", ".join(f"`{plain(symbol)}` {share / whole:.1%}" for symbol, share in largest[name][:3] if share > whole / 200)
        lines.append(f"| {name} | {count / whole:.1%} | {few} |")
    return lines


def plain(symbol):
    """The last parts of a Rust path, without its types."""
    inner = re.sub(r"<[^<>]*>", "", re.sub(r"<[^<>]*>", "", symbol))
    return "::".join(inner.replace("|", "").split("::")[-3:]).strip("<> ") or symbol[:60].replace("|", "")


def main():
    parser = argparse.ArgumentParser(prog="bench/profile", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="case", help=", ".join(case.name for case in CASES))
    parser.add_argument("--scale", type=float, default=1.0, help="of TPC-H")
    parser.add_argument("--no-record", action="store_true", help="write nothing to bench/results")
    asked = parser.parse_args()
    unknown = set(asked.cases) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no case is called {', '.join(sorted(unknown))}")
    if not shutil.which("perf"):
        sys.exit("perf is missing: install it (Debian: apt-get install linux-perf)")
    data = measure.Data(os.environ["HYGGE_BENCH_DATA"], asked.scale)
    hygge = measure.build()
    version = measure.versions(hygge)["hygge"]
    for case in (case for case in CASES if case.name in asked.cases):
        lines = table(profile(case, data, hygge))
        print(case.name, *lines, sep="\n", end="\n\n")
        if not asked.no_record and asked.scale == 1:
            head = [
                f"# Where the CPU time of {case.name} goes",
                "",
                f"hygge {version}, {measure.machine()}. Again: `bench/profile {case.name}`.",
                "",
            ]
            path = pathlib.Path(__file__).parent / "results" / f"{case.name}.profile.md"
            path.write_text("\n".join([*head, *lines]) + "\n")


if __name__ == "__main__":
    main()
