"""Certificates by number, by person, by batch. How they change state is in ``certificate_states``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from registry.store.certificate_tables import CERTIFICATE, CERTIFICATE_PREPARED, CERTIFICATE_SEALED, IS_LIVE
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.rows import insert_records, records, select_among, select_record
from registry.store.states import CertificateState


class NewCertificate(NamedTuple):
    """A certificate whose number was just taken.

    ``id`` from ``take_ids(tx, "certificate", n)``; ``direction_key`` is '' where there is no direction;
    ``supersedes`` is the number of the certificate it replaces, ``first_issued_on`` the day of the first of
    such a chain. A replacement is inserted with ``live``
    False, for its predecessor still holds the person's place; ``hand_over_place`` moves it.
    """

    id: int
    number: str
    batch_id: str
    roster_row_id: int
    institution_code: str
    person_id: int
    occupation_id: str
    direction_key: str
    grade: Grade
    kind: CertificateKind
    prefix: str
    serial: int
    status_index: int
    assessed_on: date
    first_issued_on: date | None = None
    supersedes: str | None = None
    official_number: str | None = None
    live: bool = True
    state: CertificateState = CertificateState.RESERVED
    prints: int = 0
    is_void: bool = False


class CertificateRecord(NamedTuple):
    """A certificate as stored. What it says is in ``envelope``; the other fields find it.

    From ``kid`` to ``issued_at`` None until prepared, the envelope and its SHA-256 None until signed.
    """

    id: int
    number: str
    batch_id: str
    roster_row_id: int
    institution_code: str
    person_id: int
    occupation_id: str
    direction_key: str
    grade: Grade
    kind: CertificateKind
    serial: int
    status_index: int
    state: CertificateState
    assessed_on: date
    first_issued_on: date | None
    supersedes: str | None
    official_number: str | None
    live: bool
    prints: int
    kid: bytes | None
    to_be_signed: bytes | None
    issued_at: datetime | None
    envelope: bytes | None
    envelope_digest: bytes | None


class LiveCertificate(NamedTuple):
    """The place that a person holds: what the check for duplicates needs and no more."""

    person_id: int
    occupation_id: str
    direction_key: str
    grade: Grade
    kind: CertificateKind
    number: str
    institution_code: str
    batch_id: str
    state: CertificateState


_ALL_COLUMNS = {
    column.name: column
    for table in (CERTIFICATE_SEALED, CERTIFICATE_PREPARED, CERTIFICATE)
    for column in table.columns
}
_JOINED = CERTIFICATE.outerjoin(
    CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id
).outerjoin(CERTIFICATE_SEALED, CERTIFICATE_SEALED.c.certificate_id == CERTIFICATE.c.id)
_SELECT = select(*(_ALL_COLUMNS[field] for field in CertificateRecord._fields)).select_from(_JOINED)


def reserve_certificates(tx: WriteTransaction, certificates: Sequence[NewCertificate]) -> None:
    """Insert certificates whose serials were taken in this same transaction.

    The transaction fails with ``already_certified`` when one of the people holds the place already (two
    institutions at the same moment), ``row_already_has_certificate`` when a roster row was reserved before,
    ``successor_exists`` when another certificate replaces the same one.
    """
    insert_records(tx.connection, CERTIFICATE, certificates)


def certificate_by_number(tx: ReadTransaction, number: str) -> CertificateRecord | None:
    """A certificate in any state, or None."""
    query = _SELECT.where(CERTIFICATE.c.number == number)
    row = tx.connection.execute(query).first()
    return None if row is None else CertificateRecord._make(row)


def certificates_by_number(tx: ReadTransaction, numbers: Sequence[str]) -> dict[str, CertificateRecord]:
    """Certificates by number, for any number of numbers; unknown ones are left out."""
    found = select_among(tx.connection, _SELECT, CERTIFICATE.c.number, numbers)
    return {row.number: row for row in records(found, CertificateRecord)}


def certificates_of_batch(
    tx: ReadTransaction, batch_id: str, states: Collection[CertificateState] | None = None
) -> list[CertificateRecord]:
    """The certificates of a batch in order of id, all or those in some states."""
    query = _SELECT.where(CERTIFICATE.c.batch_id == batch_id)
    if states is not None:
        query = query.where(CERTIFICATE.c.state.in_(states))
    return records(tx.connection.execute(query.order_by(CERTIFICATE.c.id)), CertificateRecord)


def count_by_state(tx: ReadTransaction, batch_id: str) -> dict[CertificateState, int]:
    """How many certificates of a batch are in each state; states without any are left out."""
    state = CERTIFICATE.c.state
    query = select(state, func.count()).where(CERTIFICATE.c.batch_id == batch_id).group_by(state)
    return {row[0]: row[1] for row in tx.connection.execute(query)}


def certificates_of_person(tx: ReadTransaction, person_id: int) -> list[CertificateRecord]:
    """Every certificate of a person whatever its state, in order of id."""
    query = _SELECT.where(CERTIFICATE.c.person_id == person_id)
    return records(tx.connection.execute(query.order_by(CERTIFICATE.c.id)), CertificateRecord)


def live_certificates(tx: ReadTransaction, person_ids: Collection[int]) -> list[LiveCertificate]:
    """The places that people hold, for any number of people, in no order."""
    query = select_record(CERTIFICATE, LiveCertificate).where(IS_LIVE)
    found = select_among(tx.connection, query, CERTIFICATE.c.person_id, sorted(person_ids))
    return records(found, LiveCertificate)


def successor_of(tx: ReadTransaction, number: str) -> str | None:
    """The number of the certificate that replaces this one, or None."""
    found: str | None = tx.connection.scalar(
        select(CERTIFICATE.c.number).where(CERTIFICATE.c.supersedes == number)
    )
    return found


def released_certificates(tx: ReadTransaction, after_id: int, limit: int) -> list[CertificateRecord]:
    """Released certificates with a higher id than ``after_id``, at most ``limit``, in order of id."""
    query = _SELECT.where(CERTIFICATE.c.state == CertificateState.RELEASED, CERTIFICATE.c.id > after_id)
    return records(tx.connection.execute(query.order_by(CERTIFICATE.c.id).limit(limit)), CertificateRecord)


def serials_in_use(tx: ReadTransaction, prefix: str) -> list[tuple[int, CertificateState]]:
    """Every serial of a prefix with its state: together with the counter, the proof that none is missing."""
    query = select(CERTIFICATE.c.serial, CERTIFICATE.c.state).where(CERTIFICATE.c.prefix == prefix)
    return [(row[0], row[1]) for row in tx.connection.execute(query.order_by(CERTIFICATE.c.serial))]


def count_print(tx: WriteTransaction, number: str) -> int:
    """Count a print of a released certificate; the new count. Raises ``certificate_state_changed``."""
    released = (CERTIFICATE.c.number == number) & (CERTIFICATE.c.state == CertificateState.RELEASED)
    update = CERTIFICATE.update().where(released).values(prints=CERTIFICATE.c.prints + 1)
    count: int | None = tx.connection.scalar(update.returning(CERTIFICATE.c.prints))
    if count is None:
        raise KezhengError("certificate_state_changed", expected=1, changed=0)
    return count
