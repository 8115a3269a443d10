"""Published files and the public addresses that QR codes have pointed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.newest_versions import newest_versions
from registry.store.register_tables import IS_HIDDEN, IS_PUBLIC, PUBLIC_URL, PUBLISHED_DOCUMENT
from registry.store.rows import insert_records, records, select_record


class PublishedDocument(NamedTuple):
    """A file as it was published. ``kind`` is its published name, such as ``trust-list.jws``.

    ``is_public`` False: kept back until the register that holds its digest is public.
    """

    kind: str
    version: int
    content: bytes
    issued_at: datetime
    expires_at: datetime | None
    is_public: bool = True


class FileTimes(NamedTuple):
    """When a version of a file was signed, and how long it holds; None: for ever."""

    kind: str
    issued_at: datetime
    expires_at: datetime | None


class StoredVersion(NamedTuple):
    """A version of a file without its content. ``expires_at`` None: it holds for ever."""

    version: int
    expires_at: datetime | None


class PublicUrl(NamedTuple):
    """A public address with the first time a QR code pointed to it."""

    url: str
    first_used_at: datetime


def _newest(record: type[NamedTuple], *conditions: ColumnElement[bool]) -> Select[Any]:
    newest = newest_versions(PUBLISHED_DOCUMENT, *conditions)
    same = (PUBLISHED_DOCUMENT.c.kind == newest.c.kind) & (PUBLISHED_DOCUMENT.c.version == newest.c.version)
    query = select_record(PUBLISHED_DOCUMENT, record)
    return query.select_from(newest).join(PUBLISHED_DOCUMENT, same).order_by(newest.c.kind)


_LATEST, _PUBLIC, _TIMES = _newest(PublishedDocument), _newest(PublishedDocument, IS_PUBLIC), _newest(FileTimes)


def add_document(tx: WriteTransaction, document: PublishedDocument) -> None:
    """Store a version. ``store_conflict`` when this version of the kind exists."""
    insert_records(tx.connection, PUBLISHED_DOCUMENT, [document])


def latest_document(tx: ReadTransaction, kind: str) -> PublishedDocument | None:
    """The highest version of a kind, or None."""
    query = select_record(PUBLISHED_DOCUMENT, PublishedDocument).where(PUBLISHED_DOCUMENT.c.kind == kind)
    row = tx.connection.execute(query.order_by(PUBLISHED_DOCUMENT.c.version.desc()).limit(1)).first()
    return None if row is None else PublishedDocument._make(row)


def latest_documents(tx: ReadTransaction) -> list[PublishedDocument]:
    """The highest version of every kind, in order of kind."""
    return records(tx.connection.execute(_LATEST), PublishedDocument)


def public_documents(tx: ReadTransaction) -> list[PublishedDocument]:
    """The highest public version of every kind, in order of kind."""
    return records(tx.connection.execute(_PUBLIC), PublishedDocument)


def newest_times(tx: ReadTransaction) -> dict[str, FileTimes]:
    """The times of the newest version of every kind, without the files themselves."""
    return {row.kind: FileTimes._make(row) for row in tx.connection.execute(_TIMES)}


def times_of(tx: ReadTransaction, kinds: Sequence[str]) -> list[FileTimes]:
    """The times of the newest version of some kinds; what was never signed is left out."""
    found: list[FileTimes] = []
    for kind in kinds:
        query = select_record(PUBLISHED_DOCUMENT, FileTimes).where(PUBLISHED_DOCUMENT.c.kind == kind)
        newest = query.order_by(PUBLISHED_DOCUMENT.c.version.desc()).limit(1)
        found += records(tx.connection.execute(newest), FileTimes)
    return found


def oldest_versions(tx: ReadTransaction, kind: str, limit: int) -> list[StoredVersion]:
    """The first versions of a kind before its newest public one, oldest first; none while none is public."""
    table = PUBLISHED_DOCUMENT
    newest = select(func.max(table.c.version)).where(table.c.kind == kind, IS_PUBLIC).scalar_subquery()
    query = select_record(table, StoredVersion).where(table.c.kind == kind, table.c.version < newest)
    return records(tx.connection.execute(query.order_by(table.c.version).limit(limit)), StoredVersion)


def remove_versions(tx: WriteTransaction, kind: str, up_to: int) -> int:
    """Remove the versions of a kind up to one; how many."""
    chosen = (PUBLISHED_DOCUMENT.c.kind == kind) & (PUBLISHED_DOCUMENT.c.version <= up_to)
    return tx.connection.execute(PUBLISHED_DOCUMENT.delete().where(chosen)).rowcount


def has_hidden_documents(tx: ReadTransaction) -> bool:
    """Whether a document waits for the register that holds its digest to be public."""
    return tx.connection.scalar(select(PUBLISHED_DOCUMENT.c.kind).where(IS_HIDDEN).limit(1)) is not None


def show_documents(tx: WriteTransaction) -> None:
    """Make every document public."""
    update = PUBLISHED_DOCUMENT.update().where(IS_HIDDEN)
    tx.connection.execute(update.values(is_public=True))


def note_public_url(tx: WriteTransaction, url: str, at: datetime) -> None:
    """Remember that codes point to this address; nothing changes when it is known."""
    if tx.connection.scalar(select(PUBLIC_URL.c.url).where(PUBLIC_URL.c.url == url)) is None:
        insert_records(tx.connection, PUBLIC_URL, [PublicUrl(url, at)])


def public_urls(tx: ReadTransaction) -> list[PublicUrl]:
    """Every address, in the order of first use."""
    query = select_record(PUBLIC_URL, PublicUrl).order_by(PUBLIC_URL.c.first_used_at, PUBLIC_URL.c.url)
    return records(tx.connection.execute(query), PublicUrl)
