"""Measuring what somebody waits for: one thing at a time, many times, told by its slowest cases."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Waited:
    """What is waited for. ``begin`` prepares one case, outside the time, and gives what is then timed.

    ``at_most_ms`` is the longest that the 99th percentile may be.
    """

    label: str
    begin: Callable[[], Callable[[], None]]
    at_most_ms: float


@dataclass(frozen=True, slots=True)
class WaitResult:
    """All cases of one benchmark, in milliseconds."""

    name: str
    label: str
    at_most_ms: float
    cases_ms: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the cases took at most this."""
        return statistics.median(self.cases_ms)

    @property
    def p99(self) -> float:
        """The 99th percentile; of few cases, the slowest."""
        ordered = sorted(self.cases_ms)
        return ordered[-(-len(ordered) * 99 // 100) - 1]


def wait_for_each(name: str, waited: Waited, cases: int) -> WaitResult:
    """Time so many cases after one that only warms up."""
    return WaitResult(name, waited.label, waited.at_most_ms, tuple(_case(waited) for _ in range(cases + 1))[1:])


def _case(waited: Waited) -> float:
    work = waited.begin()
    start = perf_counter()
    work()
    return (perf_counter() - start) * 1000
