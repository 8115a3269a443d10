"""Reading a log on into a cache, in bounded memory: nothing is kept before the root is the checkpoint's."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from certs.complete_log import KeptLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_reading import bundles_from, placed_subjects
from certs.subject_segment import Segment, SegmentTable, in_pages, merged, record_of, segments_to_merge
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import leaf_hash
from certs.tlog.packed_tile import SLOTS, checked_crown, entry_of_slot, pack_tile
from certs.tlog.tile_reader import ReadFile
from certs.tlog.tile_roots import TileRoots
from registry.log_cache.folder import CacheFolder
from registry.log_cache.kept_files import END_LENGTH, ROOT_RECORD, OpenFiles, open_segment
from registry.log_cache.manifest import MANIFEST, SegmentFile, encode_manifest, new_series, read_manifest

SORTED_AT_ONCE = 524_288
"""Entries whose places are sorted in memory, about 25 MB; the segments so made are merged in the end."""
_SIGN_EVERY = 64

Progress = Callable[[int, int], None]
"""Told how many entries have been read, of how many."""


class Reading:
    """One attempt to read a log from what is kept of it, or from its start, up to a checkpoint."""

    def __init__(self, folder: CacheFolder, base: OpenFiles | None, progress: Progress) -> None:
        """``base`` is what is kept; without it a new series begins."""
        self._folder = folder
        self._progress = progress
        self._manifest = new_series() if base is None else base.manifest
        self._kept: KeptLog | None = None if base is None else base.kept
        self._segments: list[tuple[SegmentFile, Segment]] = []
        if base is not None:
            self._segments = [(file, base.segments[file.name]) for file in base.manifest.segments]

    def read_to(self, checkpoint: TrustedCheckpoint, read: ReadFile) -> None:
        """Read on and keep every complete tile.

        Raises KezhengError as `CompleteLog.advance` does, ``log_cache_damaged`` and OSError; nothing is kept then.
        """
        if self._manifest.tiles * TILE_WIDTH > checkpoint.size:
            self._compare_earlier(checkpoint, read)
            return
        try:
            tiles, blocks_end = self._read_tiles(checkpoint, read)
            if tiles > self._manifest.tiles:
                self._commit(tiles, blocks_end)
        finally:
            present = read_manifest(self._folder)
            self._folder.keep_only([] if present is None else present.names)

    def _compare_earlier(self, checkpoint: TrustedCheckpoint, read: ReadFile) -> None:
        """More is kept than the checkpoint covers: it must be part of it."""
        assert self._kept is not None
        kept = self._kept.up_to(checkpoint.size)
        roots, leaves = TileRoots(kept.tile_roots), list[bytes]()
        for entries in bundles_from(read, kept.size, checkpoint.size, b""):
            leaves += map(leaf_hash, entries)
        if roots.tree_root(len(roots), leaves) != checkpoint.root:
            raise KezhengError("log_entries_differ")

    def _read_tiles(self, checkpoint: TrustedCheckpoint, read: ReadFile) -> tuple[int, int]:
        """Write blocks, roots and segments; how many tiles there are then, and where the last block ends."""
        manifest = self._manifest
        roots, leaves = TileRoots(() if self._kept is None else self._kept.tile_roots), list[bytes]()
        places = _Places(self._folder, manifest.tiles * TILE_WIDTH)
        end, start = manifest.blocks_end, manifest.tiles * TILE_WIDTH
        with ExitStack() as files:
            blocks = files.enter_context(self._folder.open_growing(manifest.blocks_file, end))
            ends = files.enter_context(self._folder.open_growing(manifest.roots_file, manifest.tiles * ROOT_RECORD))
            for entries in bundles_from(read, start, checkpoint.size, self._newest()):
                if len(entries) < TILE_WIDTH:
                    leaves += map(leaf_hash, entries)
                    break
                root, block = pack_tile(entries)
                end += len(block)
                blocks.write(block)
                ends.write(root + end.to_bytes(END_LENGTH, "big"))
                places.take(len(roots) * TILE_WIDTH, entries)
                roots.append(root)
                self._tell(len(roots), checkpoint.size)
            if roots.tree_root(len(roots), leaves) != checkpoint.root:
                raise KezhengError("log_entries_differ")
            blocks.sync()
            ends.sync()
        self._progress(checkpoint.size, checkpoint.size)
        self._segments += places.finished(len(roots) * TILE_WIDTH)
        return len(roots), end

    def _newest(self) -> bytes:
        """The last entry that is kept."""
        if self._kept is None or not self._kept.size:
            return b""
        last = len(self._kept.tile_roots) - 1
        crown = checked_crown(self._kept.crown(last), self._kept.tile_roots[last])
        return entry_of_slot(self._kept.slot(last, SLOTS - 1), TILE_WIDTH - 1, crown)

    def _tell(self, tiles: int, size: int) -> None:
        if tiles % _SIGN_EVERY == 0:
            self._folder.give_sign()
            self._progress(tiles * TILE_WIDTH, size)

    def _commit(self, tiles: int, blocks_end: int) -> None:
        """Make few segments of many, then let the manifest name everything."""
        first = segments_to_merge([segment.stop - segment.start for _, segment in self._segments])
        if first < len(self._segments) - 1:
            parts = [segment for _, segment in self._segments[first:]]
            self._segments[first:] = [_write_segment(self._folder, parts[0].start, parts[-1].stop, merged(parts))]
        length = tiles * ROOT_RECORD
        digest = hashlib.sha256(self._folder.read(self._manifest.roots_file, length)).hexdigest()
        files = tuple(file for file, _ in self._segments)
        manifest = replace(
            self._manifest, tiles=tiles, blocks_end=blocks_end, roots_sha256=digest, segments=files
        )
        self._folder.write_whole(MANIFEST, [encode_manifest(manifest)])


class _Places:
    """Records of entries that pass, written as a segment whenever there are many."""

    def __init__(self, folder: CacheFolder, start: int) -> None:
        self._folder = folder
        self._start = start
        self._records: list[int] = []
        self._written: list[tuple[SegmentFile, Segment]] = []

    def take(self, first: int, entries: Sequence[bytes]) -> None:
        """The entries of a tile."""
        if first - self._start >= SORTED_AT_ONCE:
            self._write(first)
        start = self._start
        self._records += [record_of(key, place - start) for key, place in placed_subjects(first, entries)]

    def finished(self, stop: int) -> list[tuple[SegmentFile, Segment]]:
        """All segments, now that the last tile was taken."""
        if stop > self._start:
            self._write(stop)
        return self._written

    def _write(self, stop: int) -> None:
        self._records.sort()
        self._written.append(_write_segment(self._folder, self._start, stop, iter([self._records])))
        self._start, self._records = stop, []


def _write_segment(
    folder: CacheFolder, start: int, stop: int, records: Iterator[Sequence[int]]
) -> tuple[SegmentFile, Segment]:
    """Write sorted records with their table, and open what was written."""
    name, table = f"places-{start}-{stop}-{secrets.token_hex(4)}", SegmentTable()
    with folder.open_growing(name, 0) as file:
        for some in in_pages(records):
            file.write(table.take(some))
            folder.give_sign()
        content = table.content()
        file.write(content)
        file.sync()
    written = SegmentFile(name, start, stop, table.count, hashlib.sha256(content).hexdigest())
    return written, open_segment(folder, written)


