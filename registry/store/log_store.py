"""The public register in the database: entries in order, roots of complete tiles, and how far the tree is.

The row of the tree is moved by compare-and-set, in the transaction that inserts the entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_WIDTH, CompletedTile, Frontier
from certs.tlog.merkle import leaf_hash
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.log_tables import IS_CERTIFICATE, IS_OTHER, LOG_ENTRY, LOG_TILE, LOG_TREE
from registry.store.rows import insert_records, select_record


class LogTree(NamedTuple):
    """The tree as committed: entries, root (32 bytes), time of the newest entry (ms UTC).

    ``note`` is the signed checkpoint of the first ``note_size`` entries, None before the first.
    """

    size: int
    root: bytes
    newest_ms: int
    note_size: int
    note: bytes | None


class LogEntryRecord(NamedTuple):
    """An entry at its place; ``subject`` (32 bytes) finds it."""

    leaf_index: int
    kind: int
    subject: bytes
    entry: bytes


class LogTileRecord(NamedTuple):
    """The root of a complete tile."""

    level: int
    tile_index: int
    root: bytes


_TREE = select_record(LOG_TREE, LogTree)
_ENTRY = select(LOG_ENTRY.c.entry)
_PLACE = select(LOG_ENTRY.c.leaf_index)


def read_tree(tx: ReadTransaction) -> LogTree:
    """The tree. The row is there from the first migration on."""
    return LogTree._make(tx.connection.execute(_TREE).one())


def hold_tree(tx: WriteTransaction) -> LogTree:
    """The tree, which nobody else moves before this transaction ends.

    On SQLite every write transaction is alone anyway; elsewhere the row is locked.
    """
    return LogTree._make(tx.connection.execute(_TREE.with_for_update()).one())


def advance_tree(tx: WriteTransaction, old: LogTree, size: int, root: bytes, newest_ms: int) -> None:
    """Move the tree on. Raises KezhengError ``log_contended`` unless it still is as ``old`` says."""
    same = (LOG_TREE.c.size == old.size) & (LOG_TREE.c.root == old.root)
    update = LOG_TREE.update().where(same).values(size=size, root=root, newest_ms=newest_ms)
    if tx.connection.execute(update).rowcount != 1:
        raise KezhengError("log_contended")


def store_note(tx: WriteTransaction, tree: LogTree, note: bytes) -> None:
    """Keep the signed checkpoint of exactly this tree. Raises ``log_contended`` when the tree moved or has one."""
    same = (LOG_TREE.c.size == tree.size) & (LOG_TREE.c.root == tree.root) & (LOG_TREE.c.note_size < tree.size)
    if tx.connection.execute(LOG_TREE.update().where(same).values(note_size=tree.size, note=note)).rowcount != 1:
        raise KezhengError("log_contended")


def add_entries(tx: WriteTransaction, entries: Sequence[LogEntryRecord], tiles: Sequence[CompletedTile]) -> None:
    """Store entries and the tiles they complete. ``already_logged`` for an envelope that the log has."""
    insert_records(tx.connection, LOG_ENTRY, entries)
    insert_records(tx.connection, LOG_TILE, [LogTileRecord(tile.level, tile.index, tile.root) for tile in tiles])


def entries_between(tx: ReadTransaction, start: int, stop: int) -> list[bytes]:
    """The entries from one place up to another, in order."""
    place = LOG_ENTRY.c.leaf_index
    return list(tx.connection.scalars(_ENTRY.where(place >= start, place < stop).order_by(place)))


def subjects_between(tx: ReadTransaction, start: int, stop: int) -> list[tuple[int, bytes]]:
    """Places and subjects of the entries that have one, from one place up to another."""
    place = LOG_ENTRY.c.leaf_index
    query = select(place, LOG_ENTRY.c.subject).where(place >= start, place < stop, LOG_ENTRY.c.kind > 0)
    return [(row.leaf_index, row.subject) for row in tx.connection.execute(query.order_by(place))]


def leaf_indices(tx: ReadTransaction, subject: bytes) -> list[int]:
    """The places of all entries about a digest, in order."""
    about = LOG_ENTRY.c.subject == subject
    found = [
        index for kind in (IS_CERTIFICATE, IS_OTHER) for index in tx.connection.scalars(_PLACE.where(about, kind))
    ]
    return sorted(found)


def tile_roots_between(tx: ReadTransaction, level: int, start: int, stop: int) -> list[bytes]:
    """The roots of the complete tiles of a level from one index up to another, in order."""
    index = LOG_TILE.c.tile_index
    query = select(LOG_TILE.c.root).where(LOG_TILE.c.level == level, index >= start, index < stop)
    return list(tx.connection.scalars(query.order_by(index)))


def load_frontier(tx: ReadTransaction, size: int) -> Frontier:
    """The right edge of the tree of the first ``size`` entries. Raises ``log_damaged`` when rows are missing."""
    levels, count, level = [_leaf_hashes(tx, size)], size // TILE_WIDTH, 0
    while count:
        levels.append(tile_roots_between(tx, level, count - count % TILE_WIDTH, count))
        count, level = count // TILE_WIDTH, level + 1
    try:
        return Frontier(size, levels)
    except ValueError as error:
        raise KezhengError("log_damaged") from error


def root_at(tx: ReadTransaction, tree: LogTree, size: int) -> bytes:
    """The root of the first ``size`` entries of a tree."""
    return tree.root if size == tree.size else load_frontier(tx, size).root()


def _leaf_hashes(tx: ReadTransaction, size: int) -> list[bytes]:
    return [leaf_hash(entry) for entry in entries_between(tx, size - size % TILE_WIDTH, size)]
