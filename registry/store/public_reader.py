"""All that the public side reads from the database: released envelopes by number and published files.

It goes through two views which have no identity column, no name column and nothing unreleased.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, LargeBinary, String, bindparam, column, select, table

from registry.store.column_types import UtcDateTime
from registry.store.engine import PublicTransaction
from registry.store.newest_versions import newest_versions
from registry.store.rows import select_among

_CERTIFICATE = table("public_certificate", column("number", String), column("envelope", LargeBinary))
_DOCUMENT = table(
    "public_document",
    column("kind", String),
    column("version", BigInteger),
    column("content", LargeBinary),
    column("issued_at", UtcDateTime),
    column("expires_at", UtcDateTime),
)


# Built once, for the one question that every scan by number asks.
_ENVELOPE = select(_CERTIFICATE.c.envelope).where(_CERTIFICATE.c.number == bindparam("number"))
_VERSIONS = select(newest_versions(_DOCUMENT))


class PublicDocument(NamedTuple):
    """A published file."""

    kind: str
    version: int
    content: bytes
    issued_at: datetime
    expires_at: datetime | None


def public_envelope(tx: PublicTransaction, number: str) -> bytes | None:
    """The envelope of a released certificate, or None."""
    envelope: bytes | None = tx.connection.scalar(_ENVELOPE, {"number": number})
    return envelope


def public_envelopes(tx: PublicTransaction, numbers: Sequence[str]) -> dict[str, bytes]:
    """Envelopes of released certificates by number, for any number of numbers; others are left out."""
    query = select(_CERTIFICATE.c.number, _CERTIFICATE.c.envelope)
    rows = select_among(tx.connection, query, _CERTIFICATE.c.number, numbers)
    return {row.number: row.envelope for row in rows}


def public_document(tx: PublicTransaction, kind: str) -> PublicDocument | None:
    """The latest version of a published file, or None."""
    query = select(_DOCUMENT).where(_DOCUMENT.c.kind == kind).order_by(_DOCUMENT.c.version.desc()).limit(1)
    row = tx.connection.execute(query).first()
    return None if row is None else PublicDocument._make(row)


def public_document_versions(tx: PublicTransaction) -> dict[str, int]:
    """The latest version of every kind: cheap to ask, so that unchanged files are not read again."""
    return {row.kind: row.version for row in tx.connection.execute(_VERSIONS)}
