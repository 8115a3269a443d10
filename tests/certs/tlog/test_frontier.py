"""The growing edge of a tree: the same root however the entries arrive, every full tile reported once."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.tlog.frontier import TILE_WIDTH, CompletedTile, Frontier
from certs.tlog.merkle import EMPTY_ROOT, tree_root

LEAVES = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(TILE_WIDTH**2 + 600)]
EDGES = [0, 1, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, 66048, len(LEAVES)]


def grown(size: int) -> Frontier:
    frontier = Frontier()
    frontier.append_hashes(LEAVES[:size])
    return frontier


@pytest.mark.parametrize("size", EDGES)
def test_its_root_is_that_of_the_whole_tree(size: int) -> None:
    assert grown(size).root() == tree_root(LEAVES[:size])


def test_one_at_a_time_gives_every_root() -> None:
    frontier = Frontier()
    for size in range(1, 2 * TILE_WIDTH + 3):
        frontier.append_hashes(LEAVES[size - 1 : size])
        assert frontier.root() == tree_root(LEAVES[:size])


@given(cuts=st.lists(st.integers(0, 1400), max_size=8))
def test_batches_do_not_matter(cuts: list[int]) -> None:
    whole, parts = Frontier(), Frontier()
    at_once = whole.append_hashes(LEAVES[:1400])
    bit_by_bit = []
    for start, end in pairwise([0, *sorted(cuts), 1400]):
        bit_by_bit += parts.append_hashes(LEAVES[start:end])
    assert (parts.size, parts.levels, bit_by_bit) == (whole.size, whole.levels, at_once)


def test_full_tiles_are_reported_from_the_leaves_up() -> None:
    completed = Frontier().append_hashes(LEAVES[: TILE_WIDTH**2 + 1])
    leaf_tiles = [
        CompletedTile(0, index, tree_root(LEAVES[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]))
        for index in range(TILE_WIDTH)
    ]
    assert completed == [*leaf_tiles, CompletedTile(1, 0, tree_root([tile.root for tile in leaf_tiles]))]


def test_a_later_tile_has_its_own_index() -> None:
    frontier = grown(3 * TILE_WIDTH - 1)
    assert [(tile.level, tile.index) for tile in frontier.append_hashes(LEAVES[:1])] == [(0, 2)]


@pytest.mark.parametrize("size", EDGES)
def test_it_goes_on_from_what_it_holds(size: int) -> None:
    kept = grown(size)
    again = Frontier(kept.size, kept.levels)
    again.append_hashes(LEAVES[size : size + 300])
    assert again.root() == tree_root([*LEAVES[:size], *LEAVES[size : size + 300]])


def test_its_levels_are_the_widths_of_the_partial_tiles() -> None:
    assert [len(level) for level in grown(66048).levels] == [0, 2, 1]
    assert grown(TILE_WIDTH).levels == ((), (tree_root(LEAVES[:TILE_WIDTH]),))
    assert Frontier().levels == ((),)
    assert Frontier().root() == EMPTY_ROOT


def test_a_copy_grows_apart() -> None:
    frontier = grown(5)
    copy = frontier.copy()
    copy.append_hashes(LEAVES[5:7])
    assert (frontier.size, frontier.root()) == (5, tree_root(LEAVES[:5]))
    assert (copy.size, copy.root()) == (7, tree_root(LEAVES[:7]))


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        (1, [[]]),
        (1, [LEAVES[:2]]),
        (0, [LEAVES[:1]]),
        (-1, [LEAVES[:255]]),
        (256, [LEAVES[:256]]),
        (257, [LEAVES[:1]]),
        (257, [LEAVES[:1], LEAVES[:1], []]),
    ],
)
def test_hashes_that_do_not_fit_the_size_are_refused(size: int, levels: list[list[bytes]]) -> None:
    with pytest.raises(ValueError, match="do not fit the size"):
        Frontier(size, levels)
