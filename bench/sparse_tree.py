"""A tree of any length of which only some entries are told; all others are one and the same.

What such others are hashed to is known for every size of subtree, so that nothing of them is ever made; a reader
notices no difference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from certs.tlog.frontier import TILE_HEIGHT, TILE_WIDTH
from certs.tlog.merkle import leaf_hash, node_hash
from certs.tlog.tiles import bundle_path, encode_bundle, encode_tile, tile_path

ENTRY = bytes(49)
"""What nobody asks for: as long as a certificate's entry."""


class SparseTree:
    """A tree of ``size`` entries, those of ``entries`` at their places."""

    def __init__(self, size: int, entries: Mapping[int, bytes]) -> None:
        self.size = size
        self._entries = entries
        self._places = sorted(entries)
        self._others = [leaf_hash(ENTRY)]
        while 1 << len(self._others) <= size:
            self._others.append(node_hash(self._others[-1], self._others[-1]))
        self._hash = cache(self._hash_between)

    def root(self) -> bytes:
        return self._hash(0, self.size)

    def entry(self, index: int) -> bytes:
        return self._entries.get(index, ENTRY)

    def files(self, places: Iterable[int]) -> Iterator[tuple[str, bytes]]:
        """By path: the unfinished tile of each level, the tiles that lead to the places, the bundles they are in."""
        bundles, level = {place // TILE_WIDTH for place in places}, 0
        for index in sorted(bundles):
            found = range(index * TILE_WIDTH, min(self.size, (index + 1) * TILE_WIDTH))
            yield bundle_path(index, len(found)), encode_bundle([self.entry(place) for place in found])
        while self.size >> TILE_HEIGHT * level:
            last = self.size >> TILE_HEIGHT * (level + 1)
            for index in sorted({index >> TILE_HEIGHT * level for index in bundles} | {last}):
                if width := min(TILE_WIDTH, (self.size >> TILE_HEIGHT * level) - index * TILE_WIDTH):
                    yield tile_path(level, index, width), encode_tile(self._tile(level, index, width))
            level += 1

    def _tile(self, level: int, index: int, width: int) -> list[bytes]:
        unit = TILE_WIDTH**level
        first = index * TILE_WIDTH
        return [self._hash(place * unit, (place + 1) * unit) for place in range(first, first + width)]

    def _hash_between(self, start: int, stop: int) -> bytes:
        count = stop - start
        if not count & (count - 1) and not self._has_any(start, stop):
            return self._others[count.bit_length() - 1]
        if count == 1:
            return leaf_hash(self._entries[start])
        middle = start + (1 << (count - 1).bit_length() - 1)
        return node_hash(self._hash(start, middle), self._hash(middle, stop))

    def _has_any(self, start: int, stop: int) -> bool:
        return bisect_left(self._places, start) < bisect_left(self._places, stop)
