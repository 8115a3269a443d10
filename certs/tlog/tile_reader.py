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
BUNDLES_KEPT = 16
"""Whoever asks for one entry often asks for its neighbours: they are taken out of one file."""


class TileReader:
    """A tree of ``size`` entries with a root that is believed, and files that are not.

    Every method raises KezhengError: ``log_beyond_end`` for what the tree does not have, ``log_tile_missing``,
    ``log_tile_malformed``, ``log_proof_invalid`` for a file that is not of this tree.
    """

    def __init__(self, size: int, root: bytes, read: ReadFile) -> None:
        """Nothing is read before something is asked for."""
        self.size = size
        self.root = root
        self._read = read
        self._tile = lru_cache(TILES_KEPT)(self._authentic_tile)
        self._edge = lru_cache(1)(self._authentic_edge)
        self._bundle = lru_cache(BUNDLES_KEPT)(self._load_bundle)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """The proof of the entry at an index (RFC 6962 §2.1.1), from its sibling to the root's child."""
        self._require(0 <= index < self.size, index)
        return self._path(index, 0, self.size)

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """The proof that this tree continues one of ``old_size`` entries (RFC 6962 §2.1.2)."""
        self._require(0 < old_size <= self.size, old_size)
        return self._subproof(old_size, 0, self.size, is_whole=True)

    def tile(self, level: int, index: int) -> tuple[bytes, ...]:
        """The hashes of a tile, as many as this tree has."""
        self._require(level >= 0 and index >= 0 and self._width(level, index) > 0, index)
        return tuple(self._tile(level, index))

    def entry(self, index: int) -> bytes:
        """The entry at an index, out of its bundle."""
        self._require(0 <= index < self.size, index)
        bundle, place = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, self.size - bundle * TILE_WIDTH)
        entry = self._bundle(bundle, width)[place]
        if self._tile(0, bundle)[place] != leaf_hash(entry):
            raise KezhengError("log_proof_invalid")
        return entry

    def _require(self, is_there: bool, place: int) -> None:
        if not is_there:
            raise KezhengError("log_beyond_end", place=place, size=self.size)

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
        width = self._width(level, index)
        if width < TILE_WIDTH:
            return self._edge()[level]
        above = self._tile(level + 1, index // TILE_WIDTH)
        hashes = self._load(level, index, width)
        if tree_root(hashes) != above[index % TILE_WIDTH]:
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
        """The first hashes of a tile file."""
        content, count = self._read_wide(tile_path(level, index, width), tile_path(level, index), width)
        return tile_hashes(content, count)[:width]

    def _load_bundle(self, index: int, width: int) -> list[bytes]:
        """The entries of a bundle as its file has them; each is compared with the tree when it is asked for."""
        content, count = self._read_wide(bundle_path(index, width), bundle_path(index), width)
        return decode_bundle(content, count)[:width]

    def _read_wide(self, path: str, full_path: str, width: int) -> tuple[bytes, int]:
        """A file and how much is in it; a partial one gives way to the full one once that is there."""
        content = self._read(path)
        if content is not None:
            return content, width
        content = self._read(full_path) if path != full_path else None
        if content is None:
            raise KezhengError("log_tile_missing", path=path)
        return content, TILE_WIDTH


def _split(count: int) -> int:
    """The largest power of two below a count."""
    return 1 << (count - 1).bit_length() - 1
