"""Proofs and entries out of tile files, each authenticated against the root before it is used (C2SP tlog-tiles).

A tile's hashes are compared with the hash that the tile above holds for it, up to the root, so a lying tile is found
whatever it is asked for. What was authenticated once is kept for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_HEIGHT, TILE_WIDTH
from certs.tlog.merkle import leaf_hash, tree_root
from certs.tlog.tiles import bundle_path, decode_bundle, tile_hashes, tile_path

ReadFile = Callable[[str], bytes | None]
"""The file at a path below a log's folder, None when there is none."""
TILES_KEPT = 256


class TileReader:
    """A tree of ``size`` entries with a root that is believed, and files that are not."""

    def __init__(self, size: int, root: bytes, read: ReadFile) -> None:
        self.size = size
        self.root = root
        self._read = read
        self._tile = lru_cache(TILES_KEPT)(self._authentic_tile)
        self._edge = lru_cache(1)(self._authentic_edge)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """The proof of the entry at an index (RFC 6962 §2.1.1). Raises ``log_proof_invalid``, ``log_tile_missing``."""
        if not 0 <= index < self.size:
            raise ValueError("not an entry of this tree")
        return self._path(index, 0, self.size)

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """The proof that this tree continues one of ``old_size`` entries (RFC 6962 §2.1.2)."""
        if not 0 < old_size <= self.size:
            raise ValueError("not an older tree of this log")
        return self._subproof(old_size, 0, self.size, is_whole=True)

    def entry(self, index: int) -> bytes:
        """The entry at an index, out of its bundle."""
        if not 0 <= index < self.size:
            raise ValueError("not an entry of this tree")
        bundle, place = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, self.size - bundle * TILE_WIDTH)
        entry = self._bundle(bundle, width)[place]
        if self._tile(0, bundle)[place] != leaf_hash(entry):
            raise KezhengError("log_proof_invalid")
        return entry

    def _path(self, index: int, start: int, stop: int) -> list[bytes]:
        if stop - start == 1:
            return []
        middle = start + _split(stop - start)
        if index < middle:
            return [*self._path(index, start, middle), self._hash(middle, stop)]
        return [*self._path(index, middle, stop), self._hash(start, middle)]

    def _subproof(self, old: int, start: int, stop: int, *, is_whole: bool) -> list[bytes]:
        if old == stop:
            return [] if is_whole else [self._hash(start, stop)]
        middle = start + _split(stop - start)
        if old <= middle:
            return [*self._subproof(old, start, middle, is_whole=is_whole), self._hash(middle, stop)]
        return [*self._subproof(old, middle, stop, is_whole=False), self._hash(start, middle)]

    def _hash(self, start: int, stop: int) -> bytes:
        """The root of the entries from one index up to another, which is a subtree of the tree."""
        count = stop - start
        if count & (count - 1):
            middle = start + _split(count)
            return tree_root([self._hash(start, middle), self._hash(middle, stop)])
        level = (count.bit_length() - 1) // TILE_HEIGHT
        unit = TILE_WIDTH**level
        tile, place = divmod(start // unit, TILE_WIDTH)
        return tree_root(self._tile(level, tile)[place : place + count // unit])

    def _width(self, level: int, index: int) -> int:
        return min(TILE_WIDTH, (self.size >> TILE_HEIGHT * level) - index * TILE_WIDTH)

    def _authentic_tile(self, level: int, index: int) -> list[bytes]:
        hashes = self._load(level, index, self._width(level, index))
        if len(hashes) == TILE_WIDTH and self._width(level + 1, index // TILE_WIDTH) > 0:
            above = self._tile(level + 1, index // TILE_WIDTH)
            if tree_root(hashes) != above[index % TILE_WIDTH]:
                raise KezhengError("log_proof_invalid")
            return hashes
        if self._edge()[level] != hashes:
            raise KezhengError("log_proof_invalid")
        return hashes

    def _authentic_edge(self) -> list[list[bytes]]:
        """The unfinished tile of each level: together they give the root."""
        levels: list[list[bytes]] = []
        while self.size >> TILE_HEIGHT * len(levels):
            level = len(levels)
            count = self.size >> TILE_HEIGHT * level
            width = count % TILE_WIDTH
            levels.append(self._load(level, count // TILE_WIDTH, width) if width else [])
        below: list[bytes] = []
        for hashes in levels:
            together = [*hashes, *below]
            below = [tree_root(together)] if together else []
        if below != [self.root]:
            raise KezhengError("log_proof_invalid")
        return levels

    def _load(self, level: int, index: int, width: int) -> list[bytes]:
        """The first hashes of a tile file; a partial tile gives way to the full one once that is there."""
        content = self._read(tile_path(level, index, width))
        if content is not None:
            return tile_hashes(content, width)
        full = self._read(tile_path(level, index)) if width < TILE_WIDTH else None
        if full is None:
            raise KezhengError("log_tile_missing")
        return tile_hashes(full, TILE_WIDTH)[:width]

    def _bundle(self, index: int, width: int) -> list[bytes]:
        content = self._read(bundle_path(index, width))
        if content is not None:
            return decode_bundle(content, width)
        full = self._read(bundle_path(index)) if width < TILE_WIDTH else None
        if full is None:
            raise KezhengError("log_tile_missing")
        return decode_bundle(full, TILE_WIDTH)[:width]


def _split(count: int) -> int:
    """The largest power of two below a count."""
    return 1 << (count - 1).bit_length() - 1
