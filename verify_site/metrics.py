"""Counters in the Prometheus text format (version 0.0.4): route templates, outcomes and times, nothing
personal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.verifications: Counter[tuple[str, str]] = Counter()
        self.refusals: Counter[str] = Counter()

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is the template, never the path."""
        self.requests[method, route, status] += 1
        self.seconds[route] += seconds

    def count_verification(self, way: str, verdict: str) -> None:
        """One completed verification; ``way`` is qr, number or batch."""
        self.verifications[way, verdict] += 1

    def count_refusal(self, limit: str) -> None:
        """One request refused by a limit."""
        self.refusals[limit] += 1

    def exposition(self, gauges: Mapping[str, float]) -> str:
        """The text that a scraper reads."""
        return "\n".join((*self._lines(), *_gauge_lines(gauges), ""))

    def _lines(self) -> Iterator[str]:
        yield "# TYPE kezheng_requests_total counter"
        for (method, route, status), count in sorted(self.requests.items()):
            yield f'kezheng_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
        yield "# TYPE kezheng_request_seconds_total counter"
        for route, seconds in sorted(self.seconds.items()):
            yield f'kezheng_request_seconds_total{{route="{route}"}} {seconds:.6f}'
        yield "# TYPE kezheng_verifications_total counter"
        for (way, verdict), count in sorted(self.verifications.items()):
            yield f'kezheng_verifications_total{{way="{way}",verdict="{verdict}"}} {count}'
        yield "# TYPE kezheng_refusals_total counter"
        for limit, count in sorted(self.refusals.items()):
            yield f'kezheng_refusals_total{{limit="{limit}"}} {count}'


def _gauge_lines(gauges: Mapping[str, float]) -> Iterator[str]:
    for name, value in gauges.items():
        yield f"# TYPE {name} gauge"
        yield f"{name} {value}"
