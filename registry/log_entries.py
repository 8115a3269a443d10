"""Reading a published register entry by entry, and counting what stands in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from certs.errors import KezhengError
from certs.log_entry import DIGEST_LENGTH, HEAD_LENGTH, EntryKind, read_entry
from certs.signing_key import KID_LENGTH
from certs.tlog.frontier import TILE_WIDTH, Frontier, partial_widths
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tiles import bundle_path, decode_bundle, tile_hashes, tile_path

_CERTIFICATE_LENGTH = HEAD_LENGTH + KID_LENGTH + DIGEST_LENGTH
_FILES = (EntryKind.TRUST_LIST, EntryKind.DATA_FILE)
_EVENTS = (EntryKind.LISTING, EntryKind.KEY, *_FILES)


class Placed(NamedTuple):
    """An entry at its place."""

    leaf_index: int
    entry: bytes


@dataclass(slots=True)
class EntryTally:
    """What the entries that were taken in are: how many of each kind, whose certificates, which files.

    ``files`` holds (kind, digest) of trust lists and data files, ``events`` what happened to listings, keys and files,
    ``leaves`` the certificates under the watched keys. ``newest`` is the last entry, empty before the first.
    """

    watched: frozenset[bytes] = frozenset()
    newest: bytes = b""
    kinds: Counter[int] = field(default_factory=Counter)
    per_key: Counter[bytes] = field(default_factory=Counter)
    files: set[tuple[int, bytes]] = field(default_factory=set)
    events: list[Placed] = field(default_factory=list)
    leaves: list[Placed] = field(default_factory=list)

    def take(self, start: int, entries: Sequence[bytes]) -> None:
        """Count entries that stand one after the other from ``start`` on.

        Raises KezhengError ``log_time_decreases``, ``log_entry_malformed``.
        """
        _check_order([self.newest, *entries] if self.newest else entries)
        for index, entry in enumerate(entries, start):
            kind = entry[0]
            self.kinds[kind] += 1
            if kind == EntryKind.CERTIFICATE:
                self._take_certificate(Placed(index, entry))
            elif kind in _EVENTS:
                self.events.append(Placed(index, entry))
                if kind in _FILES:
                    self.files.add((kind, entry[HEAD_LENGTH:]))
        self.newest = entries[-1] if entries else self.newest

    def _take_certificate(self, placed: Placed) -> None:
        if len(placed.entry) != _CERTIFICATE_LENGTH:
            raise KezhengError("log_entry_malformed")
        kid = placed.entry[HEAD_LENGTH : HEAD_LENGTH + KID_LENGTH]
        self.per_key[kid] += 1
        if kid in self.watched:
            self.leaves.append(placed)


def bundles_between(read: ReadFile, start: int, stop: int) -> Iterator[tuple[int, list[bytes]]]:
    """The entries from one place up to another, bundle by bundle, each with the place of its first.

    Raises KezhengError ``log_unavailable`` for a bundle that is not there, ``log_tile_malformed``.
    """
    for bundle in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH) if start < stop else 0):
        first = bundle * TILE_WIDTH
        entries = read_bundle(read, bundle, min(TILE_WIDTH, stop - first))
        skipped = max(0, start - first)
        yield first + skipped, entries[skipped:]


def read_bundle(read: ReadFile, bundle: int, width: int) -> list[bytes]:
    """The first entries of a bundle; a partial one gives way to the full one. Raises as `bundles_between`."""
    content = read(bundle_path(bundle, width))
    if content is not None:
        return decode_bundle(content, width)
    full = read(bundle_path(bundle)) if width < TILE_WIDTH else None
    if full is None:
        raise KezhengError("log_unavailable")
    return decode_bundle(full, TILE_WIDTH)[:width]


def right_edge(read: ReadFile, size: int, root: bytes, present_size: int) -> Frontier:
    """The right edge of an earlier tree that is known by its root, out of the tiles of the present one.

    Partial tiles of the past need not be there any more. Raises KezhengError ``log_unavailable``,
    ``log_tile_malformed``, ``log_entries_differ`` when the tiles are not those of this tree.
    """
    levels = []
    for level, width in enumerate(partial_widths(size)):
        index, count = size // TILE_WIDTH ** (level + 1), present_size // TILE_WIDTH**level
        present_width = min(TILE_WIDTH, count - index * TILE_WIDTH)
        levels.append(_read_tile(read, level, index, present_width)[:width] if width else [])
    frontier = Frontier(size, levels)
    if frontier.root() != root:
        raise KezhengError("log_entries_differ")
    return frontier


def _read_tile(read: ReadFile, level: int, index: int, width: int) -> list[bytes]:
    """The hashes of a tile; a partial one gives way to the full one."""
    content = read(tile_path(level, index, width))
    if content is not None:
        return tile_hashes(content, width)
    full = read(tile_path(level, index)) if width < TILE_WIDTH else None
    if full is None:
        raise KezhengError("log_unavailable")
    return tile_hashes(full, TILE_WIDTH)[:width]


def _check_order(entries: Sequence[bytes]) -> None:
    """Every entry has kind and a time, and no time is earlier than the one before: big-endian, so as bytes."""
    for entry in entries:
        read_entry(entry)
    times = [entry[1:HEAD_LENGTH] for entry in entries]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise KezhengError("log_time_decreases")
