"""How often something can be done in a second, one after the other in one process; run by Pythons that lack our own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0


def tell(library: str, what: str, work: Callable[[], int]) -> None:
    """Measure pieces of work, each saying how many items it did, and print one line of JSON."""
    _rate(SECONDS / 4, work)
    told = {"library": library, "version": version(library), "work": what, "per_second": _rate(SECONDS, work)}
    sys.stdout.write(json.dumps(told) + "\n")


def _rate(seconds: float, work: Callable[[], int]) -> float:
    start, done = perf_counter(), 0
    while perf_counter() - start < seconds:
        done += work()
    return done / (perf_counter() - start)
