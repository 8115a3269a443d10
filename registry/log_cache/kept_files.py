"""Opening what a manifest names: roots in memory, segments mapped, packed tiles read one at a time."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from certs.complete_log import KeptLog
from certs.errors import KezhengError
from certs.subject_segment import RECORD_LENGTH, Segment, segment_of
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import HASH_SIZE
from certs.tlog.packed_tile import CROWN_LENGTH, SLOTS
from registry.log_cache.folder import CacheFolder
from registry.log_cache.manifest import Manifest, SegmentFile

END_LENGTH = 8
ROOT_RECORD = HASH_SIZE + END_LENGTH
"""Bytes of a tile's root and, as uint64, big-endian, of the end of its block."""


class OpenFiles(NamedTuple):
    """What is open: the log as it is kept, and its segments by name, for who opens the next manifest."""

    manifest: Manifest
    kept: KeptLog
    segments: Mapping[str, Segment]


class Blocks:
    """The packed tiles in a file. Reading at a place leaves nothing mapped, so that memory does not grow by it."""

    def __init__(self, descriptor: int, ends: Sequence[int]) -> None:
        """The descriptor is closed with this."""
        self._descriptor = descriptor
        self._starts = [0, *ends]
        self._closing = weakref.finalize(self, os.close, descriptor)

    def crown(self, tile: int) -> bytes:
        """The crown of a tile; what could not be read is no crown."""
        return self._read(self._starts[tile], CROWN_LENGTH)

    def slot(self, tile: int, slot: int) -> bytes:
        """A slot of a tile; what could not be read is no slot."""
        start = self._starts[tile] + CROWN_LENGTH
        length = (self._starts[tile + 1] - start) // SLOTS
        return self._read(start + slot * length, length)

    def _read(self, start: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, start)
        except (OSError, ValueError):  # where a damaged end leads to, nothing need be
            return b""


def open_files(
    folder: CacheFolder, manifest: Manifest, report_damage: Callable[[], None], known: Mapping[str, Segment]
) -> OpenFiles:
    """Open all files of a manifest, but for segments that are known. Raises ``log_cache_damaged``, OSError."""
    roots, ends = _read_roots(folder, manifest)
    segments = {each.name: known.get(each.name) or open_segment(folder, each) for each in manifest.segments}
    if _reach(manifest) != manifest.tiles:
        raise KezhengError("log_cache_damaged")
    blocks = Blocks(folder.open_reading(manifest.blocks_file), ends)
    kept = KeptLog(roots, tuple(segments.values()), blocks.crown, blocks.slot, report_damage)
    return OpenFiles(manifest, kept, segments)


def open_segment(folder: CacheFolder, file: SegmentFile) -> Segment:
    """Map a segment; its table is checked now, its pages when they are used. Raises ``log_cache_damaged``, OSError."""
    content = folder.map(file.name)
    segment = segment_of(file.start, file.stop, file.count, content)
    if hashlib.sha256(content[file.count * RECORD_LENGTH :]).hexdigest() != file.table_sha256:
        raise KezhengError("log_cache_damaged")
    return segment


def _read_roots(folder: CacheFolder, manifest: Manifest) -> tuple[list[bytes], list[int]]:
    content = folder.read(manifest.roots_file, manifest.tiles * ROOT_RECORD)
    if hashlib.sha256(content).hexdigest() != manifest.roots_sha256:
        raise KezhengError("log_cache_damaged")
    starts = range(0, len(content), ROOT_RECORD)
    roots = [content[start : start + HASH_SIZE] for start in starts]
    return roots, [int.from_bytes(content[start + HASH_SIZE : start + ROOT_RECORD], "big") for start in starts]


def _reach(manifest: Manifest) -> int:
    """How many tiles the segments cover, one after the other."""
    reached = 0
    for segment in manifest.segments:
        if segment.start != reached:
            return -1
        reached = segment.stop
    return reached // TILE_WIDTH
