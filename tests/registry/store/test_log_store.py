"""The register's tables: what was appended comes back in order, and the tree moves only from where it is."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from certs.errors import KezhengError
from certs.log_entry import EntryKind
from certs.tlog.frontier import Frontier
from certs.tlog.merkle import EMPTY_ROOT, leaf_hash, tree_root
from registry.store.engine import WriteStore, WriteTransaction
from registry.store.log_store import (
    LogEntryRecord,
    LogTree,
    add_entries,
    advance_tree,
    entries_between,
    hold_tree,
    leaf_indices,
    load_frontier,
    read_tree,
    root_at,
    store_note,
    subjects_between,
    tile_roots_between,
)

BLOCK = 65_536


def entry(index: int, kind: EntryKind = EntryKind.CERTIFICATE) -> LogEntryRecord:
    return LogEntryRecord(index, kind, index.to_bytes(32), b"entry %d" % index)


def append(tx: WriteTransaction, count: int) -> None:
    """Continue the tree by so many certificates."""
    tree = hold_tree(tx)
    frontier = load_frontier(tx, tree.size)
    entries = [entry(index) for index in range(tree.size, tree.size + count)]
    tiles = frontier.append_hashes([leaf_hash(record.entry) for record in entries])
    advance_tree(tx, tree, frontier.size, frontier.root(), 1_000 + count)
    add_entries(tx, entries, tiles)


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(entry(index).entry) for index in range(count)]


def test_a_new_database_holds_the_empty_tree(store: WriteStore) -> None:
    with store.reading() as tx:
        assert read_tree(tx) == LogTree(0, EMPTY_ROOT, 0, 0, None)
        assert root_at(tx, read_tree(tx), 0) == EMPTY_ROOT
        assert leaf_indices(tx, bytes(32)) == []


@pytest.mark.parametrize("sizes", [(1, 255, 256), (256, 257), (300, 512), (255, 256, 257, 1_000)])
def test_the_right_edge_is_that_of_the_entries(store: WriteStore, sizes: tuple[int, ...]) -> None:
    before = 0
    for size in sizes:
        with store.transaction() as tx:
            append(tx, size - before)
        before = size
    with store.reading() as tx:
        tree = read_tree(tx)
        assert (tree.size, tree.root) == (before, tree_root(hashes(before)))
        for size in (0, 1, 127, 128, 255, 256, 257, before):
            if size <= before:
                expected = Frontier()
                expected.append_hashes(hashes(size))
                assert load_frontier(tx, size).levels == expected.levels
                assert root_at(tx, tree, size) == tree_root(hashes(size))


def test_a_tile_of_the_third_level_begins(store: WriteStore) -> None:
    with store.transaction() as tx:
        append(tx, BLOCK - 1)
    with store.transaction() as tx:
        append(tx, 2)
    with store.reading() as tx:
        assert [len(level) for level in load_frontier(tx, BLOCK + 1).levels] == [1, 0, 1]
        assert tile_roots_between(tx, 1, 0, 9) == [tree_root(hashes(BLOCK))]
        assert len(tile_roots_between(tx, 0, 0, BLOCK)) == 256
        assert root_at(tx, read_tree(tx), BLOCK - 1) == tree_root(hashes(BLOCK - 1))


def test_entries_come_back_in_order(store: WriteStore) -> None:
    with store.transaction() as tx:
        append(tx, 300)
        assert entries_between(tx, 254, 258) == [entry(index).entry for index in range(254, 258)]
        assert entries_between(tx, 299, 400) == [entry(299).entry]
        assert read_tree(tx).newest_ms == 1_300


def test_entries_are_found_by_what_they_are_about(store: WriteStore) -> None:
    about, other = b"a" * 32, b"b" * 32
    kinds = [EntryKind.CERTIFICATE, EntryKind.STATUS, EntryKind.CLOCK, EntryKind.STATUS]
    with store.transaction() as tx:
        records = [entry(index, kind)._replace(subject=about) for index, kind in enumerate(kinds)]
        add_entries(tx, [*records, entry(4)._replace(subject=other)], [])
        assert leaf_indices(tx, about) == [0, 1, 3]
        assert leaf_indices(tx, other) == [4]
        assert subjects_between(tx, 1, 5) == [(1, about), (3, about), (4, other)]


def test_an_envelope_is_logged_once(store: WriteStore) -> None:
    with store.transaction() as tx:
        append(tx, 2)
    again = entry(2)._replace(subject=entry(1).subject)
    with pytest.raises(KezhengError, match=r"^already_logged$"), store.transaction() as tx:
        add_entries(tx, [again], [])
    with store.transaction() as tx:
        add_entries(tx, [again._replace(kind=EntryKind.STATUS)], [])


def test_the_tree_moves_from_where_it_is(store: WriteStore) -> None:
    with store.transaction() as tx:
        stale = read_tree(tx)
        append(tx, 1)
        now = read_tree(tx)
        for old in (stale, now._replace(root=bytes(32)), now._replace(size=2)):
            with pytest.raises(KezhengError, match=r"^log_contended$"):
                advance_tree(tx, old, 2, bytes(32), 0)
        assert read_tree(tx) == now


def test_a_tree_gets_one_note(store: WriteStore) -> None:
    with store.transaction() as tx:
        append(tx, 1)
        tree = read_tree(tx)
        for other in (tree._replace(root=bytes(32)), tree._replace(size=2)):
            with pytest.raises(KezhengError, match=r"^log_contended$"):
                store_note(tx, other, b"note")
        store_note(tx, tree, b"note")
        with pytest.raises(KezhengError, match=r"^log_contended$"):
            store_note(tx, tree, b"another")
        assert read_tree(tx) == tree._replace(note_size=1, note=b"note")
        append(tx, 1)
        assert (read_tree(tx).note_size, read_tree(tx).note) == (1, b"note")


@pytest.mark.parametrize("damage", ["DELETE FROM log_entry WHERE leaf_index = 256", "DELETE FROM log_tile"])
def test_missing_rows_are_noticed(store: WriteStore, damage: str) -> None:
    with store.transaction() as tx:
        append(tx, 257)
        tx.connection.execute(text(damage))
        with pytest.raises(KezhengError, match=r"^log_damaged$"):
            load_frontier(tx, 257)
