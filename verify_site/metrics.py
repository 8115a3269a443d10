"""Counters of the site for Prometheus: route templates, outcomes and times, nothing personal.

Counting is a few additions in memory. With several processes the sums go through `CountsOfProcesses`, so that each of
them gives the same totals.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from verify_site.counts_of_processes import CountsOfProcesses, Sample, Shared

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper bounds of the histogram of times, in seconds."""
SILENT_SECONDS = 10.0
"""A process whose gauges are older than this does not turn its event loop any more."""

REQUESTS, SECONDS, SUM = "kezheng_requests", "kezheng_request_seconds", "kezheng_request_seconds_sum"
VERIFICATIONS, REFUSALS = "kezheng_verifications", "kezheng_refusals"
_COUNTERS = {
    REQUESTS: ("Answered requests by route template.", ("method", "route", "status")),
    VERIFICATIONS: ("Completed verifications by way of asking and verdict.", ("way", "verdict")),
    REFUSALS: ("Requests refused by a limit.", ("limit",)),
}
_LOWEST = {
    "kezheng_snapshot_fresh": "Whether what is published was looked at within a minute (1 or 0).",
    "kezheng_trust_list_seconds_left": "How long the trust list may still be used.",
    "kezheng_status_seconds_left": "How long the status file may still be used.",
    "kezheng_log_size": "Entries of the register that are known.",
}
"""Gauges of which the worst process counts, with what they mean."""
_STALE = {"kezheng_snapshot_fresh": 0.0}
_HIGHEST = {"kezheng_log_newest_entry_age_seconds": "Age of the register's newest entry."}


class Metrics:
    """The counters of one process, alone or as one of several."""

    def __init__(self, shared: CountsOfProcesses | None = None, seconds: Callable[[], float] = time.time) -> None:
        """``seconds`` is a clock that all processes share; it is replaced in tests."""
        self._shared = shared
        self._seconds = seconds
        self._counts: Counter[Sample] = Counter()

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is the template, never the path."""
        counts = self._counts
        counts[REQUESTS, method, route, str(int(status))] += 1
        counts[SECONDS, route, str(bisect_left(BUCKETS, seconds))] += 1
        counts[SUM, route] += seconds  # type: ignore[assignment]  # counters add up floats as well

    def count_verification(self, way: str, verdict: str) -> None:
        """One completed verification; ``way`` is qr, number or batch."""
        self._counts[VERIFICATIONS, way, verdict] += 1

    def count_refusal(self, limit: str) -> None:
        """One request refused by a limit."""
        self._counts[REFUSALS, limit] += 1

    def share(self, gauges: Mapping[str, float]) -> None:
        """Make this process's counters known to the others; nothing when it is alone."""
        if self._shared is not None:
            self._shared.write(self._counts, gauges, self._seconds())

    def exposition(self, gauges: Mapping[str, float]) -> bytes:
        """The text that a scraper reads, with the sums over all processes."""
        self.share(gauges)
        now = self._seconds()
        found = Shared(self._counts, [(now, gauges)]) if self._shared is None else self._shared.read()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families([*_families(found.counts), *_gauges(found, now)]))
        return generate_latest(registry)


class _Families(Collector):
    """Metrics that are there already."""

    def __init__(self, families: list[Metric]) -> None:
        self._found = families

    def collect(self) -> list[Metric]:
        """All of them."""
        return self._found


def _families(counts: Mapping[Sample, float]) -> Iterator[Metric]:
    for name, (meaning, labels) in _COUNTERS.items():
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


def _gauges(found: Shared, now: float) -> Iterator[Metric]:
    """Of each gauge the worst; a process that has fallen silent is not fresh."""
    yield GaugeMetricFamily("kezheng_processes", "Processes that answer.", value=len(found.gauges))
    told = [gauges if now - at <= SILENT_SECONDS else {**gauges, **_STALE} for at, gauges in found.gauges]
    for meanings, worst in ((_LOWEST, min), (_HIGHEST, max)):
        for name, meaning in meanings.items():
            values = [gauges[name] for gauges in told if name in gauges]
            if values:
                yield GaugeMetricFamily(name, meaning, value=worst(values))
