"""Issued again after a theft: the same numbers on new papers, each old code failing and saying so."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from register_crash import killed_at
from register_desk import APPROVER, NOW, OPERATOR, Desk, people, person
from stopped_process import Stopped, stop

from certs.certificate import decode_claims
from certs.cose import take_apart
from certs.errors import KezhengError
from certs.institution import EventKind
from certs.log_entry import EntryKind, read_entry
from certs.qr import qr_text
from certs.status import State
from certs.timestamps import shanghai_day
from certs.verification import verify_qr_text
from registry.compromise import Compromise, declare
from registry.exporting import export_batch
from registry.home import open_home
from registry.issuing.approval_entry import approval_digest
from registry.issuing.reissue import Started, finish_reissue, start_reissue
from registry.key_changes import retire_key
from registry.settings import load_settings
from registry.store.batch_store import require_batch
from registry.store.certificate_store import CertificateRecord
from registry.store.log_store import entries_between, read_tree
from registry.store.states import BatchState, CertificateState
from registry.verifying import evidence_of_home

ASSESSOR = "P000115000001"
MINUTE = timedelta(minutes=1)
MOST_POINTS = 200


def steal(desk: Desk, certificate: CertificateRecord, at: datetime) -> bytes:
    """Declare the key of a certificate stolen; its kid."""
    assert certificate.kid is not None
    declare(desk.home, Compromise(certificate.kid, at, "机构甲", "登记官乙"), desk.now)
    return certificate.kid


def again(desk: Desk, kid: bytes, numbers: Sequence[str] | None = None) -> Started:
    """Both halves of the command."""
    started = start_reissue(desk.home, kid, numbers, OPERATOR, APPROVER, desk.now)
    finish_reissue(desk.home, kid, desk.clock, lambda _: None)
    return started


def before_and_after(desk: Desk, *rows: Any) -> tuple[CertificateRecord, list[CertificateRecord], bytes]:
    """One certificate from before a theft, others from after it, and the kid; the desk stands ten minutes later."""
    desk.now = NOW + MINUTE
    [honest] = desk.certify(people(91), ASSESSOR)
    desk.now += MINUTE
    later = desk.certify(rows or people(1, 2), ASSESSOR)
    theft, desk.now = desk.now, desk.now + 10 * MINUTE
    return honest, later, steal(desk, honest, theft)


def old_code(desk: Desk, old: CertificateRecord) -> Any:
    """What a stranger is told of a former paper."""
    assert old.envelope is not None
    text = qr_text(desk.home.settings.public_url, old.envelope)
    return verify_qr_text(text, evidence_of_home(desk.home.settings), desk.now)


def refused(code: str, act: Any, *arguments: Any) -> None:
    with pytest.raises(KezhengError) as refusal:
        act(*arguments)
    assert refusal.value.code == code


def test_the_same_number_with_a_new_time_index_key_and_code(desk: Desk) -> None:
    honest, later, kid = before_and_after(desk)
    started = again(desk, kid)
    assert started == Started(tuple(old.number for old in later), ())
    for old in later:
        new = desk.certificate(old.number)
        report = desk.report(old.number)
        assert report["verdict"] == "valid"
        assert report["certificate"]["first_issued_on"] == shanghai_day(NOW).isoformat()
        assert (new.state, new.prints, new.live) == (CertificateState.RELEASED, 0, True)
        assert (new.issued_at, new.first_issued_on) == (desk.now, shanghai_day(NOW))
        assert new.kid not in (None, kid)
        assert len({old.status_index, new.status_index}) == 2
        claims, former = (decode_claims(take_apart(each.envelope or b"").payload) for each in (new, old))
        assert claims == former._replace(issued_at=desk.now, status_index=new.status_index)
    assert (desk.verdict(honest.number), desk.certificate(honest.number)) == ("valid", honest)


def test_the_old_code_fails_and_names_the_day_of_the_new_paper(desk: Desk) -> None:
    _, [old, _], kid = before_and_after(desk)
    assert old_code(desk, old).deciding.code == "key_compromised_before"
    assert old_code(desk, old).notices == ()
    again(desk, kid)
    told = old_code(desk, old)
    assert (told.verdict.value, told.deciding.code) == ("not_genuine", "key_compromised_before")
    assert [(notice.code, dict(notice.params)) for notice in told.notices] == [
        ("reissued", {"date": shanghai_day(desk.now).isoformat()})
    ]
    assert told.genuine is None


def test_only_confirmed_numbers_are_issued_again(desk: Desk) -> None:
    honest, [first, second], kid = before_and_after(desk)
    assert again(desk, kid, [first.number]).numbers == (first.number,)
    assert [desk.verdict(each.number) for each in (first, second)] == ["valid", "not_genuine"]
    assert again(desk, kid, [first.number, second.number]).numbers == (second.number,)
    assert [desk.verdict(each.number) for each in (honest, first, second)] == ["valid"] * 3
    assert again(desk, kid).numbers == ()
    assert desk.value("SELECT count(*) FROM former_envelope") == 2


def test_what_was_logged_before_the_theft_is_not_signed_again(desk: Desk) -> None:
    honest, [later, _], kid = before_and_after(desk)
    rows = desk.row_counts()
    refused("reissue_not_affected", again, desk, kid, [later.number, honest.number])
    refused("reissue_not_affected", again, desk, kid, ["P000115000001263000099A"])
    assert desk.row_counts() == rows


def test_only_after_a_declared_theft(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    refused("key_not_compromised", again, desk, certificate.kid)
    refused("signing_key_unknown", again, desk, bytes(8))


@pytest.mark.parametrize(
    ("operator", "approver", "code"),
    [("甲", " 甲", "approver_is_operator"), ("", "乙", "person_missing"), ("甲", "", "person_missing")],
)
def test_it_takes_two_people(desk: Desk, operator: str, approver: str, code: str) -> None:
    _, _, kid = before_and_after(desk)
    rows = desk.row_counts()
    refused(code, start_reissue, desk.home, kid, None, operator, approver, desk.now)
    assert desk.row_counts() == rows


def test_the_approval_is_an_entry_that_its_record_explains(desk: Desk) -> None:
    _, later, kid = before_and_after(desk)
    again(desk, kid)
    details = orjson.loads(desk.value("SELECT details FROM audit_event WHERE action = 'reissue_approved'"))
    numbers = hashlib.sha256("\n".join(sorted(old.number for old in later)).encode()).hexdigest()
    content = {"kid": kid.hex(), "numbers": numbers, "operator": OPERATOR, "approver": APPROVER}
    with desk.home.store.reading() as tx:
        entry = read_entry(entries_between(tx, details["log_index"], details["log_index"] + 1)[0])
    assert (entry.kind, details["count"]) == (EntryKind.APPROVAL, 2)
    assert entry.body == approval_digest(bytes.fromhex(details["salt"]), content)


def test_what_ended_is_not_issued_again_and_what_is_suspended_waits(desk: Desk) -> None:
    rows = people(1, 2, 3)
    desk.now = NOW + MINUTE
    revoked, suspended, free = desk.certify(rows, ASSESSOR)
    desk.change(revoked.number, State.REVOKED, "exam_misconduct")
    desk.change(suspended.number, State.SUSPENDED, "under_review")
    desk.now += MINUTE
    kid = steal(desk, free, NOW)
    assert again(desk, kid) == Started(
        (free.number,), ((revoked.number, State.REVOKED), (suspended.number, State.SUSPENDED))
    )
    assert [desk.verdict(each.number) for each in (revoked, suspended, free)] == ["not_genuine", "not_genuine", "valid"]
    desk.change(suspended.number, State.VALID, "review_closed")
    assert again(desk, kid).numbers == (suspended.number,)
    assert desk.verdict(suspended.number) == "valid"


def test_the_status_history_goes_along_and_cannot_be_hidden(desk: Desk) -> None:
    desk.now = NOW + MINUTE
    [old] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    desk.change(old.number, State.SUSPENDED, "under_review")
    suspended_at, desk.now = desk.now, desk.now + MINUTE
    desk.change(old.number, State.VALID, "review_closed")
    desk.now += MINUTE
    kid = steal(desk, old, NOW)
    again(desk, kid)
    assert desk.verdict(old.number) == "valid"
    desk.now += MINUTE
    desk.change(old.number, State.REVOKED, "exam_misconduct")
    assert desk.verdict(old.number) == "not_in_force"
    new = desk.certificate(old.number)
    digest = hashlib.sha256(new.envelope or b"").digest()
    with desk.home.store.reading() as tx:
        entries = [read_entry(entry) for entry in entries_between(tx, 0, read_tree(tx).size)]
    changes = [entry.body for entry in entries if entry.kind == EntryKind.STATUS and entry.body.startswith(digest)]
    assert len(changes) == 3
    assert suspended_at.timestamp() == int.from_bytes(changes[0][34:42], "big")


def test_a_correction_is_issued_again_and_its_predecessor_stays_replaced(desk: Desk) -> None:
    desk.now = NOW + MINUTE
    [first] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    corrected = desk.correct(first.number, name="测试改正")
    theft, desk.now = desk.now, desk.now + MINUTE
    kid = steal(desk, corrected, theft)
    assert again(desk, kid).numbers == (corrected.number,)
    report = desk.report(corrected.number)
    assert (report["verdict"], report["certificate"]["supersedes"]) == ("valid", first.number)
    assert desk.verdict(first.number) == "not_in_force"
    assert desk.value("SELECT count(*) FROM status_event") == 1


def test_a_second_theft_and_a_third_paper(desk: Desk) -> None:
    _, [old, _], kid = before_and_after(desk)
    again(desk, kid)
    second = desk.certificate(old.number)
    desk.now += MINUTE
    again(desk, steal(desk, second, NOW))
    third = desk.certificate(old.number)
    assert desk.verdict(old.number) == "valid"
    assert third.first_issued_on == shanghai_day(NOW)
    for former in (old, second):
        assert {notice.code for notice in old_code(desk, former).notices} == {"reissued"}


def test_an_earlier_theft_adds_what_lies_between(desk: Desk) -> None:
    honest, later, kid = before_and_after(desk)
    again(desk, kid)
    desk.now += MINUTE
    steal(desk, honest, NOW)
    assert desk.verdict(honest.number) == "not_genuine"
    assert again(desk, kid).numbers == (honest.number,)
    assert {desk.verdict(each.number) for each in (honest, *later)} == {"valid"}


def test_in_another_year_the_number_stays(desk: Desk) -> None:
    """Number and first day name the year of the first paper, the claims the time of the new one."""
    desk.now = datetime(2026, 12, 30, 2, tzinfo=UTC)
    [old] = desk.certify(people(1), ASSESSOR)
    theft, desk.now = desk.now, datetime(2027, 6, 20, 2, tzinfo=UTC)
    kid = steal(desk, old, theft)
    again(desk, kid)
    report = desk.report(old.number)
    assert (report["verdict"], report["certificate"]["number"]) == ("valid", old.number)
    assert report["certificate"]["first_issued_on"] == "2026-12-30"
    assert report["certificate"]["issued_at"].startswith("2027-06-20")
    assert desk.value("SELECT count(*) FROM certificate") == 1


def test_a_batch_that_was_stopped_between_logging_and_release(desk: Desk) -> None:
    """Logged under the stolen key and not handed out: the paper is replaced and the batch comes to its end."""
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.issuing.release_chunks._release", stop)
        with pytest.raises(Stopped):
            desk.finish(batch)
    desk.now += MINUTE
    logged = desk.certificates(batch.id)
    assert {each.state for each in logged} == {CertificateState.LOGGED}
    kid = steal(desk, logged[0], NOW)
    refused("own_verification_failed", desk.finish, batch)
    again(desk, kid)
    assert desk.batch(batch.id).state is BatchState.RELEASED
    assert {desk.verdict(each.number) for each in logged} == {"valid"}


def test_nothing_is_parked_that_could_not_be_issued(desk: Desk) -> None:
    _, later, kid = before_and_after(desk)
    new_kid = desk.value("SELECT kid FROM signing_key WHERE institution_code = :c AND kid <> :k", c=ASSESSOR, k=kid)
    retire_key(desk.home, new_kid, None, "甲", desk.now)
    desk.now += MINUTE
    refused("no_key_in_use", again, desk, kid)
    desk.institution_event(ASSESSOR, EventKind.SUSPEND, shanghai_day(desk.now), "under_review")
    refused("not_authorised", again, desk, kid)
    assert {desk.certificate(old.number).state for old in later} == {CertificateState.RELEASED}


def test_rows_that_were_changed_since_their_approval_are_not_signed(desk: Desk) -> None:
    _, [old, _], kid = before_and_after(desk)
    desk.tamper("UPDATE roster_row SET name = '测试他人' WHERE id = :id", id=old.roster_row_id)
    refused("approval_stale", again, desk, kid)
    assert desk.value("SELECT count(*) FROM certificate_prepared WHERE kid <> :kid", kid=kid) == 0


def test_files_are_drawn_anew_for_new_papers_alone(desk: Desk, tmp_path: Path) -> None:
    desk.now = NOW + MINUTE
    first, second = desk.certify(people(1, 2), ASSESSOR)
    desk.now += MINUTE
    with desk.home.store.reading() as tx:
        batch = require_batch(tx, first.batch_id)
    drawn = export_batch(desk.home, batch, tmp_path / "out", desk.now, lambda _: None)
    old = {each.number: each.pdf.stat().st_mtime_ns for each in drawn}
    again(desk, steal(desk, first, NOW), [first.number])
    drawn = export_batch(desk.home, batch, tmp_path / "out", desk.now, lambda _: None)
    changed = {each.number for each in drawn if each.pdf.stat().st_mtime_ns != old[each.number]}
    assert changed == {first.number}
    assert second.number in old


@pytest.mark.slow
def test_killed_at_every_write(prepared_home: Path, tmp_path: Path) -> None:
    """Whatever a killed run leaves, the same command brings everything to its end, and nothing happens twice."""
    template = tmp_path / "template"
    shutil.copytree(prepared_home, template)
    with open_home(load_settings(template, {}), {}) as home:
        desk = Desk(home)
        honest, later, kid = before_and_after(desk, *people(1, 2), person(3, 等级="初级"))
        now = desk.now

    def run(folder: Path) -> None:
        with open_home(load_settings(folder, {}), {}) as home:
            again(Desk(home, now), kid)

    seen = set()
    for point in range(1, MOST_POINTS):
        folder = tmp_path / f"home{point}"
        shutil.copytree(template, folder)
        if not killed_at(point, lambda folder=folder: run(folder)):
            break
        with open_home(load_settings(folder, {}), {}) as home:
            left = tuple(Desk(home, now).row_counts().items())
        if left not in seen:
            seen.add(left)
            run(folder)
            _check_issued_again(folder, now, honest, later)
        shutil.rmtree(folder)
    assert 20 < point < MOST_POINTS - 1
    assert len(seen) > 5


def _check_issued_again(folder: Path, now: datetime, honest: CertificateRecord, later: list[CertificateRecord]) -> None:
    with open_home(load_settings(folder, {}), {}) as home:
        desk = Desk(home, now)
        numbers = [old.number for old in later]
        assert {report["verdict"] for report in desk.reports([honest.number, *numbers])} == {"valid"}
        assert desk.value("SELECT count(*) FROM former_envelope") == len(later)
        assert desk.value("SELECT count(*) FROM certificate_sealed") == len(later) + 1
        certificates = desk.value("SELECT count(*) FROM log_entry WHERE kind = 1")
        assert certificates == 2 * len(later) + 1
        assert desk.value("SELECT count(*) FROM certificate WHERE state <> 'released'") == 0
