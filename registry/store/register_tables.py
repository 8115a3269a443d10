"""What the register has published, under which addresses, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, text
from sqlmodel import Field

from registry.store.column_types import RowId, UtcDateTime
from registry.store.schema import METADATA, TableModel

# Word for word as a query has to say it. Without these indexes SQLite reads through the files to see what is public.
IS_PUBLIC: Any = text("is_public")
IS_HIDDEN: Any = text("NOT is_public")


class PublishedDocumentRow(TableModel, table=True):
    """A signed file as it was published, version by version; bytes are never changed.

    ``is_public`` is False until the register that holds the file's digest is public.
    """

    __tablename__ = "published_document"
    __table_args__ = (
        Index("ix_published_document_public", "kind", "version", sqlite_where=IS_PUBLIC, postgresql_where=IS_PUBLIC),
        Index("ix_published_document_hidden", "kind", sqlite_where=IS_HIDDEN, postgresql_where=IS_HIDDEN),
    )
    kind: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True, sa_type=RowId)
    content: bytes = Field(sa_type=LargeBinary)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_public: bool = True


class PublicUrlRow(TableModel, table=True):
    """A public address that QR codes have pointed to: printed codes keep it in use for decades."""

    __tablename__ = "public_url"
    url: str = Field(primary_key=True)
    first_used_at: datetime = Field(sa_type=UtcDateTime)


class AuditEventRow(TableModel, table=True):
    """Who did what to which object. ``details`` holds codes and counts, no personal data."""

    __tablename__ = "audit_event"
    id: int = Field(primary_key=True, sa_type=RowId)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str
    action: str
    subject: str = Field(index=True)
    details: Any = Field(sa_type=JSON, nullable=False)


PUBLISHED_DOCUMENT = METADATA.tables["published_document"]
PUBLIC_URL = METADATA.tables["public_url"]
AUDIT_EVENT = METADATA.tables["audit_event"]
