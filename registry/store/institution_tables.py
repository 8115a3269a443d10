"""Institutions with everything about them that has a date, and the public keys of the register."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import LargeBinary
from sqlmodel import Field

from certs.grades import CertificateKind
from registry.store.column_types import EnumText, JsonTuple, RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel
from registry.store.states import InstitutionEventKind


class InstitutionRow(TableModel, table=True):
    """One institution code, for ever; (kind, registration, province, sequence) is what the code says."""

    __tablename__ = "institution"
    code: str = Field(primary_key=True, max_length=13)
    kind: CertificateKind = Field(sa_type=EnumText(CertificateKind))
    credit_code: str = Field(max_length=18, index=True)
    province: str = Field(max_length=2)
    registration: str = Field(max_length=4)
    sequence: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    successor_code: str | None = Field(default=None, max_length=13, foreign_key="institution.code")


class InstitutionNameRow(TableModel, table=True):
    """A name from a day on, until the next one."""

    __tablename__ = "institution_name"
    institution_code: str = Field(primary_key=True, max_length=13, foreign_key="institution.code")
    from_day: date = Field(primary_key=True)
    name: str


class ScopeRow(TableModel, table=True):
    """What an institution may issue, from one day to another; NULL directions or regions mean all."""

    __tablename__ = "scope"
    id: int = Field(primary_key=True, sa_type=RowId)
    institution_code: str = Field(max_length=13, foreign_key="institution.code", index=True)
    occupation_id: str
    directions: Any = Field(default=None, sa_type=JsonTuple, nullable=True)
    grades: Any = Field(sa_type=JsonTuple, nullable=False)
    regions: Any = Field(default=None, sa_type=JsonTuple, nullable=True)
    valid_from: date
    valid_to: date
    batch: str | None = None
    document: str | None = None
    granted_at: datetime = Field(sa_type=UtcDateTime)
    log_index: int = Field(sa_type=RowId)


class SiteRow(TableModel, table=True):
    """A place where an institution assesses; codes are never used again."""

    __tablename__ = "site"
    institution_code: str = Field(primary_key=True, max_length=13, foreign_key="institution.code")
    code: str = Field(primary_key=True, max_length=32)
    from_day: date = Field(primary_key=True)
    name: str
    division: str = Field(max_length=6)
    to_day: date | None = None


class InstitutionEventRow(TableModel, table=True):
    """Suspension, reinstatement, leave or removal on a day, with who recorded it when."""

    __tablename__ = "institution_event"
    id: int = Field(primary_key=True, sa_type=RowId)
    institution_code: str = Field(max_length=13, foreign_key="institution.code", index=True)
    kind: InstitutionEventKind = Field(sa_type=EnumText(InstitutionEventKind))
    on_day: date
    reason_code: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    recorded_by: str
    log_index: int = Field(sa_type=RowId)


class SigningKeyRow(TableModel, table=True):
    """A public key with its role and times. The primary key makes one kid impossible twice, ever."""

    __tablename__ = "signing_key"
    kid: bytes = Field(primary_key=True, sa_type=LargeBinary(8))
    role: str = Field(max_length=16)
    institution_code: str | None = Field(
        default=None, max_length=13, foreign_key="institution.code", index=True
    )
    public_key: bytes = Field(sa_type=LargeBinary(32), unique=True)
    not_before: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    compromised_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    log_index: int | None = Field(default=None, sa_type=RowId)
    retired_log_index: int | None = Field(default=None, sa_type=RowId)
    compromised_log_index: int | None = Field(default=None, sa_type=RowId)


INSTITUTION = METADATA.tables["institution"]
INSTITUTION_NAME = METADATA.tables["institution_name"]
SCOPE = METADATA.tables["scope"]
SITE = METADATA.tables["site"]
INSTITUTION_EVENT = METADATA.tables["institution_event"]
SIGNING_KEY = METADATA.tables["signing_key"]
