"""The metadata all tables share, and the revision this code expects the database to have."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel

SCHEMA_REVISION = "0006"
"""Newest migration. A constant, so that opening a store does not load the migration tool; a test compares."""

PUBLIC_VIEWS = frozenset({"public_certificate", "public_document"})
"""All that the public side may read: released envelopes by number, and published files."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class TableModel(SQLModel):
    """Base of every table: named constraints, so that migrations can speak of them on both engines."""

    metadata: ClassVar[MetaData] = METADATA
