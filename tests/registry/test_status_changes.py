"""Changing the status by hand: what may follow what, who may succeed whom, and what stays inside."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from register_desk import Desk, people, person

from certs.errors import KezhengError
from certs.status import State
from registry.status_changes import NOTE_PLACE

ASSESSOR, OTHER, TRAINER = "P000115000001", "P000215000002", "T000115000001"


def pair(desk: Desk, **second: str) -> tuple[str, str]:
    """An older and a newer certificate of one person; without changes they differ in direction alone."""
    older = desk.certify(people(1), ASSESSOR)[0].number
    desk.now += timedelta(days=1)
    newer = desk.certify([person(1, **(second or {"职业方向": "智能生产管控"}))], ASSESSOR)[0].number
    return older, newer


def supersede(desk: Desk, old: str, new: str) -> None:
    desk.change(old, State.SUPERSEDED, "correction", successor=new)


def test_a_suspension_ends_by_itself_after_its_last_day(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(number, State.SUSPENDED, "under_review", until=date(2026, 11, 21))
    assert desk.report(number)["status"]["state"] == "suspended"
    end = desk.now.replace(day=21, hour=15, minute=59, second=59)
    assert desk.verdict(number, end) == "not_in_force"
    assert desk.verdict(number, end + timedelta(seconds=1)) == "valid"


def test_reinstating_what_is_suspended(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(number, State.SUSPENDED, "under_review")
    with pytest.raises(KezhengError, match="status_already_suspended"):
        desk.change(number, State.SUSPENDED, "under_review")
    desk.now += timedelta(hours=1)
    desk.change(number, State.VALID, "review_closed")
    assert desk.verdict(number) == "valid"
    with pytest.raises(KezhengError, match="status_not_suspended"):
        desk.change(number, State.VALID, "review_closed")


@pytest.mark.parametrize(
    ("state", "reason", "from_start"),
    [(State.REVOKED, "exam_misconduct", True), (State.CANCELLED, "holder_request", False)],
)
def test_final_states_are_final(desk: Desk, state: State, reason: str, from_start: bool) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(number, state, reason)
    report = desk.report(number)
    assert (report["verdict"], report["status"]["state"]) == ("not_in_force", state.value)
    assert report["status"]["void_from_start"] is from_start
    changes = ((State.VALID, "review_closed"), (State.SUSPENDED, "under_review"), (State.REVOKED, "key_misused"))
    for following in changes:
        with pytest.raises(KezhengError, match="status_final"):
            desk.change(number, *following)


def test_void_from_the_start_reaches_back_and_from_now_does_not(desk: Desk) -> None:
    first, second = (c.number for c in desk.certify(people(1, 2), ASSESSOR))
    before = desk.now + timedelta(minutes=1)
    desk.now += timedelta(days=2)
    desk.change(first, State.REVOKED, "false_documents")
    desk.change(second, State.REVOKED, "issued_in_error", void_from_start=False)
    assert (desk.verdict(first, before), desk.verdict(second, before)) == ("not_in_force", "valid")
    assert (desk.verdict(first), desk.verdict(second)) == ("not_in_force", "not_in_force")


def test_why_a_holder_died_is_nobodys_business(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(number, State.CANCELLED, "not_stated", note="持证人去世，家属告知")
    report = desk.report(number)
    assert (report["status"]["reason_code"], report["status"]["reason_zh"]) == (None, None)
    assert "去世" not in str(report)


def test_a_note_is_stored_as_ciphertext_of_its_own_event(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(number, State.SUSPENDED, "under_review", note="举报人王某称代考")
    event_id, sealed = desk.value("SELECT id FROM status_event"), desk.value("SELECT note_ciphertext FROM status_event")
    assert "王某".encode() not in sealed
    assert desk.home.keyring.cipher.open(*NOTE_PLACE, event_id, sealed) == "举报人王某称代考"
    with pytest.raises(KezhengError, match="data_damaged"):
        desk.home.keyring.cipher.open(*NOTE_PLACE, event_id + 1, sealed)


ARGUMENTS = [
    (State.SUSPENDED, "exam_misconduct", {}, "status_reason_not_allowed"),
    (State.REVOKED, "因为代考", {}, "status_reason_not_allowed"),
    (State.REVOKED, "exam_misconduct", {"until": date(2027, 1, 1)}, "status_until_only_for_suspension"),
    (State.SUSPENDED, "under_review", {"until": date(2026, 11, 19)}, "status_until_not_after_from"),
    (State.SUPERSEDED, "correction", {}, "successor_needed"),
    (State.SUSPENDED, "under_review", {"successor": "P000115000001262000001B"}, "successor_only_for_supersede"),
]


@pytest.mark.parametrize(("state", "reason", "more", "code"), ARGUMENTS)
def test_arguments_that_do_not_go_together(
    desk: Desk, state: State, reason: str, more: dict[str, object], code: str
) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    with pytest.raises(KezhengError, match=code):
        desk.change(number, state, reason, **more)
    assert desk.row_counts()["status_event"] == 0


def test_a_certificate_that_is_not_released_has_no_status(desk: Desk) -> None:
    with pytest.raises(KezhengError, match="certificate_unknown"):
        desk.change("P000115000001262000001B", State.REVOKED, "exam_misconduct")


def test_superseding_by_hand_links_what_was_issued_apart(desk: Desk) -> None:
    """A mistaken direction: the right one was issued by itself, then made the successor."""
    old, new = pair(desk)
    supersede(desk, old, new)
    assert desk.report(old)["status"]["superseded_by"] == new
    assert desk.report(new)["certificate"]["supersedes"] == old
    assert desk.verdict(new) == "valid"


def test_nothing_succeeds_itself(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    with pytest.raises(KezhengError, match="successor_is_itself"):
        supersede(desk, number, number)


def test_a_successor_belongs_to_the_same_person(desk: Desk) -> None:
    first, second = (c.number for c in desk.certify(people(1, 2), ASSESSOR))
    with pytest.raises(KezhengError, match="successor_other_person"):
        supersede(desk, first, second)


@pytest.mark.parametrize("second", [{"等级": "高级"}, {"职业": "大数据工程技术人员", "职业方向": "大数据分析"}])
def test_a_successor_has_the_same_occupation_and_grade(desk: Desk, second: dict[str, str]) -> None:
    old, new = pair(desk, **second)
    with pytest.raises(KezhengError, match="successor_other_occupation"):
        supersede(desk, old, new)


def test_a_successor_comes_from_the_same_institution(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0].number
    desk.now += timedelta(days=1)
    new = desk.certify([person(1, 职业方向="智能生产管控")], OTHER)[0].number
    with pytest.raises(KezhengError, match="successor_other_institution"):
        supersede(desk, old, new)


def test_a_training_certificate_does_not_succeed_a_grade(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0].number
    new = desk.certify(people(1), TRAINER)[0].number
    with pytest.raises(KezhengError, match="successor_other_occupation"):
        supersede(desk, old, new)


def test_a_successor_was_issued_later(desk: Desk) -> None:
    old, new = pair(desk)
    with pytest.raises(KezhengError, match="successor_not_later"):
        supersede(desk, new, old)


def test_succession_runs_in_no_circle(desk: Desk) -> None:
    old, new = pair(desk)
    supersede(desk, old, new)
    with pytest.raises(KezhengError, match=r"successor_not_later|successor_not_in_force|successor_taken"):
        supersede(desk, new, old)


def test_a_second_successor_or_predecessor_is_refused(desk: Desk) -> None:
    old, new = pair(desk)
    desk.now += timedelta(days=1)
    third = desk.certify([person(1, 职业方向="装备与产线智能运维")], ASSESSOR)[0].number
    supersede(desk, old, third)
    with pytest.raises(KezhengError, match="status_final"):
        supersede(desk, old, new)
    with pytest.raises(KezhengError, match="successor_taken"):
        supersede(desk, new, third)


def test_a_successor_is_in_force(desk: Desk) -> None:
    old, new = pair(desk)
    desk.change(new, State.REVOKED, "issued_in_error")
    with pytest.raises(KezhengError, match="successor_not_in_force"):
        supersede(desk, old, new)


def test_an_unknown_successor_is_refused(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0].number
    with pytest.raises(KezhengError, match="certificate_unknown"):
        supersede(desk, old, "P000115000001262000999B")


def test_a_revoked_certificate_frees_the_place(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(old, State.REVOKED, "score_corrected_below_pass")
    new = desk.certify([person(1, 备注="补考")], ASSESSOR)[0].number
    assert (desk.verdict(old), desk.verdict(new)) == ("not_in_force", "valid")
