"""Counters and gauges of a role for Prometheus: route templates, outcomes, codes and times, nothing personal.

Counting is a few additions in memory. With several processes the sums go through `CountsOfProcesses`, so that each of
them gives the same totals. What a role counts besides its requests, and what it measures, it says by `Meanings`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from verify_site.webserver.counts_of_processes import CountsOfProcesses, Sample, Shared

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper bounds of the histogram of times, in seconds."""
SILENT_SECONDS = 10.0
"""A process whose gauges are older than this does not turn any more."""

REQUESTS, SECONDS, SUM = "kezheng_requests", "kezheng_request_seconds", "kezheng_request_seconds_sum"
Described = Mapping[str, tuple[str, tuple[str, ...]]]
"""Metrics by name: what each means, and the names of its labels. The values of a label are few and known."""
Gauges = Mapping[str, float] | Mapping[Sample, float]
"""What a process measures now, by the name of a gauge, or by its name and the values of its labels."""
_OF_EVERY_ROLE: Described = {REQUESTS: ("Answered requests by route template.", ("method", "route", "status"))}


class Meanings(NamedTuple):
    """What a role counts and measures.

    ``lowest`` and ``highest`` are gauges of which that one of all processes is told: the worst. Those in ``aging`` grow
    by themselves, second by second. ``silent``: what a gauge is taken for of a process that has fallen silent.
    """

    counters: Described
    lowest: Described
    highest: Described
    aging: frozenset[str] = frozenset()
    silent: Mapping[str, float] = {}


class Counting:
    """The counters of one process, alone or as one of several."""

    def __init__(
        self, meanings: Meanings, shared: CountsOfProcesses | None = None, seconds: Callable[[], float] = time.time
    ) -> None:
        """``seconds`` is a clock that all processes share; it is replaced in tests."""
        self._meanings = meanings
        self._shared = shared
        self._seconds = seconds
        self._counts: Counter[Sample] = Counter()

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """So many more of what a counter counts, with the values of its labels in their order."""
        self._counts[name, *labels] += by

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is the template, never the path."""
        counts = self._counts
        counts[REQUESTS, method, route, str(int(status))] += 1
        counts[SECONDS, route, str(bisect_left(BUCKETS, seconds))] += 1
        counts[SUM, route] += seconds  # type: ignore[assignment]  # counters add up floats as well

    def share(self, gauges: Gauges) -> None:
        """Make this process's counters known to the others; nothing when it is alone."""
        if self._shared is not None:
            self._shared.write(dict(self._counts), _by_sample(gauges), self._seconds())

    def exposition(self, gauges: Gauges) -> bytes:
        """The text that a scraper reads, with the sums over all processes."""
        self.share(gauges)
        now = self._seconds()
        alone = Shared(dict(self._counts), [(now, _by_sample(gauges))])
        found = alone if self._shared is None else self._shared.read()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families([*_families(self._meanings, found.counts), *_gauges(self._meanings, found, now)]))
        return generate_latest(registry)


class _Families(Collector):
    """Metrics that are there already."""

    def __init__(self, families: list[Metric]) -> None:
        self._found = families

    def collect(self) -> list[Metric]:
        """All of them."""
        return self._found


def _by_sample(gauges: Gauges) -> dict[Sample, float]:
    return {(name,) if isinstance(name, str) else name: value for name, value in gauges.items()}


def _families(meanings: Meanings, counts: Mapping[Sample, float]) -> Iterator[Metric]:
    for name, (meaning, labels) in {**_OF_EVERY_ROLE, **meanings.counters}.items():
        family = CounterMetricFamily(name, meaning, labels=labels)
        for sample, count in sorted(counts.items()):
            if sample[0] == name:
                family.add_metric(sample[1:], count)
        yield family
    yield _times(counts)


def _times(counts: Mapping[Sample, float]) -> Metric:
    """The histogram: Prometheus wants each bucket to hold those below it too."""
    family = HistogramMetricFamily(SECONDS, "Time to an answer by route template.", labels=("route",))
    bounds = [*map(str, BUCKETS), "+Inf"]
    for route in sorted({sample[1] for sample in counts if sample[0] == SECONDS}):
        each = [counts.get((SECONDS, route, str(place)), 0) for place in range(len(bounds))]
        buckets = list(zip(bounds, accumulate(each), strict=True))
        family.add_metric((route,), buckets, sum_value=counts.get((SUM, route), 0.0))
    return family


def _gauges(meanings: Meanings, found: Shared, now: float) -> Iterator[Metric]:
    """Of each gauge the worst; a process that has fallen silent is taken for what its role says."""
    yield GaugeMetricFamily("kezheng_processes", "Processes that answer.", value=len(found.gauges))
    told = [_as_of(now, at, gauges, meanings) for at, gauges in found.gauges]
    for described, worst in ((meanings.lowest, min), (meanings.highest, max)):
        for name, (meaning, labels) in described.items():
            family = GaugeMetricFamily(name, meaning, labels=labels)
            for sample in sorted({sample for gauges in told for sample in gauges if sample[0] == name}):
                family.add_metric(sample[1:], worst(gauges[sample] for gauges in told if sample in gauges))
            if family.samples:
                yield family


def _as_of(now: float, at: float, gauges: Mapping[Sample, float], meanings: Meanings) -> dict[Sample, float]:
    """The gauges of a process that it told at a time, as they are now."""
    passed = max(0.0, now - at)
    aged = {sample: value + passed * (sample[0] in meanings.aging) for sample, value in gauges.items()}
    is_silent = now - at > SILENT_SECONDS
    return aged | ({(name,): value for name, value in meanings.silent.items()} if is_silent else {})
