"""Corrections chain, reprints do not change anything, and a stopped correction is the same one when asked again."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from register_desk import APPROVER, NOW, OPERATOR, Desk, id_number, institution_toml, name_of, people, person

from certs.errors import KezhengError
from certs.status import State
from registry.issuing.give_up import give_up_batch
from registry.replacing import Correction, reprint, start_correction
from registry.store.batch_store import unfinished_batches

ASSESSOR, TRAINER = "P000115000001", "T000115000001"


def test_a_corrected_name_is_a_new_certificate_that_names_the_old(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0]
    desk.now += timedelta(days=40)
    new = desk.correct(old.number, name="测试改正")
    shown = desk.report(new.number)["certificate"]
    assert (shown["name"], shown["supersedes"]) == ("测试改正", old.number)
    assert shown["assessed_on"] == "2026-11-02"
    assert (shown["first_issued_on"], shown["issued_at"][:10]) == ("2026-11-20", "2026-12-30")
    assert desk.verdict(new.number) == "valid"


def test_the_old_certificate_says_who_follows_and_opens_nothing(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0]
    new = desk.correct(old.number, name="测试改正")
    report = desk.report(old.number)
    assert (report["verdict"], report["tone"]) == ("not_in_force", "notice")
    assert report["status"]["state"] == "superseded"
    assert report["status"]["reason_code"] == "correction"
    assert report["status"]["superseded_by"] == new.number
    assert new.number in report["notices"][0]["zh"]
    assert "测试改正" not in str(report)


def test_a_corrected_document_stays_the_same_person(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0]
    new = desk.correct(old.number, reason="id_changed", id_number=id_number(600))
    assert desk.report(new.number)["certificate"]["id_tail"] == id_number(600)[-4:]
    assert new.person_id == old.person_id
    assert desk.row_counts()["person"] == 1
    assert desk.row_counts()["person_document"] == 2


def test_a_document_of_somebody_else_is_refused(desk: Desk) -> None:
    first, _ = desk.certify(people(1, 2), ASSESSOR)
    before = desk.row_counts()
    with pytest.raises(KezhengError, match="person_of_other_document"):
        desk.correct(first.number, id_number=id_number(2))
    assert desk.row_counts() == before


def test_a_chain_keeps_the_day_of_first_issue(desk: Desk) -> None:
    number = first = desk.certify(people(1), ASSESSOR)[0].number
    chain = [number]
    for name in ("测试二", "测试三", "测试四"):
        desk.now += timedelta(days=100)
        number = desk.correct(number, name=name).number
        chain.append(number)
    assert desk.report(number)["certificate"]["first_issued_on"] == "2026-11-20"
    assert [desk.verdict(entry) for entry in chain] == ["not_in_force"] * 3 + ["valid"]
    assert [desk.report(entry)["status"]["superseded_by"] for entry in chain[:3]] == chain[1:]
    assert desk.certificate(first).live is False


def test_revoking_the_successor_revives_nothing(desk: Desk) -> None:
    old = desk.certify(people(1), ASSESSOR)[0]
    new = desk.correct(old.number, name="测试改正")
    desk.change(new.number, State.REVOKED, "exam_misconduct")
    assert desk.report(old.number)["status"]["state"] == "superseded"
    assert desk.report(new.number)["status"]["state"] == "revoked"
    again = desk.certify([person(1, 备注="重考")], ASSESSOR)[0]
    assert desk.verdict(again.number) == "valid"


@pytest.mark.parametrize(
    ("state", "reason"),
    [(State.REVOKED, "issued_in_error"), (State.CANCELLED, "holder_request"), (State.SUSPENDED, "under_review")],
)
def test_what_is_not_in_force_is_not_corrected(desk: Desk, state: State, reason: str) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.change(number, state, reason)
    with pytest.raises(KezhengError, match="certificate_not_in_force"):
        desk.correct(number, name="测试改正")


def test_a_certificate_is_corrected_once(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.correct(number, name="测试改正")
    with pytest.raises(KezhengError, match="certificate_not_in_force"):
        desk.correct(number, name="测试再改")


REFUSED = [
    ({"name": name_of(1)}, "correction_changes_nothing"),
    ({}, "correction_changes_nothing"),
    ({"name": "123"}, "correction_name_refused"),
    ({"name": "测试\ue000"}, "correction_name_refused"),
    ({"id_number": "123"}, "correction_id_refused"),
    ({"id_type": "驾驶证", "id_number": id_number(3)}, "correction_id_refused"),
    ({"name": "测试改正", "reason": "exam_misconduct"}, "status_reason_not_allowed"),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
def test_a_correction_that_is_refused_leaves_nothing(desk: Desk, changes: dict[str, str], code: str) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    before = desk.row_counts()
    with pytest.raises(KezhengError, match=code):
        desk.correct(number, **changes)
    assert desk.row_counts() == before


def test_a_correction_takes_two_people(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    with pytest.raises(KezhengError, match="approver_is_operator"):
        start_correction(desk.home, number, Correction("correction", "甲", " 甲", name="测试改正"), desk.now)


def test_a_correction_of_what_does_not_exist(desk: Desk) -> None:
    with pytest.raises(KezhengError, match="certificate_unknown"):
        desk.correct("P000115000001262000001B", name="测试改正")


def test_a_stopped_correction_is_the_same_one_when_asked_again(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    wanted = Correction("correction", OPERATOR, APPROVER, name="测试改正")
    first = start_correction(desk.home, number, wanted, desk.now)
    desk.now += timedelta(hours=1)
    assert start_correction(desk.home, number, wanted, desk.now).id == first.id
    with pytest.raises(KezhengError, match="correction_waits"):
        start_correction(desk.home, number, wanted._replace(name="测试另改"), desk.now)
    assert len(desk.finish(first)) == 1
    with desk.home.store.reading() as tx:
        assert unfinished_batches(tx) == []


def test_a_correction_that_was_given_up_makes_room_for_another(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    wanted = Correction("correction", OPERATOR, APPROVER, name="测试改正")
    give_up_batch(desk.home, start_correction(desk.home, number, wanted, desk.now).id, OPERATOR, desk.now)
    assert desk.verdict(desk.correct(number, name="测试另改").number) == "valid"


def test_a_correction_long_after_the_institution_left(desk: Desk) -> None:
    """The first issue counts, not the day of the correction."""
    scope = 'occupation = "2-02-38-05"\ngrades = ["intermediate"]\nvalid_from = 2024-01-01\nvalid_to = 2026-11-30\n'
    code = desk.list_institution(institution_toml(41, scope=scope))
    number = desk.certify(people(1), code)[0].number
    desk.now = NOW + timedelta(days=300)
    assert desk.verdict(desk.correct(number, name="测试改正").number) == "valid"


def test_a_reprint_is_the_same_certificate_with_a_remark(desk: Desk, tmp_path: Path) -> None:
    issued = desk.certify(people(1), ASSESSOR)[0]
    files = reprint(desk.home, issued.number, tmp_path / "out", OPERATOR, desk.now)
    after = desk.certificate(issued.number)
    assert (after.envelope, after.prints) == (issued.envelope, 1)
    assert files.number == issued.number
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}
    assert desk.verdict(issued.number) == "valid"
    assert desk.report(issued.number)["status"]["state"] == "valid"


def test_nothing_is_reprinted_that_was_not_released(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(KezhengError, match="certificate_unknown"):
        reprint(desk.home, "P000115000001262000001B", tmp_path, OPERATOR, desk.now)
