"""Two people and exact rows: approval on the command line is declared, and said to be."""

from __future__ import annotations

import pytest
from register_desk import Desk, people

from certs.errors import KezhengError
from registry.store.states import BatchState

ASSESSOR = "P000115000001"


def test_an_approval_says_who_and_that_the_names_are_declared(desk: Desk) -> None:
    batch = desk.approve(desk.bring(people(1), ASSESSOR, operator=" 经办甲 "), approver="复核乙")
    assert (batch.state, batch.approver, batch.approver_declared) == (BatchState.APPROVED, "复核乙", True)
    assert batch.approved_at == desk.now
    assert desk.value("SELECT actor FROM audit_event WHERE action = 'batch_approved'") == "复核乙"


SAME = [
    ("李明", "李明 "),
    ("LiMing", "ｌｉｍｉｎｇ"),
    ("Li Ming", "LI\u3000MING"),
    ("Straße", "STRASSE"),
    ("李明", "李\u200b明"),
]


@pytest.mark.parametrize(("operator", "approver"), SAME)
def test_the_same_person_however_spelt_does_not_approve(desk: Desk, operator: str, approver: str) -> None:
    batch = desk.bring(people(1), ASSESSOR, operator=operator)
    with pytest.raises(KezhengError, match="approver_is_operator"):
        desk.approve(batch, approver=approver)
    assert desk.batch(batch.id).state is BatchState.IMPORTED


@pytest.mark.parametrize("approver", ["", " ", "\u200b"])
def test_somebody_has_to_approve(desk: Desk, approver: str) -> None:
    batch = desk.bring(people(1), ASSESSOR)
    with pytest.raises(KezhengError, match="person_missing"):
        desk.approve(batch, approver=approver)


def test_the_operator_who_counts_is_the_one_who_imported(desk: Desk) -> None:
    rows = people(1)
    desk.bring(rows, ASSESSOR, operator="甲")
    again = desk.bring(rows, ASSESSOR, operator="乙")
    with pytest.raises(KezhengError, match="approver_is_operator"):
        desk.approve(again, approver="甲")
    assert desk.approve(again, approver="乙").operator == "甲"


def test_a_second_approval_changes_nothing(desk: Desk) -> None:
    batch = desk.approve(desk.bring(people(1), ASSESSOR), approver="乙")
    assert desk.approve(batch, approver="丙").approver == "乙"
    assert desk.value("SELECT count(*) FROM audit_event WHERE action = 'batch_approved'") == 1


def test_an_unknown_batch_cannot_be_approved(desk: Desk) -> None:
    batch = desk.bring(people(1), ASSESSOR)
    with pytest.raises(KezhengError, match="batch_unknown"):
        desk.approve(batch._replace(id="none"))
