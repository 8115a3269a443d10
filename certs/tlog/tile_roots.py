"""The roots of all complete tiles of a growing tree, at every level: enough to know the root of any earlier size.

A hash for every 256 entries, and one more for every 256 of those. What stands in an unfinished tile of leaves is kept
elsewhere and given where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import EMPTY_ROOT, tree_root


class TileRoots:
    """Roots by level, those of leaf tiles lowest. Only its end changes, so that others may read what is before it."""

    def __init__(self, roots: Iterable[bytes] = ()) -> None:
        """``roots`` are those of the leaf tiles."""
        self._levels: list[list[bytes]] = [[]]
        for root in roots:
            self.append(root)

    def __len__(self) -> int:
        """How many leaf tiles are complete."""
        return len(self._levels[0])

    def __getitem__(self, tile: int) -> bytes:
        """The root of a leaf tile."""
        return self._levels[0][tile]

    def append(self, root: bytes) -> None:
        """The next leaf tile is complete; and with it perhaps tiles above."""
        level = 0
        self._levels[0].append(root)
        while len(self._levels[level]) % TILE_WIDTH == 0:
            root = tree_root(self._levels[level][-TILE_WIDTH:])
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(root)

    def cut(self, tiles: int) -> None:
        """Go back to so many leaf tiles."""
        for level in self._levels:
            del level[tiles:]
            tiles //= TILE_WIDTH

    def tree_root(self, tiles: int, leaves: Sequence[bytes] = ()) -> bytes:
        """The root of the first leaf tiles with leaf hashes after them, fewer than a tile has (RFC 6962 §2.1)."""
        below = [tree_root(leaves)] if leaves else []
        for level in self._levels:
            hashes = level[tiles - tiles % TILE_WIDTH : tiles] + below
            below = [tree_root(hashes)] if hashes else []
            tiles //= TILE_WIDTH
        return below[0] if below else EMPTY_ROOT
