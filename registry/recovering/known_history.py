"""Which history of the register the world knows: signed checkpoints, the newest trust list, and the archive.

The database must be a beginning of it. All that is believed here is signed by this register's own keys, or was sealed
by its own data key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER, ROOT_CHAIN_FILE, STATUS_FILE, TRUST_LIST_FILE
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_paths import CHECKPOINT_FILE
from certs.root_chain import RootKey, newest_root
from certs.status_list import StatusList, open_status_list
from certs.tlog.frontier import CompletedTile, Frontier
from certs.tlog.merkle import leaf_hash
from certs.tlog.tile_reader import ReadFile
from certs.trust_list import TrustList, open_trust_list
from registry.home import Home
from registry.log_entries import bundles_between
from registry.log_publication import open_any_checkpoint
from registry.log_source import LogSource
from registry.recovering.archived import Archived
from registry.store.document_store import latest_document
from registry.store.engine import ReadTransaction
from registry.store.log_store import LogTree, load_frontier, read_tree, root_at


class NewestTrust(NamedTuple):
    """The newest trust list that was found, its bytes, the root over it, and the chain of roots that leads there."""

    trust: TrustList
    token: bytes
    root: RootKey
    chain: bytes | None


class SignedTree(NamedTuple):
    """A checkpoint of ours with its note, and where its entries can be read."""

    checkpoint: TrustedCheckpoint
    note: bytes
    read: ReadFile


@dataclass(frozen=True, slots=True)
class History:
    """The history as it goes on after the database: ``entries`` stand from ``before.size`` on.

    ``after`` is the tree with them, ``tiles`` what they complete, ``signed`` the largest checkpoint of it.
    """

    before: LogTree
    entries: list[bytes]
    after: Frontier
    tiles: list[CompletedTile]
    signed: SignedTree | None
    newest: NewestTrust
    status: StatusList | None

    @property
    def size(self) -> int:
        """How many entries the whole history has."""
        return self.before.size + len(self.entries)


def own_source(home: Home) -> LogSource:
    """The register's files in the home."""
    return LogSource(str(home.settings.log_folder), lambda name: home.log_file(name.removeprefix(LOG_FOLDER)))


def bare_source(folder: Path, read: ReadFile) -> LogSource:
    """A copy of the register alone, without the lists beside it."""

    def file(name: str) -> bytes | None:
        return read(name.removeprefix(LOG_FOLDER)) if name.startswith(LOG_FOLDER) else None

    return LogSource(str(folder), file)


def known_history(home: Home, tx: ReadTransaction, sources: Sequence[LogSource], archived: Archived) -> History:
    """What goes on after the database, from the sources and the archive.

    Raises KezhengError ``recover_forked`` when one of them tells another history than the database or than another,
    ``recover_entries_missing``, ``checkpoint_untrusted``, ``trust_list_unsigned``, ``log_damaged``.
    """
    tree = read_tree(tx)
    newest = _newest_trust(home, tx, sources, archived)
    signed = _signed_trees(sources, newest.trust)
    frontier = load_frontier(tx, tree.size)
    if frontier.root() != tree.root:
        raise KezhengError("log_damaged")
    _check_past(tx, tree, signed)
    entries = _entries_after(tree.size, signed, archived)
    after, tiles = _appended(frontier, entries, [found.checkpoint for found in signed])
    largest = max(signed, key=lambda found: found.checkpoint.size, default=None)
    return History(tree, entries, after, tiles, largest, newest, _newest_status(sources, newest.trust))


def _newest_trust(home: Home, tx: ReadTransaction, sources: Sequence[LogSource], archived: Archived) -> NewestTrust:
    stored = {name: latest_document(tx, name) for name in (TRUST_LIST_FILE, ROOT_CHAIN_FILE)}
    files = [{name: document.content for name, document in stored.items() if document is not None}]
    files += [_named(source) for source in sources]
    files += [{TRUST_LIST_FILE: found.token, **found.roots} for found in archived.trust[-1:]]
    own = home.own_root(tx)
    found = [_opened_trust(each, own) for each in files if TRUST_LIST_FILE in each]
    if not found:
        raise KezhengError("public_documents_missing")
    return max(found, key=lambda each: each.trust.order)


def _named(source: LogSource) -> dict[str, bytes]:
    read = {name: source.file(name) for name in (TRUST_LIST_FILE, ROOT_CHAIN_FILE)}
    return {name: content for name, content in read.items() if content is not None}


def _opened_trust(files: Mapping[str, bytes], own: RootKey) -> NewestTrust:
    chain = files.get(ROOT_CHAIN_FILE)
    try:
        root = newest_root(own, chain)
        return NewestTrust(open_trust_list(files[TRUST_LIST_FILE], root), files[TRUST_LIST_FILE], root, chain)
    except KezhengError as error:
        raise KezhengError("trust_list_unsigned", cause=error.code) from error


def _newest_status(sources: Sequence[LogSource], trust: TrustList) -> StatusList | None:
    """The newest status file of the sources under the status key; one of an earlier key is passed over."""
    found = []
    for source in sources:
        token = source.file(STATUS_FILE)
        try:
            found += [] if token is None else [open_status_list(token, trust.delegation.status_key)]
        except KezhengError as error:
            if error.code == "log_source_unreachable":
                raise
    return max(found, key=lambda each: each.version, default=None)


def _signed_trees(sources: Sequence[LogSource], trust: TrustList) -> list[SignedTree]:
    notes = [(source, source.log_file(CHECKPOINT_FILE)) for source in sources]
    return [
        SignedTree(open_any_checkpoint(note, trust), note, source.log_file)
        for source, note in notes
        if note is not None
    ]


def _check_past(tx: ReadTransaction, tree: LogTree, signed: Sequence[SignedTree]) -> None:
    for found in signed:
        size, root = found.checkpoint.size, found.checkpoint.root
        if size <= tree.size and root_at(tx, tree, size) != root:
            raise KezhengError("recover_forked", size=size)


def _entries_after(start: int, signed: Sequence[SignedTree], archived: Archived) -> list[bytes]:
    """The entries after the database: what is signed is read where it is published, else where it is archived."""
    stop = max([archived.end, *(found.checkpoint.size for found in signed)], default=0)
    published = _published_entries(start, signed)
    entries = []
    for place in range(start, stop):
        one, other = published.get(place), archived.entries.get(place)
        entry = other if one is None else one
        if entry is None:
            raise KezhengError("recover_entries_missing", place=place)
        if one is not None and other not in (None, one):
            raise KezhengError("recover_forked", size=place + 1)
        entries.append(entry)
    return entries


def _published_entries(start: int, signed: Sequence[SignedTree]) -> dict[int, bytes]:
    """Entries by place, from the source that goes furthest; bundles that are not there any more are left out."""
    found: dict[int, bytes] = {}
    for each in sorted(signed, key=lambda known: -known.checkpoint.size):
        try:
            for first, entries in bundles_between(each.read, start, each.checkpoint.size):
                found |= {place: entry for place, entry in enumerate(entries, first) if place not in found}
        except KezhengError as error:
            if error.code not in ("log_unavailable", "log_tile_malformed"):
                raise
    return found


def _appended(
    frontier: Frontier, entries: Sequence[bytes], checkpoints: Sequence[TrustedCheckpoint]
) -> tuple[Frontier, list[CompletedTile]]:
    """The tree with the entries; it must be, at every signed size, what was signed."""
    start, tiles, done = frontier.size, [], 0
    hashes = [leaf_hash(entry) for entry in entries]
    for checkpoint in sorted(checkpoints):
        if checkpoint.size > start:
            tiles += frontier.append_hashes(hashes[done : checkpoint.size - start])
            done = checkpoint.size - start
            if frontier.root() != checkpoint.root:
                raise KezhengError("recover_forked", size=checkpoint.size)
    tiles += frontier.append_hashes(hashes[done:])
    return frontier, tiles
