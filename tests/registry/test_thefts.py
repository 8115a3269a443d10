"""What each theft buys, played by the thief against a register on disk, and what stops it: row by row.

Here an institution's key, one account, two accounts. What lies on machines is stolen in `test_thefts_of_data.py`, the
register's own keys in `test_thefts_of_register_keys.py`.
"""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from register_desk import Desk, people, person
from thief import (
    ASSESSOR,
    DAY,
    FALSE_NAME,
    MINUTE,
    OTHER,
    at_the_site,
    envelope_of,
    forged,
    found,
    pinned_root,
    publish,
    text_of,
    verifier,
)

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER
from certs.occupations import catalogue
from certs.status import State
from registry.compromise import Compromise, declare
from registry.issuing.approval_entry import approval_is_logged
from registry.issuing.import_roster import RosterRefused
from registry.log_monitor import Question, look
from registry.log_source import open_log_source
from registry.monitor_report import look_document
from registry.store.batch_store import BatchRecord

ABROAD = "人工智能工程技术人员"
"""An occupation that ``OTHER`` may not assess."""


# --- institution key: envelopes that are not in the register


@pytest.fixture
def stolen_key(desk: Desk) -> str:
    """A forged certificate, signed with an institution's key two minutes after a genuine one."""
    desk.now += MINUTE
    [genuine] = desk.certify(people(1), ASSESSOR)
    desk.now += 2 * MINUTE
    return forged(desk, genuine, desk.now - MINUTE)


def test_institution_key_at_the_site_nothing_is_bought(desk: Desk, stolen_key: str) -> None:
    made = at_the_site(desk, stolen_key)
    assert found(made) == ("not_genuine", "not_logged")
    assert made.genuine is None


def test_institution_key_off_line_without_the_pack_it_is_never_valid(
    desk: Desk, stolen_key: str, tmp_path: Path
) -> None:
    stranger = verifier(desk, tmp_path)
    shutil.rmtree(stranger.folder / LOG_FOLDER)
    for lapse in (timedelta(0), DAY, 2 * DAY):
        assert found(stranger.ask(stolen_key, desk.now + lapse)) == ("undetermined", "log_unavailable")


def test_institution_key_off_line_with_the_pack_of_a_day_later_it_is_found_out(
    desk: Desk, stolen_key: str, tmp_path: Path
) -> None:
    assert found(verifier(desk, tmp_path).ask(stolen_key, desk.now)) == ("undetermined", "log_unavailable")
    desk.now += DAY
    assert found(verifier(desk, tmp_path).ask(stolen_key, desk.now)) == ("not_genuine", "not_logged")


def test_institution_key_a_wrong_index_helps_nobody(desk: Desk, stolen_key: str, tmp_path: Path) -> None:
    """Hints to places that do not hold the certificate, and none to those that do."""
    desk.now += DAY
    [genuine] = desk.certify(people(2), ASSESSOR)
    stranger = verifier(desk, tmp_path)
    digest = hashlib.sha256(envelope_of(genuine)).digest()
    index = stranger.folder / LOG_FOLDER / "index"
    index.mkdir(exist_ok=True)
    for prefix in (digest[:8], bytes(8)):
        (index / "0").write_bytes(b"".join(prefix + place.to_bytes(8, "big") for place in range(9)))
        assert found(stranger.ask(stolen_key, desk.now)) == ("not_genuine", "not_logged")
        assert found(stranger.ask(text_of(desk, genuine.number), desk.now)) == ("valid", "in_force")


def test_institution_key_once_declared_stolen_its_later_signatures_are_worth_nothing(
    desk: Desk, stolen_key: str
) -> None:
    """Back-dated as they may be: what counts is that the register did not take them in before."""
    genuine = desk.certificates(desk.value("SELECT id FROM batch"))[0]
    assert genuine.kid is not None
    declare(desk.home, Compromise(genuine.kid, desk.now, "机构甲", "登记官乙"), desk.now)
    assert found(at_the_site(desk, stolen_key)) == ("not_genuine", "key_compromised_before")
    assert desk.verdict(genuine.number) == "valid"


# --- one account: a draft roster


def test_one_account_buys_a_draft_and_nothing_signed(desk: Desk) -> None:
    before = desk.row_counts()
    draft = desk.bring(people(1, 2), ASSESSOR, operator="李明")
    for spelling in ("李明", "李明 ", "李\u200b明"):
        with pytest.raises(KezhengError, match="approver_is_operator"):
            desk.approve(draft, approver=spelling)
    with pytest.raises(KezhengError, match="batch_state"):
        desk.finish(draft)
    after = desk.row_counts()
    for table in ("certificate", "log_entry"):
        assert after[table] == before[table]


def test_one_account_rows_changed_after_the_approval_are_not_signed(desk: Desk) -> None:
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    one_row = "UPDATE roster_row SET name = :name WHERE id = (SELECT max(id) FROM roster_row)"
    assert desk.tamper(one_row, name=FALSE_NAME) == 1
    with pytest.raises(KezhengError, match="approval_stale"):
        desk.finish(batch)
    assert desk.row_counts()["certificate"] == 0


# --- two accounts of one institution: registered certificates inside its scope


@pytest.fixture
def two_accounts(desk: Desk) -> BatchRecord:
    """A batch of two people who were never assessed, made and approved by thieves."""
    desk.now += MINUTE
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR, operator="贼甲"), approver="贼乙")
    desk.finish(batch)
    return batch


def test_two_accounts_buy_no_more_than_the_scope(desk: Desk) -> None:
    abroad = catalogue().find(ABROAD)
    assert abroad is not None
    with pytest.raises(RosterRefused) as refusal:
        desk.bring([person(1, 职业=ABROAD, 职业方向=abroad.directions[0].name_zh)], OTHER)
    assert [fault.code for fault in refusal.value.checked.faults] == ["occupation_out_of_scope"]


def test_two_accounts_every_certificate_of_theirs_is_seen_by_a_monitor(
    desk: Desk, two_accounts: BatchRecord, tmp_path: Path
) -> None:
    made = desk.certificates(two_accounts.id)
    assert [desk.verdict(each.number) for each in made] == ["valid", "valid"]
    with open_log_source(str(publish(desk, tmp_path / "seen"))) as source:
        looked = look(source, Question(pinned_root(desk), [ASSESSOR]), None, desk.now)
    seen = look_document(looked, "home", [ASSESSOR])
    digests = {hashlib.sha256(envelope_of(each)).hexdigest() for each in made}
    assert {leaf["envelope_digest"] for leaf in seen["leaves"]} == digests
    assert [key["certificates"] for key in seen["keys"] if key["institution"] == ASSESSOR] == [2]


def test_two_accounts_their_approval_stands_in_the_register(desk: Desk, two_accounts: BatchRecord) -> None:
    """Whoever changes afterwards who approved what has another digest than the register."""
    rows = two_accounts.rows_digest.hex()
    approved = {"batch": two_accounts.id, "rows": rows, "operator": "贼甲", "approver": "贼乙"}
    with desk.home.store.reading() as tx:
        assert approval_is_logged(tx, two_accounts.id, approved)
        for changed in ({"operator": "良民"}, {"approver": "良民"}, {"rows": bytes(32).hex()}):
            assert not approval_is_logged(tx, two_accounts.id, approved | changed)


def test_two_accounts_what_they_made_is_revoked(desk: Desk, two_accounts: BatchRecord) -> None:
    [first, second] = desk.certificates(two_accounts.id)
    desk.now += MINUTE
    desk.change(first.number, State.REVOKED, "false_documents")
    assert [desk.verdict(each.number) for each in (first, second)] == ["not_in_force", "valid"]
