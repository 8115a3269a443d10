"""Approvals in the public register: a digest that names nobody, and gives away every later change of what it covers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from log_files import published_entries
from register_desk import APPROVER, NOW, OPERATOR, Desk, id_number, name_of, people

from certs.candidate import rows_digest
from certs.log_entry import EntryKind
from registry.issuing import approve
from registry.issuing.approval_entry import SALT_LENGTH, approval_digest, approval_is_logged
from registry.issuing.approve import is_approved_in_register
from registry.issuing.stored_rows import candidates_of, replacement_of
from registry.store.batch_store import BatchRecord
from registry.store.roster_store import roster_rows

ASSESSOR = "P000115000001"
COVERED = ("batch", "rows", "operator", "approver")


def record_of(desk: Desk, subject: str) -> dict[str, Any]:
    """What the audit record of an approval holds."""
    query = "SELECT details FROM audit_event WHERE subject = :subject AND details LIKE '%salt%'"
    found: dict[str, Any] = orjson.loads(desk.value(query, subject=subject))
    return found


def approvals(desk: Desk) -> list[bytes]:
    """The approvals that a stranger finds in the published register."""
    entries = published_entries(desk.home.settings.log_folder)
    return [entry.body for entry in entries if entry.kind == EntryKind.APPROVAL]


def digest_of(record: dict[str, Any], **changes: str) -> bytes:
    """The entry as an auditor computes it with other tools from the record and the rows."""
    content = {name: record[name] for name in COVERED} | changes
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(bytes.fromhex(record["salt"]) + text.encode("utf-8")).digest()


def rows_now(desk: Desk, batch_id: str) -> str:
    """The digest of the rows as they are stored now."""
    with desk.home.store.reading() as tx:
        candidates = candidates_of(roster_rows(tx, batch_id), desk.home.keyring.cipher, desk.home.catalogue)
    return rows_digest(candidates).hex()


def is_on_record(desk: Desk, batch: BatchRecord) -> bool:
    with desk.home.store.reading() as tx:
        replaced = {found.number for row in roster_rows(tx, batch.id) if (found := replacement_of(row)) is not None}
        return is_approved_in_register(tx, batch, replaced)


@pytest.fixture
def batch(desk: Desk) -> BatchRecord:
    return desk.approve(desk.bring(people(1, 2), ASSESSOR))


def test_the_entry_is_the_digest_of_what_the_record_holds(desk: Desk, batch: BatchRecord) -> None:
    record = record_of(desk, batch.id)
    assert {name: record[name] for name in COVERED} == {
        "batch": batch.id,
        "rows": rows_now(desk, batch.id),
        "operator": OPERATOR,
        "approver": APPROVER,
    }
    entry = published_entries(desk.home.settings.log_folder)[record["log_index"]]
    assert (entry.kind, entry.logged_at) == (EntryKind.APPROVAL, NOW)
    assert entry.body == digest_of(record)
    assert approvals(desk) == [entry.body]
    assert is_on_record(desk, batch)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE roster_row SET theory = theory + 1 WHERE id = :id",
        "UPDATE roster_row SET ability = ability - 1 WHERE id = :id",
        "UPDATE roster_row SET assessed_on = '2026-11-03' WHERE id = :id",
        "UPDATE roster_row SET name = '测试改名' WHERE id = :id",
        "UPDATE roster_row SET result = 'failed' WHERE id = :id",
        "DELETE FROM roster_row WHERE id = :id",
    ],
)
def test_what_is_changed_later_does_not_give_the_entry(desk: Desk, batch: BatchRecord, change: str) -> None:
    record = record_of(desk, batch.id)
    row = desk.value("SELECT max(id) FROM roster_row")
    assert digest_of(record, rows=rows_now(desk, batch.id)) in approvals(desk)
    assert desk.tamper(change, id=row) == 1
    assert digest_of(record, rows=rows_now(desk, batch.id)) not in approvals(desk)
    assert not is_on_record(desk, batch._replace(rows_digest=bytes.fromhex(rows_now(desk, batch.id))))


@pytest.mark.parametrize("name", COVERED)
def test_every_part_counts(desk: Desk, batch: BatchRecord, name: str) -> None:
    record = record_of(desk, batch.id)
    own = {covered: record[covered] for covered in COVERED}
    with desk.home.store.reading() as tx:
        assert approval_is_logged(tx, batch.id, own)
        assert not approval_is_logged(tx, batch.id, own | {name: own[name] + "0"})
        assert not approval_is_logged(tx, batch.id, {key: value for key, value in own.items() if key != name})
        assert not approval_is_logged(tx, "another", own)


def test_an_imported_batch_is_not_approved(desk: Desk) -> None:
    imported = desk.bring(people(1), ASSESSOR)
    assert not is_on_record(desk, imported)
    assert approvals(desk) == []
    approved = desk.approve(imported)
    assert is_on_record(desk, approved)
    assert not is_on_record(desk, approved._replace(approved_at=None))
    assert not is_on_record(desk, approved._replace(approver=None))


def test_the_entry_says_nothing_to_who_guesses(desk: Desk, batch: BatchRecord) -> None:
    """The salt is fresh, as long as the digest, and nowhere in public; without it no guess can be tested."""
    other = desk.approve(desk.bring(people(3), ASSESSOR))
    first, second = record_of(desk, batch.id), record_of(desk, other.id)
    salts = {bytes.fromhex(record["salt"]) for record in (first, second)}
    assert [len(salt) for salt in salts] == [SALT_LENGTH, SALT_LENGTH] == [32, 32]
    content = {name: first[name] for name in COVERED}
    assert not {approval_digest(b"", content), approval_digest(bytes(32), content)} & set(approvals(desk))
    assert [len(body) for body in approvals(desk)] == [32, 32]
    assert len(set(approvals(desk))) == 2


def test_nothing_personal_is_in_the_published_register(desk: Desk, batch: BatchRecord) -> None:
    record = record_of(desk, batch.id)
    texts = [OPERATOR, APPROVER, name_of(1), name_of(2), id_number(1), batch.id, batch.label, record["rows"]]
    secrets = [text.encode() for text in texts] + [bytes.fromhex(record["salt"]), bytes.fromhex(record["rows"])]
    files = [path.read_bytes() for path in Path(desk.home.settings.log_folder).rglob("*") if path.is_file()]
    assert digest_of(record) in b"".join(files)
    assert [secret for secret in secrets if any(secret in content for content in files)] == []


def test_a_correction_is_approved_under_the_number_that_it_replaces(desk: Desk) -> None:
    [old] = desk.certify(people(1), ASSESSOR)
    new = desk.correct(old.number, name="测试改正")
    record = record_of(desk, old.number)
    assert (record["batch"], record["reason"]) == (new.batch_id, "correction")
    assert approvals(desk)[-1] == digest_of(record)
    assert is_on_record(desk, desk.batch(new.batch_id))


def test_an_approval_is_entered_once(desk: Desk, batch: BatchRecord) -> None:
    assert desk.approve(batch) == desk.batch(batch.id)
    assert len(approvals(desk)) == 1


def test_no_entry_without_the_approval(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry, the record and the approval are one transaction."""
    imported = desk.bring(people(1), ASSESSOR)
    before = desk.row_counts()

    def stopped(*_: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("registry.issuing.approval_entry.record_act", stopped)
        desk.approve(imported)
    assert (desk.row_counts(), approvals(desk)) == (before, [])
    assert desk.batch(imported.id) == imported
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(approve, "log_approval", stopped)
        desk.approve(imported)
    assert desk.batch(imported.id) == imported
