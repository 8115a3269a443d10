"""What stands behind stretches of the register, as the archive keeps it: certificates, approved rows, acts, changes.

Values come as plain texts, numbers and bytes, the same from every engine; days are ISO 8601.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, func, select, type_coerce, union_all

from registry.store.audit_store import AuditEvent
from registry.store.certificate_tables import CERTIFICATE, CERTIFICATE_LOGGED, CERTIFICATE_SEALED, FORMER_ENVELOPE
from registry.store.engine import ReadTransaction
from registry.store.log_tables import IS_CERTIFICATE, LOG_ENTRY
from registry.store.register_tables import AUDIT_EVENT, PUBLISHED_DOCUMENT
from registry.store.roster_tables import ROSTER_ROW
from registry.store.rows import records, select_among, select_record

ROW_CHUNK = 1_000


class ArchivedCertificate(NamedTuple):
    """A certificate at its place in the register. The rest is in its envelope and in its approved row."""

    leaf_index: int
    number: str
    batch_id: str
    sheet_row: int
    first_issued_on: str | None
    supersedes: str | None
    envelope: bytes


class ArchivedRow(NamedTuple):
    """An approved row as it was stored; its ciphertexts are bound to ``id``."""

    id: int
    sheet_row: int
    name: str
    id_type: str
    number_ciphertext: bytes
    private_ciphertext: bytes | None
    key_id: bytes
    occupation_id: str
    occupation_code: str
    direction_number: int | None
    direction_text: str | None
    grade: str
    theory: int | None
    ability: int | None
    assessed_on: str
    site_code: str | None
    training_certificate_number: str | None
    official_number: str | None
    extra: str | None
    result: str


_AS_TEXT = {"grade": type_coerce, "assessed_on": cast, "extra": cast}


def _row_column(name: str) -> ColumnElement[Any]:
    column = ROSTER_ROW.c[name]
    return _AS_TEXT[name](column, String).label(name) if name in _AS_TEXT else column


_ROW = select(*map(_row_column, ArchivedRow._fields))
_FOUND = (
    CERTIFICATE.c.number,
    CERTIFICATE.c.batch_id,
    ROSTER_ROW.c.sheet_row,
    cast(CERTIFICATE.c.first_issued_on, String),
    CERTIFICATE.c.supersedes,
)
_PRESENT = (
    select(CERTIFICATE_LOGGED.c.leaf_index, *_FOUND, CERTIFICATE_SEALED.c.envelope)
    .join(CERTIFICATE, CERTIFICATE.c.id == CERTIFICATE_LOGGED.c.certificate_id)
    .join(CERTIFICATE_SEALED, CERTIFICATE_SEALED.c.certificate_id == CERTIFICATE.c.id)
    .join(ROSTER_ROW, ROSTER_ROW.c.id == CERTIFICATE.c.roster_row_id)
)
_FORMER = (
    select(FORMER_ENVELOPE.c.leaf_index, *_FOUND, FORMER_ENVELOPE.c.envelope)
    .join(CERTIFICATE, CERTIFICATE.c.id == FORMER_ENVELOPE.c.certificate_id)
    .join(ROSTER_ROW, ROSTER_ROW.c.id == CERTIFICATE.c.roster_row_id)
)
_PLACE = select(LOG_ENTRY.c.leaf_index, LOG_ENTRY.c.subject).where(IS_CERTIFICATE)
_PRESENT_NUMBER = select(CERTIFICATE_LOGGED.c.leaf_index, CERTIFICATE.c.number).join(
    CERTIFICATE, CERTIFICATE.c.id == CERTIFICATE_LOGGED.c.certificate_id
)
_FORMER_NUMBER = select(FORMER_ENVELOPE.c.envelope_digest, CERTIFICATE.c.number).join(
    CERTIFICATE, CERTIFICATE.c.id == FORMER_ENVELOPE.c.certificate_id
)


def certificates_between(tx: ReadTransaction, start: int, stop: int) -> list[ArchivedCertificate]:
    """The certificates that the register took in from one place up to another, also papers of the past, in order."""
    present, former = CERTIFICATE_LOGGED.c.leaf_index, FORMER_ENVELOPE.c.leaf_index
    query = union_all(
        _PRESENT.where(present >= start, present < stop), _FORMER.where(former >= start, former < stop)
    )
    return sorted(map(ArchivedCertificate._make, tx.connection.execute(query).all()))


def rows_of_batch(tx: ReadTransaction, batch_id: str) -> Iterator[list[ArchivedRow]]:
    """The rows of a batch in the order of the sheet, a thousand at a time."""
    after: int | None = None
    query = _ROW.where(ROSTER_ROW.c.batch_id == batch_id).order_by(ROSTER_ROW.c.sheet_row).limit(ROW_CHUNK)
    while found := tx.connection.execute(
        query if after is None else query.where(ROSTER_ROW.c.sheet_row > after)
    ).all():
        yield [ArchivedRow._make(row) for row in found]
        after = found[-1].sheet_row


def acts_between(tx: ReadTransaction, since: datetime, until: datetime) -> list[AuditEvent]:
    """The acts on record from an instant up to another one, both included."""
    at = AUDIT_EVENT.c.at
    query = select_record(AUDIT_EVENT, AuditEvent).where(at >= since, at <= until).order_by(AUDIT_EVENT.c.id)
    return records(tx.connection.execute(query), AuditEvent)


def numbers_of_envelopes(tx: ReadTransaction, digests: Sequence[bytes]) -> dict[bytes, str]:
    """Numbers by the SHA-256 of envelopes in the register, present or former ones; unknown ones are left out."""
    places = {row.leaf_index: row.subject for row in select_among(tx.connection, _PLACE, LOG_ENTRY.c.subject, digests)}
    present = select_among(tx.connection, _PRESENT_NUMBER, CERTIFICATE_LOGGED.c.leaf_index, sorted(places))
    former = select_among(tx.connection, _FORMER_NUMBER, FORMER_ENVELOPE.c.envelope_digest, digests)
    found = {places[row.leaf_index]: row.number for row in present}
    return found | {row.envelope_digest: row.number for row in former}


def recent_versions(tx: ReadTransaction, kind: str, until: datetime, limit: int) -> list[bytes]:
    """The contents of the versions of a file that were issued last up to an instant, newest first."""
    table = PUBLISHED_DOCUMENT
    query = select(table.c.content).where(table.c.kind == kind, table.c.issued_at <= until)
    return list(tx.connection.scalars(query.order_by(table.c.version.desc()).limit(limit)))


def newest_version(tx: ReadTransaction, kind: str) -> int:
    """The highest version of a file; 0 before the first."""
    version = PUBLISHED_DOCUMENT.c.version
    return tx.connection.scalar(select(func.max(version)).where(PUBLISHED_DOCUMENT.c.kind == kind)) or 0
