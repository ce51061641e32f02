"""Runs hygge and its peers side by side, checks by value that all moved the same rows, and keeps a record.

    bench/run                           every case
    bench/run sqlite-to-parquet         one
    bench/run memory                    hygge with little memory beside hygge with as much as it takes by itself
    bench/run --rounds 9 --no-record    more rounds, nothing written to bench/results

Each tool runs in a process of its own, one after the other, in rounds whose order turns. Inputs are in the page cache.
Of hygge the whole process counts, with its fsync; of the Python peers only the work, without imports.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

import chart
from cases import CASES, NAMES

HERE = pathlib.Path(__file__).parent

# The budget that is held against none, how much of the throughput it must leave, and what a run may hold beside it, in MiB.
LITTLE, LEAVES, BESIDE = "64MiB", 0.85, 64


class Data:
    """The files of one scale, by data.py."""

    def __init__(self, folder, scale):
        self.folder = pathlib.Path(folder) / f"scale-{scale:g}"
        self.scale = scale
        self.out = self.folder / "out"

    def ask(self, *words):
        return subprocess.check_output([sys.executable, HERE / "data.py", self.folder, *words], text=True)

    def path(self, name):
        self.ask("make", name, f"{self.scale:g}")
        path = self.folder / name
        # Into the page cache, a little at a time.
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
        return path

    def digest(self, table, source):
        return [int(number) for number in self.ask("digest", table, source).split()]

    def truth(self, table):
        return self.digest(table, f"read_parquet('{self.path(table + '.parquet')}')")


def spent(words, **options):
    """Runs a program; its output, wall seconds, CPU seconds of it and what it started, peak resident bytes."""
    start = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **options)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with {child.returncode}\n{output.decode(errors='replace')}")
    scale = 1 if platform.system() == "Darwin" else 1024
    return output, {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss * scale}


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "hygge"], check=True, cwd=HERE.parent)
    return pathlib.Path(os.environ["HYGGE_BENCH_TARGET"]) / "release" / "hygge"


def attempt(tool, case, source, out, hygge):
    if tool in ("hygge", LITTLE):
        project = out.parent / "project"
        project.mkdir()
        (project / "hygge.yml").write_text(case.project(source, out))
        memory = ["--memory", LITTLE] if tool == LITTLE else []
        return spent([hygge, "-C", project, "go", "-q", *memory], cwd=project)[1]
    output, whole = spent([sys.executable, HERE / "peers" / f"run_{tool}.py", case.name, source, out])
    # Peak memory is that of the whole process; time is that of the work.
    return {**whole, **json.loads(output)}


def measure(case, data, tools, rounds, hygge):
    source = data.path(case.source)
    if "sqlite3" in tools:
        data.path(f"{case.table}.csv")
    truth = data.truth(case.table)
    runs = {tool: [] for tool in tools}
    for number in range(rounds):
        turn = number % len(tools)
        for tool in tools[turn:] + tools[:turn]:
            shutil.rmtree(data.out, ignore_errors=True)
            data.out.mkdir(parents=True)
            data.path(case.source)
            # What others wrote before must not be written back on this one's time.
            os.sync()
            out = data.out / case.table
            runs[tool].append(attempt(tool, case, source, out, hygge))
            found = data.digest(case.table, case.result(out))
            if found != truth:
                sys.exit(f"{case.name}: {tool} left {found[0]:,} rows that are not the {truth[0]:,} of the source")
            one = runs[tool][-1]
            print(f"  {tool:<11} {one['wall']:6.2f} s {one['cpu']:6.2f} CPU s {one['rss'] >> 20:5} MiB", file=sys.stderr)
    shutil.rmtree(data.out, ignore_errors=True)
    return truth[0], runs


def middle(runs, what):
    return statistics.median(run[what] for run in runs)


def machine():
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "") \
        if os.path.exists("/proc/cpuinfo") else platform.processor()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores ({model or platform.machine()}), {round(pages / 2**30)} GiB, {platform.system()} {platform.release()}"


def versions(hygge):
    pins = dict(
        line.split("==") for line in (HERE / "requirements.txt").read_text().splitlines() if "==" in line and line[0] != "#"
    )
    shell = shutil.which("sqlite3")
    out = {
        "duckdb": pins["duckdb"],
        "polars": pins["polars"],
        "pyarrow": pins["pyarrow"],
        "connectorx": pins["connectorx"],
        "adbc": pins["adbc-driver-sqlite"],
        "sqlite3": subprocess.check_output([shell, "--version"], text=True).split()[0] if shell else "",
    }
    if hygge:
        commit = subprocess.check_output(["git", "describe", "--always", "--dirty"], text=True, cwd=HERE.parent).strip()
        out["hygge"] = f"{subprocess.check_output([hygge, '--version'], text=True).split()[-1]} ({commit})"
    return out


def table(case, rows, runs, known):
    lines = [
        f"| {case.name}, {rows:,} rows of {case.table} | wall s | (least) | CPU s | (least) | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    for tool, all_runs in sorted(runs.items(), key=lambda pair: middle(pair[1], "wall")):
        shown = f"**hygge** {known.get('hygge', '')}" if tool == "hygge" else f"{NAMES[tool]} {known[tool]}"
        cells = [f"{value:.2f}" for what in ("wall", "cpu") for value in (middle(all_runs, what), min(r[what] for r in all_runs))]
        lines.append(f"| {shown} | {' | '.join(cells)} | {max(run['rss'] for run in all_runs) >> 20} |")
    return lines


def verdict(case, runs):
    if "hygge" not in runs or case.gate not in runs:
        return None
    wall, cpu = (middle(runs["hygge"], what) / middle(runs[case.gate], what) for what in ("wall", "cpu"))
    word = "holds" if wall <= 1 and cpu <= 1 else "DOES NOT HOLD"
    return f"Not slower than {NAMES[case.gate]}: {word} ({wall:.2f}x of its wall, {cpu:.2f}x of its CPU)."


def measure_memory(data, rounds, hygge, known, record):
    """Every case on orders with little memory and without a word about it; whether all hold."""
    lines = [f"| orders | wall s | wall s at {LITTLE} | throughput | peak MiB | peak MiB at {LITTLE} | |", "|---|---|---|---|---|---|---|"]
    raw, holds = {}, True
    for case in (case for case in CASES if case.table == "orders"):
        print(case.name, file=sys.stderr)
        _, runs = measure(case, data, ["hygge", LITTLE], rounds, hygge)
        raw[case.name] = runs
        walls = [middle(runs[tool], "wall") for tool in ("hygge", LITTLE)]
        peaks = [max(run["rss"] for run in runs[tool]) >> 20 for tool in ("hygge", LITTLE)]
        share = walls[0] / walls[1]
        held = share >= LEAVES and peaks[1] <= int(LITTLE.removesuffix("MiB")) + BESIDE
        holds = holds and held
        word = "holds" if held else "DOES NOT HOLD"
        lines.append(f"| {case.name} | {walls[0]:.2f} | {walls[1]:.2f} | {share:.0%} | {peaks[0]} | {peaks[1]} | {word} |")
    print("\n".join(lines))
    if record:
        day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
        head = [
            "# Memory",
            "",
            f"{day}, hygge {known['hygge']}, TPC-H scale 1, {rounds} rounds in turn on one machine: {machine()}.",
            f"Middle walls. At {LITTLE} at least {LEAVES:.0%} of the throughput must be left, and the peak be at most {BESIDE} MiB above it.",
            "Again: `bench/run memory`.",
            "",
        ]
        results = HERE / "results"
        (results / "memory.md").write_text("\n".join([*head, *lines]) + "\n")
        record = {"case": "memory", "day": day, "machine": machine(), "versions": known, "runs": raw}
        (results / "memory.json").write_text(json.dumps(record, indent=1) + "\n")
    return holds


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="case", help=", ".join([*(case.name for case in CASES), "memory"]))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of TPC-H; records are kept for 1 only")
    parser.add_argument("--tools", help="only these, parted by commas (hygge, duckdb, …)")
    parser.add_argument("--no-record", action="store_true", help="write nothing to bench/results")
    asked = parser.parse_args()
    unknown = set(asked.cases) - {case.name for case in CASES} - {"memory"}
    if unknown:
        parser.error(f"no case is called {', '.join(sorted(unknown))}")
    only = set(asked.tools.split(",")) if asked.tools else None
    data = Data(os.environ["HYGGE_BENCH_DATA"], asked.scale)
    hygge = build() if only is None or "hygge" in only else None
    known = versions(hygge)
    holds = True
    if hygge and (not asked.cases or "memory" in asked.cases):
        holds = measure_memory(data, asked.rounds, hygge, known, not asked.no_record and asked.scale == 1)
    for case in (case for case in CASES if not asked.cases or case.name in asked.cases):
        tools = [tool for tool in ("hygge", *case.peers) if only is None or tool in only]
        if "sqlite3" in tools and not known["sqlite3"]:
            sys.exit("the shell of SQLite is missing: install the package sqlite3, or leave it out by --tools")
        print(case.name, file=sys.stderr)
        rows, runs = measure(case, data, tools, asked.rounds, hygge)
        lines = table(case, rows, runs, known)
        judged = verdict(case, runs)
        holds = holds and (judged is None or "NOT" not in judged)
        print("\n".join(lines), *([judged] if judged else []), sep="\n", end="\n\n")
        if asked.no_record or only or asked.scale != 1:
            continue
        day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
        head = [
            f"# {case.name}",
            "",
            f"{day}, TPC-H scale 1, {asked.rounds} rounds in turn on one machine: {machine()}.",
            "Middle values, least ones beside them. All results are equal by value. Again: `bench/run " + case.name + "`.",
            "",
        ]
        results = HERE / "results"
        results.mkdir(exist_ok=True)
        (results / f"{case.name}.md").write_text("\n".join([*head, *lines, *(["", judged] if judged else [])]) + "\n")
        record = {"case": case.name, "day": day, "machine": machine(), "rows": rows, "versions": known, "runs": runs}
        (results / f"{case.name}.json").write_text(json.dumps(record, indent=1) + "\n")
        chart.draw()
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
