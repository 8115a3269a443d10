"""A log that is at hand completely: every entry read once, the checkpoint's root computed from them.

It grows with the checkpoints that it is shown. What it keeps for each entry is eight bytes of its subject and its
place; entries themselves are read again from their bundle when they are asked for, and compared with the tree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_entry import HEAD_LENGTH, read_entry, subject_of
from certs.tlog.frontier import TILE_WIDTH, Frontier
from certs.tlog.merkle import leaf_hash, tree_root
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tiles import bundle_path, decode_bundle

PREFIX_LENGTH = 8
_BUNDLES_KEPT = 1024


class CompleteLog:
    """All entries of a log up to the newest checkpoint that it was advanced to."""

    def __init__(self, read: ReadFile) -> None:
        """``read`` gives the file at a path below the log's folder, None when there is none."""
        self._read = read
        self._frontier = Frontier()
        self._tile_roots: list[bytes] = []
        self._places: dict[bytes, list[int]] = defaultdict(list)
        self._newest = b""
        self._bundle = lru_cache(_BUNDLES_KEPT)(self._checked_bundle)

    @property
    def size(self) -> int:
        """How many entries are known."""
        return self._frontier.size

    @property
    def newest_at(self) -> datetime:
        """The time of the last entry."""
        return read_entry(self._newest).logged_at

    def advance(self, checkpoint: TrustedCheckpoint) -> None:
        """Read on to a checkpoint.

        Raises KezhengError ``log_unavailable`` (an entry bundle is missing), ``log_entries_differ`` (they do not give
        the root), ``log_time_decreases``, ``log_rolled_back`` (smaller than what is known), and as `read_entry`.
        Nothing is taken in then.
        """
        if checkpoint.size < self.size:
            raise KezhengError("log_rolled_back", size=checkpoint.size, known=self.size)
        start, frontier, roots = self.size, self._frontier.copy(), list[bytes]()
        entries = self._new_entries(checkpoint.size)
        _check_times([self._newest, *entries] if self._newest else entries)
        for done in frontier.append_hashes([leaf_hash(entry) for entry in entries]):
            if done.level == 0:
                roots.append(done.root)
        if frontier.root() != checkpoint.root:
            raise KezhengError("log_entries_differ")
        subjects = [subject_of(read_entry(entry)) for entry in entries]
        for index, subject in enumerate(subjects, start):
            if subject is not None:
                self._places[subject[:PREFIX_LENGTH]].append(index)
        self._tile_roots += roots
        self._newest = entries[-1] if entries else self._newest
        self._frontier = frontier

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        bundle, rest = divmod(size, TILE_WIDTH)
        part = [leaf_hash(entry) for entry in self._entries_of(bundle)[:rest]] if rest else []
        return tree_root([*self._tile_roots[:bundle], *([tree_root(part)] if part else [])])

    def entries_about(self, subject: bytes, size: int) -> Sequence[tuple[int, bytes]]:
        """Every entry among the first ``size`` about a digest, with its place."""
        found = []
        for index in self._places.get(subject[:PREFIX_LENGTH], ()):
            if index < size:
                entry = self.entry(index)
                if subject_of(read_entry(entry)) == subject:
                    found.append((index, entry))
        return found

    def entry(self, index: int) -> bytes:
        """The entry at a place that is known."""
        bundle, place = divmod(index, TILE_WIDTH)
        return self._entries_of(bundle)[place]

    def _entries_of(self, bundle: int) -> list[bytes]:
        return self._bundle(bundle, min(TILE_WIDTH, self.size - bundle * TILE_WIDTH))

    def _new_entries(self, size: int) -> list[bytes]:
        entries: list[bytes] = []
        first = self.size // TILE_WIDTH
        for bundle in range(first, -(-size // TILE_WIDTH)):
            read = self._read_bundle(bundle, min(TILE_WIDTH, size - bundle * TILE_WIDTH))
            entries += read[self.size - bundle * TILE_WIDTH :] if bundle == first else read
        return entries

    def _checked_bundle(self, bundle: int, width: int) -> list[bytes]:
        """Entries read again: they must still be those of the tree, which may have grown since somebody asked."""
        edge = self._frontier
        if width < TILE_WIDTH and bundle < edge.size // TILE_WIDTH:
            return self._bundle(bundle, TILE_WIDTH)[:width]
        entries = self._read_bundle(bundle, width)
        known = self._tile_roots[bundle] if width == TILE_WIDTH else tree_root(edge.levels[0][:width])
        if tree_root([leaf_hash(entry) for entry in entries]) != known:
            raise KezhengError("log_entries_differ")
        return entries

    def _read_bundle(self, bundle: int, width: int) -> list[bytes]:
        """The first ``width`` entries of a bundle; a partial bundle gives way to the full one once that is there."""
        content, count = self._read(bundle_path(bundle, width)), width
        if content is None and width < TILE_WIDTH:
            content, count = self._read(bundle_path(bundle)), TILE_WIDTH
        if content is None:
            raise KezhengError("log_unavailable")
        try:
            return decode_bundle(content, count)[:width]
        except KezhengError as error:
            raise KezhengError("log_entries_differ") from error


def _check_times(entries: Sequence[bytes]) -> None:
    """Big-endian times compare as bytes. Raises KezhengError ``log_time_decreases``."""
    times = [entry[1:HEAD_LENGTH] for entry in entries]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise KezhengError("log_time_decreases")
