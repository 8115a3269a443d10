"""Certificates, their status events and the counters that give out serials and places."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field

from certs.grades import CertificateKind, Grade
from registry.store.column_types import EnumText, RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel
from registry.store.states import CertificateState

LIVE_INDEX = "uq_certificate_live"
ROW_INDEX = "uq_certificate_roster_row"
_LIVE_COLUMNS = ("person_id", "occupation_id", "direction_key", "grade", "kind")
_LIVE = text("live")
_NOT_VOID = text("state <> 'void'")


class CertificateRow(TableModel, table=True):
    """One certificate from the moment its number is taken. The envelope is it, the rest finds it.

    ``live`` holds the person's place in an occupation, direction, grade and kind: at most one has it.
    A roster row has at most one that is not void: one approval, one certificate, however often it is resumed.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        Index(LIVE_INDEX, *_LIVE_COLUMNS, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index(ROW_INDEX, "roster_row_id", unique=True, sqlite_where=_NOT_VOID, postgresql_where=_NOT_VOID),
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
    supersedes: str | None = Field(default=None, max_length=32, foreign_key="certificate.number", unique=True)
    official_number: str | None = None
    live: bool
    prints: int = 0
    first_issued_on: date | None = None
    issued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    kid: bytes | None = Field(default=None, sa_type=LargeBinary(8))
    to_be_signed: bytes | None = Field(default=None, sa_type=LargeBinary)
    envelope: bytes | None = Field(default=None, sa_type=LargeBinary)
    envelope_digest: bytes | None = Field(default=None, sa_type=LargeBinary(32), unique=True)


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
SERIAL_COUNTER = METADATA.tables["serial_counter"]
COUNTER = METADATA.tables["counter"]
STATUS_EVENT = METADATA.tables["status_event"]
