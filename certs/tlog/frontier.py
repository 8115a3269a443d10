"""The right edge of a growing tree: all that appending needs, whatever the size of the log (C2SP tlog-tiles).

At each level it holds the hashes of the unfinished tile: leaf hashes at level 0, roots of full tiles above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from certs.tlog.merkle import EMPTY_ROOT, tree_root

TILE_WIDTH = 256
"""Hashes in a full tile."""
TILE_HEIGHT = 8
"""Layers of the tree in a tile: TILE_WIDTH = 2 ** TILE_HEIGHT."""


@dataclass(frozen=True, slots=True)
class CompletedTile:
    """A tile that became full: its level, its index within the level, the root of its hashes."""

    level: int
    index: int
    root: bytes


class Frontier:
    """A tree of ``size`` entries that can be appended to. Not safe for two threads at once."""

    def __init__(self, size: int = 0, levels: Sequence[Sequence[bytes]] = ()) -> None:
        """``levels[k]``: the hashes of the unfinished tile at level k. Raises ValueError unless they fit the size."""
        self._size = size
        self._levels = [list(level) for level in levels] or [[]]
        if not _fits(size, self._levels):
            raise ValueError("the hashes of the unfinished tiles do not fit the size")

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self._size

    @property
    def levels(self) -> tuple[tuple[bytes, ...], ...]:
        """The hashes of the unfinished tile at each level, from the leaves up: the partial tiles to publish."""
        return tuple(tuple(level) for level in self._levels)

    def append_hashes(self, hashes: Sequence[bytes]) -> list[CompletedTile]:
        """Append leaf hashes; gives the tiles that became full, each before the one above that holds its root."""
        completed: list[CompletedTile] = []
        start = 0
        while start < len(hashes):
            leaves = self._levels[0]
            taken = hashes[start : start + TILE_WIDTH - len(leaves)]
            leaves.extend(taken)
            self._size += len(taken)
            start += len(taken)
            completed += self._complete_tiles()
        return completed

    def root(self) -> bytes:
        """The root of the tree (RFC 6962 §2.1)."""
        below: list[bytes] = []
        for level in self._levels:
            hashes = [*level, *below]
            below = [tree_root(hashes)] if hashes else []
        return below[0] if below else EMPTY_ROOT

    def copy(self) -> Frontier:
        """The same tree, to be appended to apart."""
        return Frontier(self._size, self._levels)

    def _complete_tiles(self) -> list[CompletedTile]:
        """Take every full tile up into the level above, from the leaves up."""
        completed: list[CompletedTile] = []
        level = 0
        while len(self._levels[level]) == TILE_WIDTH:
            root = tree_root(self._levels[level])
            completed.append(CompletedTile(level, (self._size >> TILE_HEIGHT * (level + 1)) - 1, root))
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(root)
        return completed


def partial_widths(size: int) -> list[int]:
    """How many hashes the unfinished tile has at each level of a tree, from the leaves up to the highest level."""
    widths = []
    while size > 0:
        size, width = divmod(size, TILE_WIDTH)
        widths.append(width)
    return widths


def _fits(size: int, levels: Sequence[Sequence[bytes]]) -> bool:
    return size >= 0 and [len(level) for level in levels] == (partial_widths(size) or [0])
