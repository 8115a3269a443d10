"""What is said of growth: the bars, ratios of the rounds' own, and homes that are used again."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from bench.growth import GrowthPoint, Site, points_of
from bench.growth_homes import GrownHome
from bench.growth_work import Cost, Costs

SAME = Costs(*[Cost(1.0, 1.0)] * len(Costs._fields))
QUICK = Site(Cost(100.0, 50.0), Cost(3.0, 2.0), 300.0)


@pytest.mark.parametrize(
    ("ratios", "site", "missed"),
    [
        (SAME._replace(issue=Cost(9.0, 1.2), verify=Cost(9.0, 1.2), revoke=Cost(9.0, 9.0)), QUICK, []),
        (SAME._replace(issue=Cost(1.0, 1.21)), QUICK, ["issue 1.21×"]),
        (SAME._replace(verify=Cost(1.0, 1.3)), QUICK._replace(start=Cost(3.1, 1.0)), ["verify 1.30×", "start 3.1 s"]),
        (SAME, QUICK._replace(worker_mb=301.0), ["worker 301 MB"]),
    ],
)
def test_the_bars(ratios: Costs, site: Site, missed: list[str]) -> None:
    assert GrowthPoint(10, SAME, ratios, site).missed == missed


def test_a_busy_round_spoils_no_ratio() -> None:
    """In one round the smallest register has the processor half for itself, the other one not at all."""
    quiet = [SAME, SAME._replace(issue=Cost(2.0, 1.1))]
    busy = [Costs(*[Cost(8.0, 2.0)] * len(Costs._fields)), Costs(*[Cost(90.0, 9.0)] * len(Costs._fields))]
    [small, large] = points_of([1, 2], [QUICK, QUICK], [quiet, busy, quiet])
    assert (small.certificates, small.costs.issue, small.ratios) == (1, Cost(1.0, 1.0), SAME)
    assert (large.costs.issue, large.ratios.issue) == (Cost(2.0, 1.1), Cost(2.0, 1.1))


def test_a_home_is_used_again_until_it_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[int] = []
    monkeypatch.setattr("bench.growth_homes.make_home", lambda settings, _count: [settings.home.mkdir(exist_ok=True)])
    monkeypatch.setattr("bench.growth_homes.opened", lambda _folder: nullcontext())
    monkeypatch.setattr("bench.growth_homes.fill", lambda _home, _codes, size, _say: filled.append(size))
    first = GrownHome(tmp_path, 40)
    assert [first.new_people(10), first.new_people(9)] == [range(10), range(10, 19)]
    assert GrownHome(tmp_path, 40).new_people(1) == range(19, 20)
    assert filled == [40]
    assert GrownHome(tmp_path, 40).new_people(1) == range(1)
    assert filled == [40, 40]
