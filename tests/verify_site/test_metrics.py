"""What a scraper reads: correct over several processes, in the format that Prometheus parses, nothing personal."""

from __future__ import annotations

from pathlib import Path

import pytest
from exposed_metrics import samples
from site_simulator import TestSite, payload_of

from verify_site.metrics import BUCKETS, SILENT_SECONDS, Metrics
from verify_site.webserver.counts_of_processes import CountsOfProcesses

ROUTE = "/v/{payload}"


def test_requests_are_counted_by_route_and_status_and_timed() -> None:
    metrics = Metrics()
    for seconds in (0.0004, 0.0005, 0.0006, 0.3, 7.0):
        metrics.count_request("GET", ROUTE, 200, seconds)
    metrics.count_request("GET", ROUTE, 500, 0.002)
    found = samples(metrics.exposition({}))
    assert found["kezheng_requests_total", "GET", ROUTE, "200"] == 5
    assert found["kezheng_requests_total", "GET", ROUTE, "500"] == 1
    buckets = [found["kezheng_request_seconds_bucket", str(bound), ROUTE] for bound in (*BUCKETS, "+Inf")]
    assert buckets == [2, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5, 6]
    assert found["kezheng_request_seconds_count", ROUTE] == 6
    assert found["kezheng_request_seconds_sum", ROUTE] == pytest.approx(7.3035)


def test_verifications_and_refusals_are_counted() -> None:
    metrics = Metrics()
    metrics.count_verification("qr", "valid")
    metrics.count_verification("qr", "valid")
    metrics.count_refusal("look_ups")
    found = samples(metrics.exposition({}))
    assert found["kezheng_verifications_total", "valid", "qr"] == 2
    assert found["kezheng_refusals_total", "look_ups"] == 1


def two_processes(folder: Path, seconds: list[float]) -> tuple[Metrics, Metrics]:
    one, other = (Metrics(CountsOfProcesses(folder), lambda: seconds[0]) for _ in range(2))
    return one, other


def test_every_process_gives_the_sum_of_all(tmp_path: Path) -> None:
    one, other = two_processes(tmp_path, [100.0])
    for metrics, times in ((one, 2), (other, 3)):
        for _ in range(times):
            metrics.count_request("GET", ROUTE, 200, 0.002)
        metrics.share({"kezheng_snapshot_fresh": 1.0})
    for metrics in (one, other, one):
        found = samples(metrics.exposition({"kezheng_snapshot_fresh": 1.0}))
        assert found["kezheng_requests_total", "GET", ROUTE, "200"] == 5
        assert found["kezheng_request_seconds_count", ROUTE] == 5
        assert found["kezheng_processes",] == 2


def test_what_was_told_once_is_never_taken_back(tmp_path: Path) -> None:
    """A process that is asked tells the others what it tells the scraper."""
    one, other = two_processes(tmp_path, [100.0])
    other.share({})
    one.count_request("GET", ROUTE, 200, 0.002)
    told = samples(one.exposition({}))["kezheng_requests_total", "GET", ROUTE, "200"]
    assert samples(other.exposition({}))["kezheng_requests_total", "GET", ROUTE, "200"] == told == 1


def test_of_each_gauge_the_worst_process_counts(tmp_path: Path) -> None:
    one, other = two_processes(tmp_path, [100.0])
    age, left = "kezheng_log_newest_entry_age_seconds", "kezheng_status_seconds_left"
    other.share({"kezheng_snapshot_fresh": 0.0, left: 50.0, age: 9.0})
    found = samples(one.exposition({"kezheng_snapshot_fresh": 1.0, left: 70.0, age: 3.0}))
    assert (found["kezheng_snapshot_fresh",], found[left,], found[age,]) == (0.0, 50.0, 9.0)


@pytest.mark.parametrize(("off", "fresh"), [(-1, 1.0), (0, 1.0), (1, 0.0)])
def test_a_process_that_has_fallen_silent_is_not_fresh(tmp_path: Path, off: int, fresh: float) -> None:
    seconds = [100.0]
    one, other = two_processes(tmp_path, seconds)
    other.share({"kezheng_snapshot_fresh": 1.0})
    seconds[0] += SILENT_SECONDS + off
    assert samples(one.exposition({"kezheng_snapshot_fresh": 1.0}))["kezheng_snapshot_fresh",] == fresh


@pytest.mark.anyio
async def test_the_site_tells_its_counters_as_prometheus_parses_them(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    made.source.publish()
    async with made.client() as client:
        await client.get(f"/v/{payload_of(text)}")
        items = [{"qr": text}, {"qr": text}, {"qr": "no code"}]
        await client.post("/api/v1/verify/batch", json={"items": items})
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.content)
    assert found["kezheng_verifications_total", "valid", "qr"] == 1
    assert found["kezheng_verifications_total", "valid", "batch"] == 2
    assert found["kezheng_requests_total", "GET", ROUTE, "200"] == 1
    assert found["kezheng_processes",] == 1
    assert payload_of(text) not in answer.text
