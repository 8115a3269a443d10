"""Proofs and entries out of tile files: those of the RFC for every size, and nothing from a file that lies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import merkle_reference as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import EMPTY_ROOT, leaf_hash, tree_root, verify_consistency, verify_inclusion
from certs.tlog.tile_reader import TileReader
from certs.tlog.tiles import bundle_path, encode_bundle, encode_tile, tile_path

LARGE = TILE_WIDTH**2 + 3 * TILE_WIDTH + 5
EDGES = [255, 256, 257, 511, 512, 513, 65535, 65536, 65537, LARGE]
PLACES = [0, 1, 254, 255, 256, 257, 511, 65279, 65280, 65535, 65536, LARGE - 1]
FULL_TILES = [tile_path(0, 0), tile_path(0, 1), tile_path(0, 255), tile_path(1, 0)]
EDGE_TILES = [tile_path(0, 259, 5), tile_path(1, 1, 3), tile_path(2, 0, 1)]


def entry(index: int) -> bytes:
    return index.to_bytes(3, "big")


@cache
def entries(size: int) -> list[bytes]:
    return [entry(index) for index in range(size)]


@cache
def files(size: int) -> dict[str, bytes]:
    """All that a log of this size has published last."""
    found, level = {}, 0
    hashes = [leaf_hash(each) for each in entries(size)]
    for start in range(0, size, TILE_WIDTH):
        part = entries(size)[start : start + TILE_WIDTH]
        found[bundle_path(start // TILE_WIDTH, len(part))] = encode_bundle(part)
    while hashes:
        parts = [hashes[start : start + TILE_WIDTH] for start in range(0, len(hashes), TILE_WIDTH)]
        found |= {tile_path(level, index, len(part)): encode_tile(part) for index, part in enumerate(parts)}
        hashes = [tree_root(part) for part in parts if len(part) == TILE_WIDTH]
        level += 1
    return found


@cache
def root(size: int) -> bytes:
    return reference.mth(entries(size))


def reader(size: int, published: dict[str, bytes] | None = None) -> TileReader:
    return TileReader(size, root(size), (files(size) if published is None else published).get)


def refusal(act: Callable[[], object]) -> KezhengError:
    with pytest.raises(KezhengError) as refused:
        act()
    return refused.value


@pytest.mark.parametrize("size", range(1, 131))
def test_proofs_are_those_of_the_rfc_for_every_small_size(size: int) -> None:
    tree = reader(size)
    for index in range(size):
        assert tree.inclusion_proof(index) == reference.path(index, entries(size))
        assert tree.entry(index) == entry(index)
        assert tree.consistency_proof(index + 1) == reference.proof(index + 1, entries(size))


@pytest.mark.parametrize("size", [256, 257, 512, 700])
def test_proofs_are_those_of_the_rfc_at_the_border_of_a_tile(size: int) -> None:
    tree = reader(size)
    for index in [place for place in (*range(0, size, 61), *PLACES) if place < size]:
        assert tree.inclusion_proof(index) == reference.path(index, entries(size))
        assert tree.consistency_proof(index + 1) == reference.proof(index + 1, entries(size))


@pytest.mark.parametrize("size", EDGES)
def test_proofs_out_of_several_levels_verify(size: int) -> None:
    tree = reader(size)
    for index in [place for place in PLACES if place < size] + [size - 1]:
        verify_inclusion(leaf_hash(tree.entry(index)), index, size, tree.inclusion_proof(index), root(size))
    for old_size in [*(old for old in EDGES if old <= size), 1, size - 1]:
        verify_consistency(old_size, root(old_size), size, root(size), tree.consistency_proof(old_size))


@settings(max_examples=40)
@given(st.integers(1, LARGE), st.data())
def test_any_two_trees_are_consistent(size: int, data: st.DataObject) -> None:
    """The files are those of the larger log: what it has beyond this tree is not used."""
    old_size = data.draw(st.integers(1, size))
    leaves = [leaf_hash(each) for each in entries(LARGE)[:size]]
    tree = TileReader(size, tree_root(leaves), Grown(size))
    verify_consistency(old_size, tree_root(leaves[:old_size]), size, tree.root, tree.consistency_proof(old_size))
    verify_inclusion(leaves[old_size - 1], old_size - 1, size, tree.inclusion_proof(old_size - 1), tree.root)


class Grown:
    """The files of a log that was larger later, with the partial tiles of one smaller tree."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __call__(self, path: str) -> bytes | None:
        if path in files(LARGE):
            return files(LARGE)[path]
        whole, _, width = path.partition(".p/")
        for found, data in files(LARGE).items():
            if width and found.partition(".p/")[0] == whole:
                return data[: int(width) * 32]
        return None


@pytest.mark.parametrize(("level", "index", "width"), [(0, 0, 256), (0, 259, 5), (1, 0, 256), (1, 1, 3), (2, 0, 1)])
def test_a_tile_is_as_wide_as_the_tree_makes_it(level: int, index: int, width: int) -> None:
    assert encode_tile(reader(LARGE).tile(level, index)) == files(LARGE)[tile_path(level, index, width)]


def test_nothing_is_proved_beyond_the_end() -> None:
    tree = reader(257)
    beyond: list[Callable[[], object]] = [
        lambda: tree.inclusion_proof(257),
        lambda: tree.inclusion_proof(-1),
        lambda: tree.entry(257),
        lambda: tree.entry(-1),
        lambda: tree.consistency_proof(0),
        lambda: tree.consistency_proof(258),
        lambda: tree.tile(0, 2),
        lambda: tree.tile(0, -1),
        lambda: tree.tile(2, 0),
        lambda: tree.tile(-1, 0),
        lambda: TileReader(0, EMPTY_ROOT, {}.get).entry(0),
    ]
    assert {refusal(act).code for act in beyond} == {"log_beyond_end"}
    assert refusal(beyond[0]).params == {"place": 257, "size": 257}


@pytest.mark.parametrize("path", FULL_TILES + EDGE_TILES)
@pytest.mark.parametrize("byte", [0, -1])
def test_one_flipped_bit_of_a_tile_is_found(path: str, byte: int) -> None:
    data = bytearray(files(LARGE)[path])
    data[byte] ^= 1
    tree = reader(LARGE, files(LARGE) | {path: bytes(data)})
    index = place_below(path)
    assert refusal(lambda: tree.inclusion_proof(index)).code == "log_proof_invalid"
    assert refusal(lambda: tree.entry(index)).code == "log_proof_invalid"


def place_below(path: str) -> int:
    """An entry whose proof needs this tile."""
    return {tile_path(0, 1): 256, tile_path(0, 255): 65280, tile_path(0, 259, 5): LARGE - 1}.get(path, 0)


@pytest.mark.parametrize("path", FULL_TILES + EDGE_TILES)
def test_another_tile_in_its_place_is_found(path: str) -> None:
    size = len(files(LARGE)[path])
    other = next(data for found, data in files(LARGE).items() if found == tile_path(0, 7))[:size]
    tree = reader(LARGE, files(LARGE) | {path: other})
    assert refusal(lambda: tree.inclusion_proof(place_below(path))).code == "log_proof_invalid"


@pytest.mark.parametrize("path", FULL_TILES + EDGE_TILES)
@pytest.mark.parametrize("change", [b"", b"\0"])
def test_a_tile_of_another_length_is_malformed(path: str, change: bytes) -> None:
    data = files(LARGE)[path]
    tree = reader(LARGE, files(LARGE) | {path: data + change if change else data[:-1]})
    assert refusal(lambda: tree.inclusion_proof(place_below(path))).code == "log_tile_malformed"


@pytest.mark.parametrize("path", FULL_TILES + EDGE_TILES)
def test_a_missing_tile_is_named(path: str) -> None:
    tree = reader(LARGE, {found: data for found, data in files(LARGE).items() if found != path})
    refused = refusal(lambda: tree.inclusion_proof(place_below(path)))
    assert (refused.code, refused.params) == ("log_tile_missing", {"path": path})


def test_another_root_or_size_makes_every_tile_a_lie() -> None:
    for size, of in ((LARGE, EMPTY_ROOT), (LARGE, root(LARGE - 1))):
        tree = TileReader(size, of, files(LARGE).get)
        assert refusal(partial(tree.inclusion_proof, 0)).code == "log_proof_invalid"


def test_a_tile_that_lied_is_read_again_once_it_is_right() -> None:
    published = files(LARGE) | {tile_path(0, 0): bytes(8192)}
    tree = reader(LARGE, published)
    assert refusal(lambda: tree.inclusion_proof(3)).code == "log_proof_invalid"
    published[tile_path(0, 0)] = files(LARGE)[tile_path(0, 0)]
    verify_inclusion(leaf_hash(entry(3)), 3, LARGE, tree.inclusion_proof(3), root(LARGE))


def test_an_authenticated_tile_is_not_read_twice() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return files(LARGE).get(path)

    tree = TileReader(LARGE, root(LARGE), read)
    assert asked == []
    for _ in range(2):
        tree.inclusion_proof(0)
    assert len(asked) == len(set(asked)) <= 2 + len(EDGE_TILES)


@pytest.mark.parametrize("size", [257, 300, LARGE])
def test_full_files_take_the_place_of_partial_ones(size: int) -> None:
    """The log grew, and its partial tiles are gone: the full ones begin with the same hashes and entries."""
    later = files(LARGE) if size < LARGE else files(LARGE + TILE_WIDTH)
    grown = {path: data for path, data in later.items() if ".p/" not in path}
    grown |= {path: data for path, data in files(size).items() if path.startswith(("tile/1/", "tile/2/"))}
    tree = reader(size, grown)
    assert tree.entry(size - 1) == entry(size - 1)
    assert tree.tile(0, (size - 1) // TILE_WIDTH)[-1] == leaf_hash(entry(size - 1))
    verify_inclusion(leaf_hash(entry(size - 1)), size - 1, size, tree.inclusion_proof(size - 1), root(size))


def test_a_partial_file_is_not_taken_for_another_width() -> None:
    tree = reader(300, {path.replace(".p/44", ".p/45"): data for path, data in files(300).items()})
    assert refusal(lambda: tree.entry(299)).code == "log_tile_missing"


@pytest.mark.parametrize("index", [0, 256, LARGE - 1])
def test_an_entry_that_is_not_the_trees_is_found(index: int) -> None:
    bundle, place = divmod(index, TILE_WIDTH)
    part = entries(LARGE)[bundle * TILE_WIDTH :][:TILE_WIDTH]
    path = bundle_path(bundle, len(part))
    false = [*part[:place], b"abc", *part[place + 1 :]]
    refusals = {
        "log_proof_invalid": encode_bundle(false),
        "log_tile_malformed": encode_bundle(part)[:-1],
        "log_tile_missing": None,
    }
    for code, data in refusals.items():
        published = {found: content for found, content in files(LARGE).items() if found != path}
        tree = reader(LARGE, published | ({path: data} if data else {}))
        assert refusal(partial(tree.entry, index)).code == code
