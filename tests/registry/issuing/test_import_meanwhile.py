"""A roster is checked before the register is held for writing: what is learnt meanwhile counts all the same."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from register_desk import Desk, people, person

from certs.institution import EventKind
from registry.issuing import import_roster
from registry.issuing.collector import collector_paused
from registry.issuing.import_roster import RosterRefused

ASSESSOR, OTHER = "P000115000001", "P000215000002"
Meanwhile = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something done between the check of the next roster and its storing; who was checked once more is told."""

    def arrange(happen: Callable[[], object]) -> list[str]:
        seal, again = import_roster.seal_roster, import_roster._again
        checked_again: list[str] = []

        def late(*given: Any) -> Any:
            monkeypatch.setattr(import_roster, "seal_roster", seal)
            happen()
            return seal(*given)

        def note(home: Any, tx: Any, batch: Any, *given: Any) -> Any:
            checked_again.append(batch.label)
            return again(home, tx, batch, *given)

        monkeypatch.setattr(import_roster, "seal_roster", late)
        monkeypatch.setattr(import_roster, "_again", note)
        return checked_again

    return arrange


def test_a_person_who_was_entered_meanwhile_is_one_person(desk: Desk, meanwhile: Meanwhile) -> None:
    checked_again = meanwhile(lambda: desk.bring(people(2), OTHER, label="其间"))
    batch = desk.bring(people(1, 2, 3), ASSESSOR, label="先到")
    assert checked_again == ["先到"]
    counts = desk.row_counts()
    assert (counts["person"], counts["person_document"], counts["roster_row"], counts["batch"]) == (3, 3, 4, 2)
    assert len(desk.finish(desk.approve(batch))) == 3


def test_a_certificate_that_was_given_meanwhile_is_told(desk: Desk, meanwhile: Meanwhile) -> None:
    desk.certify([person(2, 等级="初级")], OTHER)
    checked_again = meanwhile(lambda: desk.certify(people(2), OTHER))
    with pytest.raises(RosterRefused) as refused:
        desk.bring(people(1, 2), ASSESSOR, label="先到")
    assert [(fault.row, fault.code) for fault in refused.value.checked.faults] == [(3, "already_certified")]
    assert checked_again == ["先到"]
    assert desk.value("SELECT count(*) FROM batch WHERE label = '先到'") == 0


def test_what_concerns_others_is_not_checked_again(desk: Desk, meanwhile: Meanwhile) -> None:
    desk.certify([person(2, 等级="初级")], OTHER)
    checked_again = meanwhile(lambda: desk.certify(people(7, 8), OTHER))
    desk.bring(people(1, 2), ASSESSOR)
    assert checked_again == []
    assert desk.value("SELECT count(*) FROM person") == 4


def test_the_same_file_meanwhile_is_the_same_batch(desk: Desk, meanwhile: Meanwhile) -> None:
    first: list[str] = []
    checked_again = meanwhile(lambda: first.append(desk.bring(people(1, 2), ASSESSOR).id))
    assert [desk.bring(people(1, 2), ASSESSOR).id] == first
    assert checked_again == []
    assert (desk.row_counts()["roster_row"], desk.row_counts()["batch"]) == (2, 1)


def test_an_institution_that_was_suspended_meanwhile(desk: Desk, meanwhile: Meanwhile) -> None:
    on = date(2026, 11, 1)
    checked_again = meanwhile(lambda: desk.institution_event(ASSESSOR, EventKind.SUSPEND, on, "rules_violated"))
    with pytest.raises(RosterRefused):
        desk.bring(people(1), ASSESSOR, label="先到")
    assert checked_again == ["先到"]
    assert desk.row_counts()["batch"] == 0


def test_the_collector_goes_on_when_the_last_has_done() -> None:
    assert gc.isenabled()
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
