"""What every role tells a scraper: its own counters beside its requests, and of each gauge the worst process."""

from __future__ import annotations

from pathlib import Path

import pytest
from exposed_metrics import samples

from verify_site.webserver.counting import SILENT_SECONDS, Counting, Meanings
from verify_site.webserver.counts_of_processes import CountsOfProcesses

MEANINGS = Meanings(
    counters={"loaves": ("Loaves by kind.", ("kind",))},
    lowest={"flour": ("Flour that is left.", ()), "awake": ("Whether somebody is awake.", ())},
    highest={"oven_age_seconds": ("Since the oven was lit.", ()), "orders": ("Orders by kind.", ("kind", "state"))},
    aging=frozenset({"oven_age_seconds"}),
    silent={"awake": 0.0},
)
Two = tuple[Counting, Counting, list[float]]


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """Two processes and their clock."""
    seconds = [100.0]
    one, other = (Counting(MEANINGS, CountsOfProcesses(tmp_path), lambda: seconds[0]) for _ in range(2))
    return one, other, seconds


def test_a_roles_own_counters_are_added_up(two: Two) -> None:
    one, other, _ = two
    for process in two[:2]:
        process.count("loaves", "rye")
    other.count("loaves", "oat")
    other.share({})
    found = samples(one.exposition({}))
    assert (found["loaves_total", "rye"], found["loaves_total", "oat"], found["kezheng_processes",]) == (2, 1, 2)


def test_gauges_have_labels_and_the_worst_process_counts_for_each(two: Two) -> None:
    one, other, _ = two
    other.share({("orders", "rye", "open"): 3, ("orders", "oat", "open"): 1, ("flour",): 8})
    found = samples(one.exposition({("orders", "rye", "open"): 2, ("flour",): 9}))
    assert (found["orders", "rye", "open"], found["orders", "oat", "open"], found["flour",]) == (3, 1, 8)


def test_an_age_grows_though_its_process_says_nothing_more(two: Two) -> None:
    one, other, seconds = two
    other.share({"oven_age_seconds": 5.0, "flour": 5.0})
    seconds[0] += 7
    found = samples(one.exposition({"oven_age_seconds": 0.5, "flour": 9.0}))
    assert (found["oven_age_seconds",], found["flour",]) == (12.0, 5.0)


@pytest.mark.parametrize(("off", "awake"), [(0, 1.0), (1, 0.0)])
def test_who_has_fallen_silent_is_taken_for_what_the_role_says(two: Two, off: int, awake: float) -> None:
    one, other, seconds = two
    other.share({"awake": 1.0})
    seconds[0] += SILENT_SECONDS + off
    assert samples(one.exposition({"awake": 1.0}))["awake",] == awake


def test_what_nobody_measures_is_not_told(two: Two) -> None:
    assert not any(sample[0] == "flour" for sample in samples(two[0].exposition({})))
