"""A batch that cannot be finished can be given up: its numbers are accounted for, its people and its file are free."""

from __future__ import annotations

from datetime import date

import pytest
from register_desk import OPERATOR, Desk, people
from stopped_process import Stopped, stop

from certs.errors import KezhengError
from certs.institution import EventKind
from registry.issuing import release_chunks
from registry.issuing.give_up import give_up_batch
from registry.store.batch_store import unfinished_batches
from registry.store.states import BatchState, CertificateState

ASSESSOR, OTHER = "P000115000001", "P000215000002"


def stopped_after_numbers_were_taken(desk: Desk) -> str:
    """A batch that stopped when its numbers were taken, and whose institution was then suspended."""
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_chunks, "_prepare", stop)
        with pytest.raises(Stopped):
            desk.finish(batch)
    desk.institution_event(ASSESSOR, EventKind.SUSPEND, date(2026, 11, 19), "under_review")
    with pytest.raises(KezhengError, match="institution_suspended_at_issue"):
        desk.finish(batch)
    assert desk.batch(batch.id).state is BatchState.ISSUING
    return batch.id


def test_numbers_that_were_taken_are_void_and_not_given_again(desk: Desk) -> None:
    batch_id = stopped_after_numbers_were_taken(desk)
    given_up = give_up_batch(desk.home, batch_id, OPERATOR, desk.now)
    assert given_up.state is desk.batch(batch_id).state is BatchState.VOID
    assert {c.state for c in desk.certificates(batch_id)} == {CertificateState.VOID}
    desk.institution_event(ASSESSOR, EventKind.REINSTATE, date(2026, 11, 20), "review_closed")
    again = desk.certify(people(1, 2), ASSESSOR)
    assert [c.serial for c in again] == [3, 4]
    assert again[0].batch_id != batch_id
    assert desk.verdict(again[0].number) == "valid"


def test_people_of_a_batch_that_was_given_up_can_be_certified_elsewhere(desk: Desk) -> None:
    give_up_batch(desk.home, stopped_after_numbers_were_taken(desk), OPERATOR, desk.now)
    assert desk.verdict(desk.certify(people(1), OTHER)[0].number) == "valid"


@pytest.mark.parametrize("approved", [False, True])
def test_before_numbers_were_taken(desk: Desk, approved: bool) -> None:
    batch = desk.bring(people(1), ASSESSOR)
    if approved:
        desk.tamper("UPDATE roster_row SET theory = 10000")
        batch = desk.approve(batch)
        with pytest.raises(KezhengError, match="approval_stale"):
            desk.finish(batch)
    give_up_batch(desk.home, batch.id, OPERATOR, desk.now)
    with desk.home.store.reading() as tx:
        assert unfinished_batches(tx) == []
    assert [c.serial for c in desk.certify(people(1), ASSESSOR)] == [1]


def test_what_was_released_cannot_be_given_up(desk: Desk) -> None:
    issued = desk.certify(people(1), ASSESSOR)
    with pytest.raises(KezhengError, match="batch_state"):
        give_up_batch(desk.home, issued[0].batch_id, OPERATOR, desk.now)
    with pytest.raises(KezhengError, match="batch_unknown"):
        give_up_batch(desk.home, "none", OPERATOR, desk.now)
    assert desk.verdict(issued[0].number) == "valid"


def test_it_is_given_up_once_and_on_record(desk: Desk) -> None:
    batch = desk.bring(people(1), ASSESSOR)
    give_up_batch(desk.home, batch.id, "登记丙", desk.now)
    with pytest.raises(KezhengError, match="batch_state"):
        give_up_batch(desk.home, batch.id, OPERATOR, desk.now)
    assert desk.value("SELECT actor FROM audit_event WHERE action = 'batch_given_up'") == "登记丙"
