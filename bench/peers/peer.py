"""How a peer is run and timed: in a process of its own, its imports and start-up not counted, which favours it."""

import json
import resource
import sys
import time


def used():
    mine, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def run(ways):
    """`peer.py CASE SOURCE OUT`: `ways` maps a case to what does it."""
    case, source, out = sys.argv[1:]
    way = ways[case]
    cpu, wall = used(), time.perf_counter()
    way(source, out)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": used() - cpu}))
