"""Roots of complete tiles give the root of every size that was ever passed."""

from __future__ import annotations

import hashlib

import pytest
from merkle_reference import leaf, mth

from certs.tlog.frontier import Frontier
from certs.tlog.merkle import tree_root
from certs.tlog.tile_roots import TileRoots

ENTRIES = [b"%d" % place for place in range(256 * 5 + 100)]
HASHES = [leaf(entry) for entry in ENTRIES]
LEAF_TILES = [mth(ENTRIES[start : start + 256]) for start in range(0, 256 * 5, 256)]
MANY = [hashlib.sha256(b"tile %d" % place).digest() for place in range(256 * 257 + 3)]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 600, 1024, 1279, 1280, 1380])
def test_the_root_of_any_size_is_that_of_the_rfc(size: int) -> None:
    roots = TileRoots(LEAF_TILES)
    tiles = size // 256
    assert roots.tree_root(tiles, HASHES[tiles * 256 : size]) == mth(ENTRIES[:size])


@pytest.mark.parametrize("tiles", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, len(MANY)])
def test_higher_levels_are_those_of_a_growing_edge(tiles: int) -> None:
    roots = TileRoots(MANY)
    expected = tree_root(MANY[:tiles])  # equally large trees: their roots are as leaves
    assert roots.tree_root(tiles) == expected
    widths = tiles, tiles // 256, tiles // 65_536
    levels: list[list[bytes]] = [[], MANY[tiles - tiles % 256 : tiles]]
    for level, width in enumerate(widths[1:], 1):
        span = 256**level
        done = [tree_root(MANY[start : start + span]) for start in range(0, width * span, span)]
        if done:
            levels.append(done[width - width % 256 :])
    if tiles:
        assert Frontier(tiles * 256, levels).root() == expected


def test_a_root_of_a_tile_and_how_many_there_are() -> None:
    roots = TileRoots(LEAF_TILES)
    assert (len(roots), roots[3]) == (5, LEAF_TILES[3])
    assert (len(TileRoots()), TileRoots().tree_root(0)) == (0, mth([]))


@pytest.mark.parametrize("kept", [0, 1, 255, 256, 300, 512])
def test_what_was_cut_off_grows_again(kept: int) -> None:
    roots, whole = TileRoots(MANY[:600]), TileRoots(MANY[:600])
    roots.cut(kept)
    assert len(roots) == kept
    assert roots.tree_root(kept) == tree_root(MANY[:kept])
    for root in MANY[kept:600]:
        roots.append(root)
    assert [roots.tree_root(tiles) for tiles in (0, kept, 600)] == [whole.tree_root(tiles) for tiles in (0, kept, 600)]
