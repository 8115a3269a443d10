"""The proof of one entry among ten million, out of tile files on the disk, each time by a reader that knows nothing.

All entries of the tree have one hash, so that its tiles can be told without making ten million of them; a reader
notices no difference. Only the tiles that the sample asks for are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.waits import Waited
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import leaf_hash, tree_root, verify_inclusion
from certs.tlog.tile_reader import TileReader
from certs.tlog.tiles import encode_tile, tile_path
from registry.publishing.log_folder import read_log_file

ENTRIES = 10_000_000
SAMPLE = 200
AT_MOST_MS = 5.0
ENTRY = bytes(49)
"""As long as a certificate's entry."""


class EqualTree:
    """A tree of equal entries: every complete tile of a level is the same one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._hashes = [leaf_hash(ENTRY)]
        while size >> 8 * len(self._hashes):
            self._hashes.append(tree_root([self._hashes[-1]] * TILE_WIDTH))

    @property
    def levels(self) -> int:
        """How many levels of tiles there are."""
        return len(self._hashes)

    def root(self) -> bytes:
        """The unfinished tiles of all levels, put together from below."""
        below: list[bytes] = []
        for level in range(self.levels):
            together = self.tile(level, self.width(level)) + below
            below = [tree_root(together)] if together else []
        return below[0]

    def width(self, level: int) -> int:
        """Hashes in the last, unfinished tile of a level."""
        return (self.size >> 8 * level) % TILE_WIDTH

    def tile(self, level: int, width: int = TILE_WIDTH) -> list[bytes]:
        """A tile of a level."""
        return [self._hashes[level]] * width


@contextmanager
def proofs() -> Iterator[Waited]:
    tree, random = EqualTree(ENTRIES), Random(1)
    places = [random.randrange(ENTRIES) for _ in range(SAMPLE)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_tiles(folder, tree, places)
        yield Waited("proof of one entry among 10,000,000, from tiles", prover(folder, tree, places), AT_MOST_MS)


def prover(folder: Path, tree: EqualTree, places: list[int]) -> Callable[[], Callable[[], None]]:
    root, turn = tree.root(), iter(places * 1000)

    def prove(index: int) -> None:
        reader = TileReader(tree.size, root, lambda path: read_log_file(folder, path))
        verify_inclusion(leaf_hash(ENTRY), index, tree.size, reader.inclusion_proof(index), root)

    def begin() -> Callable[[], None]:
        index = next(turn)
        return lambda: prove(index)

    return begin


def write_tiles(folder: Path, tree: EqualTree, places: list[int]) -> None:
    """The unfinished tile of each level, and above every place the tiles that lead to it."""
    for level in range(tree.levels):
        complete = tree.size >> 8 * (level + 1)
        asked = {place >> 8 * (level + 1) for place in places}
        for index in sorted(index for index in asked if index < complete):
            write(folder / tile_path(level, index), encode_tile(tree.tile(level)))
        if width := tree.width(level):
            write(folder / tile_path(level, complete, width), encode_tile(tree.tile(level, width)))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
