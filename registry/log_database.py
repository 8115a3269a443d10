"""The register's own database held against its published files: neither may say what the other does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_entry import HEAD_LENGTH, EntryKind
from certs.signing_key import KID_LENGTH
from certs.timestamps import ms_of
from registry.log_audit import CompareEntries
from registry.log_finding import Finding, finding_of
from registry.store.engine import ReadTransaction
from registry.store.log_audit_store import RecordedLeaf, recorded_leaves
from registry.store.log_store import entries_between, read_tree, root_at, tile_roots_between
from registry.store.lost_store import lost_leaves

_CERTIFICATE = bytes((EntryKind.CERTIFICATE,))


def compare_with_database(tx: ReadTransaction) -> CompareEntries:
    """Compares published entries with the stored ones, and with what the rows of certificates say of them."""

    def compare(start: int, entries: Sequence[bytes]) -> Iterator[Finding]:
        stop = start + len(entries)
        stored = entries_between(tx, start, stop)
        for place, entry in enumerate(entries):
            if place >= len(stored) or stored[place] != entry:
                yield _differs(start + place)
        leaves = recorded_leaves(tx, start, stop)
        leaves += [RecordedLeaf(place, digest, None) for place, digest in lost_leaves(tx, start, stop)]
        yield from (_differs(leaf.leaf_index) for leaf in leaves if not _fits(leaf, entries[leaf.leaf_index - start]))
        recorded = {leaf.leaf_index for leaf in leaves}
        for index, entry in enumerate(entries, start):
            if entry[:1] == _CERTIFICATE and index not in recorded:
                yield Finding("log_certificate_unrecorded", {"place": index})

    return compare


def database_findings(
    tx: ReadTransaction, checkpoint: TrustedCheckpoint, tile_roots: Mapping[int, Sequence[bytes]]
) -> Iterator[Finding]:
    """Whether the database's tree is, or continues, the published one, with the same complete tiles."""
    tree = read_tree(tx)
    if tree.size < checkpoint.size:
        yield Finding("log_rollback", {"published": checkpoint.size, "known": tree.size})
        return
    try:
        if root_at(tx, tree, checkpoint.size) != checkpoint.root:
            yield Finding("log_damaged", {})
    except KezhengError as error:
        yield finding_of(error)
    for level, roots in tile_roots.items():
        if tile_roots_between(tx, level, 0, len(roots)) != list(roots):
            yield Finding("log_damaged", {})


def _fits(leaf: RecordedLeaf, entry: bytes) -> bool:
    is_same = entry[:1] == _CERTIFICATE and entry[HEAD_LENGTH + KID_LENGTH :] == leaf.envelope_digest
    return is_same and (leaf.logged_at is None or ms_of(leaf.logged_at) == int.from_bytes(entry[1:HEAD_LENGTH], "big"))


def _differs(place: int) -> Finding:
    return Finding("log_database_differs", {"place": place})
