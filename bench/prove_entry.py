"""The proof of one entry among ten million, out of tile files on the disk, each time by a reader that knows nothing.

Only the files that the sample asks for are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.sparse_tree import ENTRY, SparseTree
from bench.waits import Waited
from certs.tlog.merkle import leaf_hash, verify_inclusion
from certs.tlog.tile_reader import TileReader
from registry.publishing.log_folder import read_log_file

ENTRIES = 10_000_000
SAMPLE = 200
AT_MOST_MS = 5.0


@contextmanager
def proofs() -> Iterator[Waited]:
    tree, random = SparseTree(ENTRIES, {}), Random(1)
    places = [random.randrange(ENTRIES) for _ in range(SAMPLE)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_tiles(folder, tree, places)
        yield Waited("proof of one entry among 10,000,000, from tiles", prover(folder, tree, places), AT_MOST_MS)


def prover(folder: Path, tree: SparseTree, places: list[int]) -> Callable[[], Callable[[], None]]:
    root, turn = tree.root(), iter(places * 1000)

    def prove(index: int) -> None:
        reader = TileReader(tree.size, root, lambda path: read_log_file(folder, path))
        verify_inclusion(leaf_hash(ENTRY), index, tree.size, reader.inclusion_proof(index), root)

    def begin() -> Callable[[], None]:
        index = next(turn)
        return lambda: prove(index)

    return begin


def write_tiles(folder: Path, tree: SparseTree, places: list[int]) -> None:
    for name, content in tree.files(places):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
