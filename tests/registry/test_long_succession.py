"""A certificate that is corrected again and again: one successor each, no way back, only the last in force."""

from __future__ import annotations

from datetime import timedelta

import pytest
from register_desk import Desk, people

from certs.errors import KezhengError
from certs.status import State

ASSESSOR = "P000115000001"
LENGTH = 50


@pytest.mark.slow
def test_a_chain_of_fifty(desk: Desk) -> None:
    numbers = [desk.certify(people(1), ASSESSOR)[0].number]
    for step in range(1, LENGTH):
        desk.now += timedelta(minutes=1)
        numbers.append(desk.correct(numbers[-1], name="测试改" if step % 2 else "测试正").number)
    reports = desk.reports(numbers)
    assert len(set(numbers)) == LENGTH
    assert [report["status"]["state"] for report in reports] == ["superseded"] * (LENGTH - 1) + ["valid"]
    told = [" ".join(notice["zh"] for notice in report["notices"]) for report in reports]
    for place, words in enumerate(told):
        named = [number for number in numbers if number in words]
        assert named == numbers[place + 1 : place + 2], "each names the next one, and no other"
    for earlier in (numbers[0], numbers[LENGTH // 2], numbers[-2]):
        with pytest.raises(KezhengError, match="status_final"):
            desk.change(earlier, State.SUPERSEDED, "correction", successor=numbers[-1])
    with pytest.raises(KezhengError, match=r"successor_not_later|successor_not_in_force|successor_taken"):
        desk.change(numbers[-1], State.SUPERSEDED, "correction", successor=numbers[0])
    desk.change(numbers[-1], State.REVOKED, "exam_misconduct")
    assert {report["verdict"] for report in desk.reports(numbers)} == {"not_in_force"}
