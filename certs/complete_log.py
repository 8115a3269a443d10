"""A log that is at hand completely: every entry read once, the checkpoint's root computed from them.

It grows with the checkpoints that it is shown. What it keeps for each entry is eight bytes: four of its subject, and
its place. Entries themselves are read again when they are asked for, and compared with the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from certs.errors import KezhengError
from certs.lately import Lately
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_entry import is_about, read_entry
from certs.log_reading import bundles_from, placed_subjects, read_bundle
from certs.subject_places import SubjectPlaces
from certs.subject_segment import Segment
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import leaf_hash, tree_root
from certs.tlog.packed_tile import GROUP, checked_crown, entry_of_slot
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tile_roots import TileRoots

_BUNDLES_KEPT = 512
_CROWNS_KEPT = 65_536
"""About 40 MB, of a register of sixteen million entries or more."""


class KeptLog(NamedTuple):
    """What was kept of a log when it was read before: the roots of its complete tiles, and where its subjects stand.

    ``crown`` and ``slot`` give parts of packed tiles by their numbers, anything else when they cannot;
    ``report_damage`` is called when what was kept is not as it was.
    """

    tile_roots: Sequence[bytes]
    segments: Sequence[Segment]
    crown: Callable[[int], bytes]
    slot: Callable[[int, int], bytes]
    report_damage: Callable[[], None]

    @property
    def size(self) -> int:
        """How many entries were kept."""
        return len(self.tile_roots) * TILE_WIDTH

    def up_to(self, size: int) -> KeptLog:
        """What it knows of the log when that had only so many entries."""
        return self._replace(tile_roots=self.tile_roots[: size // TILE_WIDTH])


NOTHING_KEPT = KeptLog((), (), lambda _tile: b"", lambda _tile, _slot: b"", lambda: None)


class _Held(NamedTuple):
    """All that is known at one size, replaced as a whole: others may ask while the log grows."""

    size: int
    newest: bytes
    leaves: tuple[bytes, ...]
    roots: TileRoots
    places: SubjectPlaces
    kept: KeptLog

    @property
    def root(self) -> bytes:
        return self.roots.tree_root(self.size // TILE_WIDTH, self.leaves)


class CompleteLog:
    """All entries of a log up to the newest checkpoint that it was advanced to."""

    def __init__(self, read: ReadFile, kept: KeptLog = NOTHING_KEPT) -> None:
        """``read`` gives the file at a path below the log's folder, None when there is none.

        Raises KezhengError as `entry` does.
        """
        self._read = read
        self._bundles = Lately[list[bytes]](_BUNDLES_KEPT)
        self._crowns = Lately[bytes](_CROWNS_KEPT)
        places = SubjectPlaces(kept.segments, kept.size)
        self._held = _Held(kept.size, b"", (), TileRoots(kept.tile_roots), places, kept)
        if kept.size:
            self._held = self._held._replace(newest=self.entry(kept.size - 1))

    @property
    def size(self) -> int:
        """How many entries are known."""
        return self._held.size

    @property
    def root(self) -> bytes:
        """The root of all that is known."""
        return self._held.root

    @property
    def newest_at(self) -> datetime:
        """The time of the last entry."""
        return read_entry(self._held.newest).logged_at

    def advance(self, checkpoint: TrustedCheckpoint) -> None:
        """Read on to a checkpoint.

        Raises KezhengError ``log_unavailable`` (an entry bundle is missing), ``log_entries_differ`` (they do not give
        the root), ``log_time_decreases``, ``log_rolled_back`` (smaller than what is known), and as `read_entry`.
        Nothing is taken in then.
        """
        before = self._held
        if checkpoint.size < before.size:
            raise KezhengError("log_rolled_back", size=checkpoint.size, known=before.size)
        try:
            held, more = self._read_on(before, checkpoint.size)
            if held.root != checkpoint.root:
                raise KezhengError("log_entries_differ")
        except KezhengError:
            before.roots.cut(before.size // TILE_WIDTH)
            raise
        before.places.append(more, held.size)
        self._held = held

    def take_over(self, other: CompleteLog) -> None:
        """Go on with what was read otherwise of the same log; `continues` says whether it is the same."""
        self._held = other._held

    def continues(self, earlier: CompleteLog) -> bool:
        """Whether this is an earlier log grown on. Raises KezhengError as `entry` does."""
        return earlier.size <= self.size and self.root_at(earlier.size) == earlier.root

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` entries, which must be known."""
        tiles, rest = divmod(size, TILE_WIDTH)
        leaves = [leaf_hash(entry) for entry in self._entries_of(tiles)[:rest]] if rest else []
        return self._held.roots.tree_root(tiles, leaves)

    def entries_about(self, subject: bytes, size: int) -> Sequence[tuple[int, bytes]]:
        """Every entry among the first ``size`` about a digest, with its place."""
        held = self._held
        try:
            places = held.places.find(subject, size)
        except KezhengError as error:
            # What is not found where pages are damaged may stand there.
            held.kept.report_damage()
            raise KezhengError("log_unavailable") from error
        found = [(place, self.entry(place)) for place in places]
        return [(place, entry) for place, entry in found if is_about(entry, subject)]

    def entry(self, index: int) -> bytes:
        """The entry at a place that is known. Raises KezhengError ``log_unavailable``, ``log_entries_differ``."""
        held, (tile, place) = self._held, divmod(index, TILE_WIDTH)
        if index >= held.kept.size:
            return self._entries_of(tile)[place]
        try:
            crown = self._crowns.get(tile) or self._checked_crown(held, tile)
            return entry_of_slot(held.kept.slot(tile, place // GROUP), place, crown)
        except KezhengError:
            held.kept.report_damage()
        return self._entries_of(tile)[place]

    def _checked_crown(self, held: _Held, tile: int) -> bytes:
        crown = checked_crown(held.kept.crown(tile), held.roots[tile])
        self._crowns.keep(tile, crown)
        return crown

    def _read_on(self, before: _Held, size: int) -> tuple[_Held, SubjectPlaces]:
        """What is known after more entries, unless they turn out to be others; only the tiles' roots are in place."""
        place, newest, leaves = before.size, before.newest, list(before.leaves)
        more = SubjectPlaces(size=place)
        for entries in bundles_from(self._read, place, size, newest):
            leaves += map(leaf_hash, entries)
            if len(leaves) == TILE_WIDTH:
                before.roots.append(tree_root(leaves))
                leaves.clear()
            more.add(placed_subjects(place, entries), place + len(entries))
            place, newest = place + len(entries), entries[-1] if entries else newest
        return before._replace(size=size, newest=newest, leaves=tuple(leaves)), more

    def _entries_of(self, bundle: int) -> list[bytes]:
        """Entries of a bundle, read again: they must still be those of the tree."""
        held = self._held
        width = min(TILE_WIDTH, held.size - bundle * TILE_WIDTH)
        known = self._bundles.get(bundle)
        if known is not None and len(known) == width:
            return known
        entries = read_bundle(self._read, bundle, width)
        root = held.roots[bundle] if width == TILE_WIDTH else tree_root(held.leaves)
        if tree_root([leaf_hash(entry) for entry in entries]) != root:
            raise KezhengError("log_entries_differ")
        self._bundles.keep(bundle, entries)
        return entries
