"""Measuring two things turn by turn, so that a busy moment of the machine falls on both: the ratio counts."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter


def _nothing() -> None:
    """The preparation of a side that needs none."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two things. ``work`` does a bounded piece and says how many items it did.

    ``make_ready`` runs before each piece and its time does not count.
    """

    label: str
    work: Callable[[], int]
    make_ready: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Our work beside the limit that it is held against; ``unit`` names what is counted."""

    unit: str
    measured: Side
    limit: Side


@dataclass(frozen=True, slots=True)
class Round:
    """Items per second of both sides, measured one right after the other."""

    measured: float
    limit: float

    @property
    def ratio(self) -> float:
        """Our share of the limit."""
        return self.measured / self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one benchmark."""

    name: str
    unit: str
    measured_label: str
    limit_label: str
    rounds: tuple[Round, ...]

    @property
    def measured(self) -> float:
        """Median of our rate, items per second."""
        return statistics.median(each.measured for each in self.rounds)

    @property
    def limit(self) -> float:
        """Median rate of the limit, items per second."""
        return statistics.median(each.limit for each in self.rounds)

    @property
    def ratio(self) -> float:
        """Median of the rounds' own ratios."""
        return statistics.median(each.ratio for each in self.rounds)

    @property
    def ratio_range(self) -> tuple[float, float]:
        """Lowest and highest ratio of a round."""
        ratios = [each.ratio for each in self.rounds]
        return min(ratios), max(ratios)


def compare(name: str, benchmark: Benchmark, *, rounds: int, seconds: float) -> Result:
    """Run both sides for ``seconds`` in each round, in turning order; one more round first only warms up."""
    done = [one_round(benchmark, seconds, measured_first=index % 2 == 0) for index in range(rounds + 1)]
    return Result(name, benchmark.unit, benchmark.measured.label, benchmark.limit.label, tuple(done[1:]))


def one_round(benchmark: Benchmark, seconds: float, *, measured_first: bool) -> Round:
    """One round; the order of the sides alternates so that neither always profits from a warm machine."""
    if measured_first:
        measured = rate(benchmark.measured, seconds)
        return Round(measured, rate(benchmark.limit, seconds))
    limit = rate(benchmark.limit, seconds)
    return Round(rate(benchmark.measured, seconds), limit)


def rate(side: Side, seconds: float) -> float:
    """Items per second of one side: whole pieces of work until the time is used up, at least one."""
    gc.collect()
    items, elapsed = 0, 0.0
    while elapsed < seconds:
        side.make_ready()
        start = perf_counter()
        items += side.work()
        elapsed += perf_counter() - start
    return items / elapsed
