"""Certificates, their status events and the counters that give out serials and places.

A certificate lies in four tables, because each of its steps then appends a short row instead of rewriting
a long one: what finds it, what was to be signed, what was sealed, and where the register took it in.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, false, text
from sqlmodel import Field

from certs.grades import CertificateKind, Grade
from registry.store.column_types import EnumText, RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel
from registry.store.states import CertificateState

LIVE_INDEX = "uq_certificate_live"
SUCCESSOR_INDEX = "uq_certificate_supersedes"
ROW_INDEX = "uq_certificate_roster_row_id"
_LIVE_COLUMNS = ("person_id", "occupation_id", "direction_key", "grade", "kind")
_REPLACES = text("supersedes IS NOT NULL")
FACT_INDEX = "ix_certificate_fact"
# Word for word as a query has to say it, for SQLite and PostgreSQL to see that the index answers it.
IS_LIVE: Any = text("live")
NOT_VOID: Any = text("NOT is_void")
HAS_FACT = text("supersedes IS NOT NULL OR official_number IS NOT NULL OR first_issued_on IS NOT NULL")


class CertificateRow(TableModel, table=True):
    """One certificate from the moment its number is taken: where it is found and how far it is.

    ``live`` holds the person's place in an occupation, direction, grade and kind: at most one has it. A
    roster row has at most one that is not void: one approval, one certificate, however often it is resumed.

    ``is_void`` says again what ``state`` says. No index has the state in it, which changes four times: then PostgreSQL
    writes a new state beside the old one and leaves every index as it is.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        Index(LIVE_INDEX, *_LIVE_COLUMNS, unique=True, sqlite_where=IS_LIVE, postgresql_where=IS_LIVE),
        Index(ROW_INDEX, "roster_row_id", unique=True, sqlite_where=NOT_VOID, postgresql_where=NOT_VOID),
        Index(SUCCESSOR_INDEX, "supersedes", unique=True, sqlite_where=_REPLACES, postgresql_where=_REPLACES),
        Index(FACT_INDEX, "id", sqlite_where=HAS_FACT, postgresql_where=HAS_FACT),
        {"postgresql_with": {"fillfactor": 50}},
    )
    id: int = Field(primary_key=True, sa_type=RowId)
    number: str = Field(max_length=32, unique=True)
    batch_id: str = Field(max_length=40, foreign_key="batch.id", index=True)
    roster_row_id: int = Field(sa_type=RowId, foreign_key="roster_row.id")
    institution_code: str = Field(max_length=13, foreign_key="institution.code")
    person_id: int = Field(sa_type=RowId, foreign_key="person.id")
    occupation_id: str
    direction_key: str
    grade: Grade = Field(sa_type=EnumText(Grade))
    kind: CertificateKind = Field(sa_type=EnumText(CertificateKind))
    prefix: str = Field(max_length=32)
    serial: int
    status_index: int = Field(sa_type=RowId, unique=True)
    state: CertificateState = Field(sa_type=EnumText(CertificateState))
    assessed_on: date
    first_issued_on: date | None = None
    supersedes: str | None = Field(default=None, max_length=32, foreign_key="certificate.number")
    official_number: str | None = None
    live: bool
    prints: int = 0
    is_void: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class PreparedCertificateRow(TableModel, table=True):
    """The bytes that are going to be signed, on record before they are."""

    __tablename__ = "certificate_prepared"
    certificate_id: int = Field(primary_key=True, sa_type=RowId, foreign_key="certificate.id")
    to_be_signed: bytes = Field(sa_type=LargeBinary)
    kid: bytes = Field(sa_type=LargeBinary(8))
    issued_at: datetime = Field(sa_type=UtcDateTime)


class SealedCertificateRow(TableModel, table=True):
    """The envelope. One row for a certificate, ever: what has a stored signature is not signed again.

    The register finds an envelope by its digest and takes it in once; there is no second index of digests here.
    """

    __tablename__ = "certificate_sealed"
    certificate_id: int = Field(primary_key=True, sa_type=RowId, foreign_key="certificate.id")
    envelope: bytes = Field(sa_type=LargeBinary)
    envelope_digest: bytes = Field(sa_type=LargeBinary(32))


class LoggedCertificateRow(TableModel, table=True):
    """Where and when the register took the envelope in. The entry itself says so; this only leads to it."""

    __tablename__ = "certificate_logged"
    certificate_id: int = Field(primary_key=True, sa_type=RowId, foreign_key="certificate.id")
    leaf_index: int = Field(sa_type=RowId, foreign_key="log_entry.leaf_index", unique=True)
    logged_at: datetime = Field(sa_type=UtcDateTime)


class FormerEnvelopeRow(TableModel, table=True):
    """An envelope in whose place another was issued under a new key; its status index is never used again."""

    __tablename__ = "former_envelope"
    envelope_digest: bytes = Field(primary_key=True, sa_type=LargeBinary(32))
    certificate_id: int = Field(sa_type=RowId, foreign_key="certificate.id", index=True)
    envelope: bytes = Field(sa_type=LargeBinary)
    status_index: int = Field(sa_type=RowId, unique=True)
    leaf_index: int = Field(sa_type=RowId, foreign_key="log_entry.leaf_index", unique=True)
    kid: bytes = Field(sa_type=LargeBinary(8))
    replaced_at: datetime = Field(sa_type=UtcDateTime)


class SerialCounterRow(TableModel, table=True):
    """The next serial of a number prefix; only ever moved by one UPDATE … RETURNING."""

    __tablename__ = "serial_counter"
    prefix: str = Field(primary_key=True, max_length=32)
    next_serial: int


class CounterRow(TableModel, table=True):
    """The next value of a named counter: status places and row ids."""

    __tablename__ = "counter"
    name: str = Field(primary_key=True, max_length=32)
    next_value: int = Field(sa_type=RowId)


class StatusEventRow(TableModel, table=True):
    """One change of a certificate's status: when it takes effect, and when it became known."""

    __tablename__ = "status_event"
    id: int = Field(primary_key=True, sa_type=RowId)
    certificate_number: str = Field(max_length=32, foreign_key="certificate.number", index=True)
    status_index: int = Field(sa_type=RowId)
    state: str = Field(max_length=16)
    effective_from: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason_code: str
    void_from_start: bool
    successor: str | None = Field(default=None, max_length=32)
    note_ciphertext: bytes | None = Field(default=None, sa_type=LargeBinary)
    note_key_id: bytes | None = Field(default=None, sa_type=LargeBinary(8))
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime, index=True)


CERTIFICATE = METADATA.tables["certificate"]
CERTIFICATE_PREPARED = METADATA.tables["certificate_prepared"]
CERTIFICATE_SEALED = METADATA.tables["certificate_sealed"]
CERTIFICATE_LOGGED = METADATA.tables["certificate_logged"]
FORMER_ENVELOPE = METADATA.tables["former_envelope"]
SERIAL_COUNTER = METADATA.tables["serial_counter"]
COUNTER = METADATA.tables["counter"]
STATUS_EVENT = METADATA.tables["status_event"]
