"""The public register: its entries, the roots of its complete tiles, and the one row that says how far it is.

Everything else about the log (tiles, entry bundles, index, checkpoint file) is derived from these three.
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field

from registry.store.column_types import RowId
from registry.store.schema import METADATA, TableModel

CERTIFICATE_INDEX = "uq_log_entry_certificate"
SUBJECT_INDEX = "ix_log_entry_subject"
# The numbers of certs.log_entry.EntryKind: 0 has no subject, 1 is a certificate. SQLite uses a partial index only
# for a query that repeats its condition word for word.
IS_CERTIFICATE = text("kind = 1")
IS_OTHER = text("kind > 1")


class LogEntryRow(TableModel, table=True):
    """One entry at its place. ``subject`` is the digest that finds it; an envelope is logged once."""

    __tablename__ = "log_entry"
    __table_args__ = (
        Index(CERTIFICATE_INDEX, "subject", unique=True, sqlite_where=IS_CERTIFICATE, postgresql_where=IS_CERTIFICATE),
        Index(SUBJECT_INDEX, "subject", sqlite_where=IS_OTHER, postgresql_where=IS_OTHER),
    )
    leaf_index: int = Field(primary_key=True, sa_type=RowId)
    kind: int
    subject: bytes = Field(sa_type=LargeBinary(32))
    entry: bytes = Field(sa_type=LargeBinary)


class LogTileRow(TableModel, table=True):
    """The root of a complete tile: one hash of the tile above it."""

    __tablename__ = "log_tile"
    level: int = Field(primary_key=True)
    tile_index: int = Field(primary_key=True, sa_type=RowId)
    root: bytes = Field(sa_type=LargeBinary(32))


class LogTreeRow(TableModel, table=True):
    """The tree as committed, and the signed checkpoint of ``note_size``, which may lag behind. One row."""

    __tablename__ = "log_tree"
    id: int = Field(primary_key=True)
    size: int = Field(sa_type=RowId)
    root: bytes = Field(sa_type=LargeBinary(32))
    newest_ms: int = Field(sa_type=RowId)
    note_size: int = Field(sa_type=RowId)
    note: bytes | None = Field(default=None, sa_type=LargeBinary)


LOG_ENTRY = METADATA.tables["log_entry"]
LOG_TILE = METADATA.tables["log_tile"]
LOG_TREE = METADATA.tables["log_tree"]
