"""What a recovery could not restore: kept, so that it is never given out, entered or forgotten a second time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary
from sqlmodel import Field

from registry.store.column_types import RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel


class LostCertificateRow(TableModel, table=True):
    """A certificate that stands in the register and of which neither number nor person is known any more."""

    __tablename__ = "lost_certificate"
    leaf_index: int = Field(primary_key=True, sa_type=RowId, foreign_key="log_entry.leaf_index")
    envelope_digest: bytes = Field(sa_type=LargeBinary(32), unique=True)
    kid: bytes = Field(sa_type=LargeBinary(8))
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class LostSerialsRow(TableModel, table=True):
    """Serials of a number prefix that are void, from the first to the last: given out once, or perhaps."""

    __tablename__ = "lost_serials"
    prefix: str = Field(primary_key=True, max_length=32)
    first_serial: int = Field(primary_key=True)
    last_serial: int
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class LostStatusRow(TableModel, table=True):
    """What was published of a status index whose certificate is lost: it goes on being published."""

    __tablename__ = "lost_status"
    status_index: int = Field(primary_key=True, sa_type=RowId)
    entry: Any = Field(sa_type=JSON, nullable=False)
    recorded_at: datetime = Field(sa_type=UtcDateTime)


LOST_CERTIFICATE = METADATA.tables["lost_certificate"]
LOST_SERIALS = METADATA.tables["lost_serials"]
LOST_STATUS = METADATA.tables["lost_status"]
