"""The signer of certificates: it takes ids, reads the register itself, and signs only what two people approved."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from recording_signer import Signed, record_signatures
from register_desk import ASSESSED, Desk, id_number, name_of, people, person
from stopped_process import Stopped, stop

import registry
from certs.candidate import rows_digest
from certs.certificate import CertificateClaims, decode_claims
from certs.certificate_number import format_number
from certs.cose import read_to_be_signed, take_apart
from certs.envelope import prepare
from certs.errors import KezhengError
from certs.grades import Grade
from registry.issuing import release_chunks
from registry.issuing.approved_rows import read_approved_rows
from registry.issuing.certificate_signer import CertificateSigner
from registry.issuing.give_up import give_up_batch
from registry.issuing.reserve import approved_rows
from registry.issuing.stored_rows import candidates_of
from registry.key_changes import retire_key
from registry.store.batch_store import BatchRecord
from registry.store.roster_store import roster_rows
from registry.store.states import CertificateState

ASSESSOR, OTHER = "P000115000001", "P000215000002"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def prepare_batch(desk: Desk, rows: Sequence[Any], code: str = ASSESSOR) -> BatchRecord:
    """An approved batch whose certificates are all recorded and not yet signed."""
    batch = desk.approve(desk.bring(rows, code))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(release_chunks, "_sign", stop)
        desk.finish(batch)
    return desk.batch(batch.id)


def signer_of(desk: Desk, batch: BatchRecord) -> CertificateSigner:
    with desk.home.store.reading() as tx:
        return CertificateSigner(desk.home, batch, read_approved_rows(desk.home, tx, batch))


def ids_of(desk: Desk, batch: BatchRecord) -> list[int]:
    return [certificate.id for certificate in desk.certificates(batch.id)]


def recorded(desk: Desk, certificate_id: int) -> tuple[bytes, CertificateClaims]:
    """The kid and the claims of the recorded bytes."""
    query = "SELECT to_be_signed FROM certificate_prepared WHERE certificate_id = :id"
    kid, payload = read_to_be_signed(desk.value(query, id=certificate_id))
    return kid, decode_claims(payload)


def put_bytes(desk: Desk, certificate_id: int, content: bytes) -> None:
    """Record other bytes behind the program's back."""
    statement = "UPDATE certificate_prepared SET to_be_signed = :content WHERE certificate_id = :id"
    assert desk.tamper(statement, content=content, id=certificate_id) == 1


def alter(desk: Desk, certificate_id: int, **changes: Any) -> None:
    """Record claims that are well formed and say something else."""
    kid, claims = recorded(desk, certificate_id)
    put_bytes(desk, certificate_id, prepare(claims._replace(**changes), kid).to_be_signed)


def refused(signer: CertificateSigner, ids: Sequence[int], desk: Desk, signed: Signed) -> str:
    """The number that a refusal names; nothing was signed, of the other certificates of the request neither."""
    with pytest.raises(KezhengError) as refusal:
        signer.seal(ids, desk.now)
    assert refusal.value.code == "signing_refused"
    assert signed.certificates() == []
    return str(refusal.value.params["number"])


@pytest.fixture
def signed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Signed:
    return record_signatures(desk.home, monkeypatch)


@pytest.fixture
def batch(desk: Desk, signed: Signed) -> BatchRecord:
    """Three certificates to be signed; what was signed on the way there does not count."""
    prepared = prepare_batch(desk, people(1, 2, 3))
    assert signed.certificates() == []
    return prepared


def test_what_was_approved_is_signed_as_recorded(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    ids = ids_of(desk, batch)
    sealed = signer_of(desk, batch).seal(ids, desk.now)
    assert [made.id for made in sealed] == ids
    assert [take_apart(made.envelope).to_be_signed for made in sealed] == signed.certificates()
    assert len(set(signed.certificates())) == 3


def test_in_the_order_asked(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    ids = ids_of(desk, batch)[::-1]
    assert [made.id for made in signer_of(desk, batch).seal(ids, desk.now)] == ids
    assert len(signed.certificates()) == 3


CHANGES: dict[str, list[Any]] = {
    "number": ["KZ"],
    "issued_at": [-SECOND, SECOND],
    "expires_at": [timedelta(days=3650)],
    "name": [name_of(77), name_of(3)],
    "id_tail": [id_number(77)[-4:]],
    "occupation_code": ["2-02-10-09"],
    "direction": [None, 1, 3, "智能运维"],
    "grade": [Grade.SENIOR, Grade.JUNIOR],
    "assessed_on": [ASSESSED - timedelta(days=1), date(2026, 11, 20)],
    "status_index": [0, 1, -1],
}


def changed(claims: CertificateClaims, name: str, change: Any) -> Any:
    if isinstance(change, timedelta):
        return claims.issued_at + change
    return claims.status_index + 1 if (name, change) == ("status_index", -1) else change


@pytest.mark.parametrize(("name", "change"), [(name, change) for name, all_ in CHANGES.items() for change in all_])
def test_every_claim_is_the_one_approved(
    desk: Desk, batch: BatchRecord, signed: Signed, name: str, change: Any
) -> None:
    altered = desk.certificates(batch.id)[1]
    _, claims = recorded(desk, altered.id)
    value = changed(claims, name, change)
    assert value != getattr(claims, name)
    alter(desk, altered.id, **{name: value})
    assert refused(signer_of(desk, batch), ids_of(desk, batch), desk, signed) == altered.number


def test_no_claim_is_left_out() -> None:
    assert CHANGES.keys() == set(CertificateClaims._fields)


def test_bytes_of_another_certificate_of_the_batch(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    first, second, _ = ids_of(desk, batch)
    kid, claims = recorded(desk, second)
    put_bytes(desk, first, prepare(claims, kid).to_be_signed)
    refused(signer_of(desk, batch), [first], desk, signed)


def test_the_row_of_somebody_else(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    """The bytes and the record both say so; the approved row does not."""
    first, second, third = desk.certificates(batch.id)
    desk.tamper("UPDATE certificate SET state = 'void', is_void = 1, live = 0 WHERE id = :id", id=third.id)
    desk.tamper("UPDATE certificate SET roster_row_id = :row WHERE id = :id", row=third.roster_row_id, id=second.id)
    assert refused(signer_of(desk, batch), [first.id, second.id], desk, signed) == second.number


@pytest.mark.parametrize(("code", "grade"), [(OTHER, Grade.INTERMEDIATE), (ASSESSOR, Grade.SENIOR)])
def test_a_number_of_another_institution_or_grade(
    desk: Desk, batch: BatchRecord, signed: Signed, code: str, grade: Grade
) -> None:
    """Record and bytes agree; the number is not one that this institution could give for what was assessed."""
    first = ids_of(desk, batch)[0]
    other = format_number(desk.home.layout, institution_code=code, issued_year=2026, grade=grade, serial=77)
    alter(desk, first, number=other)
    desk.tamper("UPDATE certificate SET number = :number WHERE id = :id", number=other, id=first)
    assert refused(signer_of(desk, batch), [first], desk, signed) == other


@pytest.mark.parametrize("column", ["number", "status_index", "issued_at"])
def test_the_record_changed_and_not_the_bytes(
    desk: Desk, batch: BatchRecord, signed: Signed, column: str
) -> None:
    first = desk.certificates(batch.id)[0]
    assert first.issued_at is not None
    later = (first.issued_at + SECOND).strftime("%Y-%m-%d %H:%M:%S.%f")
    statements = {
        "number": "UPDATE certificate SET number = number || '0' WHERE id = :id",
        "status_index": "UPDATE certificate SET status_index = status_index + 1 WHERE id = :id",
        "issued_at": f"UPDATE certificate_prepared SET issued_at = '{later}' WHERE certificate_id = :id",
    }
    assert desk.tamper(statements[column], id=first.id) == 1
    refused(signer_of(desk, batch), [first.id], desk, signed)


@pytest.mark.parametrize(("ahead", "is_signed"), [(4, True), (5, True), (6, False), (86_400, False)])
def test_no_time_that_is_to_come(
    desk: Desk, batch: BatchRecord, signed: Signed, ahead: int, is_signed: bool
) -> None:
    """Record and bytes both state a later time. Clocks of two machines differ by no more than five seconds."""
    first = desk.certificates(batch.id)[0]
    assert first.issued_at is not None
    later = first.issued_at + timedelta(seconds=ahead)
    alter(desk, first.id, issued_at=later)
    statement = "UPDATE certificate_prepared SET issued_at = :at WHERE certificate_id = :id"
    desk.tamper(statement, at=later.strftime("%Y-%m-%d %H:%M:%S.%f"), id=first.id)
    if is_signed:
        assert [made.issued_at for made in signer_of(desk, batch).seal([first.id], desk.now)] == [later]
    else:
        refused(signer_of(desk, batch), [first.id], desk, signed)


def test_another_institutions_key(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    other = prepare_batch(desk, people(5), OTHER)
    kid, _ = recorded(desk, ids_of(desk, other)[0])
    first = ids_of(desk, batch)[0]
    own, claims = recorded(desk, first)
    assert kid != own
    put_bytes(desk, first, prepare(claims, kid).to_be_signed)
    refused(signer_of(desk, batch), [first], desk, signed)


def test_a_key_of_the_register_itself_and_one_that_is_nobodys(
    desk: Desk, batch: BatchRecord, signed: Signed
) -> None:
    first = ids_of(desk, batch)[0]
    _, claims = recorded(desk, first)
    kids = [record.kid for record in desk.home.keystore.records() if record.owner is None]
    for kid in (*kids, b"nobodys!"):
        put_bytes(desk, first, prepare(claims, kid).to_be_signed)
        refused(signer_of(desk, batch), [first], desk, signed)


@pytest.mark.parametrize("content", [b"", b"\x84", b"eyJhbGciOiJFZERTQSJ9.e30", b"register.example\n1\nAAAA\n"])
def test_what_is_no_certificate(desk: Desk, batch: BatchRecord, signed: Signed, content: bytes) -> None:
    first = desk.certificates(batch.id)[0]
    put_bytes(desk, first.id, content)
    assert refused(signer_of(desk, batch), [first.id], desk, signed) == first.number


def test_one_byte_more_or_less_or_other_claims(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    first = ids_of(desk, batch)[0]
    kid, claims = recorded(desk, first)
    own = prepare(claims, kid).to_be_signed
    flipped, other = own[:-1] + bytes((own[-1] ^ 1,)), own.replace(b"Signature1", b"Signature2")
    for content in (own + b"\x00", own[:-1], flipped, other):
        assert content != own
        put_bytes(desk, first, content)
        refused(signer_of(desk, batch), [first], desk, signed)


# --- what nobody approved


def forge_into(desk: Desk, certificate_id: int, batch: BatchRecord) -> None:
    """Make the record of a certificate, and its bytes, one of the only row of another batch."""
    with desk.home.store.reading() as tx:
        row, candidate = approved_rows(desk.home, tx, batch)[-1]
    desk.tamper(
        "UPDATE certificate SET batch_id = :batch, roster_row_id = :row WHERE id = :id",
        batch=batch.id,
        row=row.id,
        id=certificate_id,
    )
    alter(
        desk,
        certificate_id,
        name=candidate.name,
        id_tail=candidate.id_document.tail,
        occupation_code=candidate.occupation_code,
        direction=candidate.direction,
        grade=candidate.grade,
        assessed_on=candidate.assessed_on,
    )


def test_a_batch_that_nobody_approved(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    first = ids_of(desk, batch)[0]
    imported = desk.bring(people(9), ASSESSOR)
    forge_into(desk, first, imported)
    assert refused(signer_of(desk, imported), [first], desk, signed) == imported.id


def test_a_batch_approved_by_hand_in_the_database(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    """No entry of the public register bears the approval out, nor does that of another batch."""
    first = ids_of(desk, batch)[0]
    imported = desk.bring(people(9), ASSESSOR)
    forge_into(desk, first, imported)
    columns = "state, approver, approver_declared, approved_at"
    known, forged = {"known": batch.id}, {"id": imported.id}
    desk.tamper(f"UPDATE batch SET ({columns}) = (SELECT {columns} FROM batch WHERE id = :known) WHERE id = :id",
                **known, **forged)
    assert refused(signer_of(desk, desk.batch(imported.id)), [first], desk, signed) == imported.id
    copied = "INSERT INTO audit_event SELECT id + 1000, at, actor, action, :id, details FROM audit_event"
    assert desk.tamper(f"{copied} WHERE subject = :known AND action = 'batch_approved'", **known, **forged) == 1
    assert refused(signer_of(desk, desk.batch(imported.id)), [first], desk, signed) == imported.id


def test_the_same_forgery_in_an_approved_batch_is_signed(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    """What the refusals above have in common is the approval that is missing, and nothing else."""
    first = ids_of(desk, batch)[0]
    approved = desk.approve(desk.bring(people(9), ASSESSOR))
    forge_into(desk, first, approved)
    assert [made.id for made in signer_of(desk, approved).seal([first], desk.now)] == [first]
    assert len(signed.certificates()) == 1


def test_a_row_changed_after_the_approval_with_its_digest(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    """Who changes row and digest alike has an approval that the register does not hold."""
    first = desk.certificates(batch.id)[0]
    desk.tamper("UPDATE roster_row SET name = :name WHERE id = :id", name=name_of(77), id=first.roster_row_id)
    alter(desk, first.id, name=name_of(77))
    with pytest.raises(KezhengError, match=r"^approval_stale"):
        signer_of(desk, batch)
    with desk.home.store.reading() as tx:
        changed_rows = candidates_of(roster_rows(tx, batch.id), desk.home.keyring.cipher, desk.home.catalogue)
    digest = rows_digest(changed_rows)
    desk.tamper("UPDATE batch SET rows_digest = :digest WHERE id = :id", digest=digest, id=batch.id)
    assert refused(signer_of(desk, desk.batch(batch.id)), [first.id], desk, signed) == batch.id


@pytest.mark.parametrize("field", ["operator", "approver"])
def test_another_person_than_the_one_who_approved(
    desk: Desk, batch: BatchRecord, signed: Signed, field: str
) -> None:
    desk.tamper(f"UPDATE batch SET {field} = '测试某人' WHERE id = :id", id=batch.id)
    assert refused(signer_of(desk, desk.batch(batch.id)), ids_of(desk, batch), desk, signed) == batch.id


def test_an_approval_whose_entry_is_gone(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    assert desk.tamper("DELETE FROM log_entry WHERE kind = 7") == 1
    assert refused(signer_of(desk, batch), ids_of(desk, batch), desk, signed) == batch.id


def test_a_row_that_did_not_pass(desk: Desk, signed: Signed) -> None:
    """The bytes say exactly what its row says, of a person who was examined and failed."""
    batch = prepare_batch(desk, [person(1, 考核结果="合格"), person(2, 考核结果="不合格", 理论成绩="40")])
    [passed] = ids_of(desk, batch)
    forge_into(desk, passed, batch)
    assert recorded(desk, passed)[1].name == name_of(2)
    assert refused(signer_of(desk, batch), [passed], desk, signed) == desk.certificates(batch.id)[0].number


def test_a_certificate_of_another_batch(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    other = prepare_batch(desk, people(5, 6))
    assert refused(signer_of(desk, batch), [*ids_of(desk, batch), ids_of(desk, other)[0]], desk, signed) == "–"


@pytest.mark.parametrize("state", [state for state in CertificateState if state is not CertificateState.PREPARED])
def test_a_certificate_in_another_state(
    desk: Desk, batch: BatchRecord, signed: Signed, state: CertificateState
) -> None:
    first = ids_of(desk, batch)[0]
    desk.tamper("UPDATE certificate SET state = :state WHERE id = :id", state=state.value, id=first)
    assert refused(signer_of(desk, batch), [first], desk, signed) == "–"


def test_what_was_signed_is_not_signed_again(desk: Desk, signed: Signed) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    assert len(signed.certificates()) == 1
    with pytest.raises(KezhengError, match=r"^signing_refused"):
        signer_of(desk, desk.batch(certificate.batch_id)).seal([certificate.id], desk.now)
    assert len(signed.certificates()) == 1


def test_a_batch_that_was_given_up_meanwhile(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    """Another process gives it up; even a certificate that is put back behind the program's back is not signed."""
    signer = signer_of(desk, batch)
    give_up_batch(desk.home, batch.id, "登记丙", desk.now)
    desk.tamper("UPDATE certificate SET state = 'prepared' WHERE batch_id = :id", id=batch.id)
    assert refused(signer, ids_of(desk, batch), desk, signed) == batch.id


# --- keys


@pytest.mark.parametrize(("late", "is_signed"), [(-SECOND, True), (0 * SECOND, True), (SECOND, False)])
def test_a_retired_key(
    desk: Desk, batch: BatchRecord, signed: Signed, late: timedelta, is_signed: bool
) -> None:
    [first, *_] = ids_of(desk, batch)
    end = desk.now + timedelta(hours=1)
    retire_key(desk.home, recorded(desk, first)[0], end, "登记丙", desk.now)
    desk.now = end + late
    if is_signed:
        assert len(signer_of(desk, batch).seal([first], desk.now)) == 1
    else:
        refused(signer_of(desk, batch), [first], desk, signed)


def test_a_stolen_key_signs_nothing_whenever_it_was_stolen(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    first = ids_of(desk, batch)[0]
    kid, signer = recorded(desk, first)[0], signer_of(desk, batch)
    stolen = "UPDATE signing_key SET compromised_at = :at, compromised_log_index = 1 WHERE kid = :kid"
    for at in ("2026-11-19 00:00:00.000000", "2030-01-01 00:00:00.000000"):
        assert desk.tamper(stolen, at=at, kid=kid) == 1
        refused(signer, [first], desk, signed)


# --- rate


def limited(desk: Desk, limit: int) -> None:
    """The same home with another rate; its keys stay opened and watched."""
    object.__setattr__(desk.home, "settings", replace(desk.home.settings, signatures_per_minute=limit))


def over_rate(signer: CertificateSigner, ids: Sequence[int], at: datetime) -> None:
    with pytest.raises(KezhengError) as refusal:
        signer.seal(ids, at)
    assert (refusal.value.code, refusal.value.params) == ("signing_rate_exceeded", {"limit": 3})


def test_so_many_in_a_minute_and_not_one_more(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    limited(desk, 3)
    signer, ids = signer_of(desk, batch), ids_of(desk, batch)
    over_rate(signer, [*ids, ids[0]], desk.now)
    assert signed.certificates() == []
    assert len(signer.seal(ids, desk.now)) == 3
    for later in (0 * SECOND, MINUTE - timedelta(microseconds=1)):
        over_rate(signer, ids[:1], desk.now + later)
    assert len(signed.certificates()) == 3
    assert len(signer.seal(ids, desk.now + MINUTE)) == 3


def test_the_minute_moves_with_the_signatures(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    limited(desk, 3)
    signer, ids = signer_of(desk, batch), ids_of(desk, batch)
    signer.seal(ids[:2], desk.now)
    signer.seal(ids[2:], desk.now + 30 * SECOND)
    over_rate(signer, ids[:1], desk.now + 59 * SECOND)
    signer.seal(ids[:2], desk.now + 60 * SECOND)
    over_rate(signer, ids[:1], desk.now + 89 * SECOND)
    signer.seal(ids[:1], desk.now + 90 * SECOND)
    assert len(signed.certificates()) == 6


def test_a_batch_larger_than_the_rate_goes_on_after_a_minute(desk: Desk, signed: Signed) -> None:
    limited(desk, 3)
    batch = desk.approve(desk.bring(people(1, 2, 3, 4, 5), ASSESSOR))
    with pytest.raises(KezhengError, match=r"^signing_rate_exceeded"):
        desk.finish(batch)
    assert len(signed.certificates()) == 3
    desk.now += MINUTE
    certificates = desk.finish(batch)
    assert {desk.verdict(certificate.number) for certificate in certificates} == {"valid"}
    assert (len(certificates), len(signed.certificates())) == (5, 5)


# --- bytes


def test_it_cannot_be_handed_bytes(desk: Desk, batch: BatchRecord, signed: Signed) -> None:
    kid, claims = recorded(desk, ids_of(desk, batch)[0])
    content: Any = prepare(claims._replace(name=name_of(77)), kid).to_be_signed
    refused(signer_of(desk, batch), [content], desk, signed)
    refused(signer_of(desk, batch), list(content), desk, signed)
    public = [name for name, _ in inspect.getmembers(CertificateSigner, inspect.isfunction) if not name.startswith("_")]
    assert public == ["seal"]
    assert list(inspect.signature(CertificateSigner.seal).parameters) == ["self", "certificate_ids", "now"]


def test_nothing_else_that_issues_has_anything_signed() -> None:
    """Of all that works on certificates only the signer calls a key."""
    folder = Path(registry.__file__).parent / "issuing"
    calling = [path.name for path in sorted(folder.glob("*.py")) if "sign" in _called(path)]
    assert calling == ["certificate_signer.py"]


def _called(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
