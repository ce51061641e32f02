"""Draws the records of bench/results as one chart, docs/reference/speed.svg: bench/run does it after every record.

    bench/chart.py
"""

import html
import json
import pathlib
import statistics

from cases import CASES, NAMES

HERE = pathlib.Path(__file__).parent
CHART = HERE.parent / "docs" / "reference" / "speed.svg"

WIDTH = 760
LEFT = 130  # where bars begin
ROOM = 400  # how long the longest bar of a case is
BAR = 11  # of the time on the clock; that of CPU time is as high again
TOOL = 30
TITLE = 34

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #3b3a36 }
  .title { font-weight: 600; font-size: 14px }
  .small { font-size: 12px; font-weight: 400; fill: #6b6962 }
  .ours { font-weight: 600 }
  .wall { fill: #a9a69c } .cpu { fill: #d9d6cc }
  .ours.wall { fill: #b5651d } .ours.cpu { fill: #e3b98f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8e6df } .small { fill: #a9a69c }
    .wall { fill: #85827a } .cpu { fill: #55534d }
    .ours.wall { fill: #d98a44 } .ours.cpu { fill: #7d5430 }
  }
"""

KINDS = {"csv": "CSV", "parquet": "Parquet", "ndjson": "NDJSON", "sqlite": "SQLite"}


def middle(runs, what):
    return statistics.median(run[what] for run in runs)


def title(case):
    source, _, into = case.name.partition("-to-")
    return f"{KINDS[source]} → {KINDS[into]}"


def text(x, y, words, classes="", anchor="start"):
    return f'<text x="{x}" y="{y}" class="{classes}" text-anchor="{anchor}">{html.escape(words)}</text>'


def bar(x, y, length, classes):
    return f'<rect x="{x}" y="{y}" width="{max(length, 1):.1f}" height="{BAR}" class="{classes}"/>'


def panel(case, record, top):
    """One case's bars, the quickest first; the lines, and where the next panel begins."""
    runs = sorted(record["runs"].items(), key=lambda pair: middle(pair[1], "wall"))
    longest = max(middle(all_runs, what) for _, all_runs in runs for what in ("wall", "cpu"))
    rows = f'<tspan class="small" dx="8">{record["rows"]:,} rows of {case.table}</tspan>'
    out = [f'<text x="0" y="{top + 16}" class="title">{title(case)}{rows}</text>']
    y = top + TITLE - 8
    for tool, all_runs in runs:
        wall, cpu = (middle(all_runs, what) for what in ("wall", "cpu"))
        peak = max(run["rss"] for run in all_runs) >> 20
        ours = "ours " if tool == "hygge" else ""
        out += [
            text(LEFT - 8, y + 16, NAMES[tool], ours, "end"),
            bar(LEFT, y, wall / longest * ROOM, ours + "wall"),
            bar(LEFT, y + BAR, cpu / longest * ROOM, ours + "cpu"),
            text(LEFT + ROOM + 12, y + 16, f"{wall:.2f} s, {cpu:.2f} CPU s, {peak} MiB", ours + "small"),
        ]
        y += TOOL
    return out, y + 10


def draw():
    """The chart of all cases that have a record."""
    records = [(case, HERE / "results" / f"{case.name}.json") for case in CASES]
    lines, top = [], 30
    days, machines = set(), set()
    for case, path in records:
        if path.exists():
            record = json.loads(path.read_text())
            days.add(record["day"])
            machines.add(record["machine"])
            more, top = panel(case, record, top)
            lines += more
    day = min(days) if len(days) == 1 else f"{min(days)} to {max(days)}"
    lines.insert(0, text(0, 14, f"Time on the clock (dark), CPU time (light) and greatest memory; less is better. {day}", "small"))
    lines.append(text(0, top + 8, "; ".join(sorted(machines)), "small"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -6 {WIDTH + 20} {top + 24}" width="{WIDTH}">'
    name = "hygge and its peers, moving tables of TPC-H"
    CHART.write_text("\n".join([head, f"<title>{name}</title>", f"<style>{STYLE}</style>", *lines, "</svg>", ""]))


if __name__ == "__main__":
    draw()
