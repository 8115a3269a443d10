"""Roots and proofs of the tree against RFC 6962 taken literally, for every size to 130, and every proof tampered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import merkle_reference as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.tlog.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

MOST = 130
ENTRIES = [hashlib.sha512(bytes([number])).digest()[: number % 40] for number in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@cache
def root(size: int) -> bytes:
    return reference.mth(ENTRIES[:size])


@cache
def path(index: int, size: int) -> tuple[bytes, ...]:
    return tuple(reference.path(index, ENTRIES[:size]))


@cache
def proof(old_size: int, size: int) -> tuple[bytes, ...]:
    return tuple(reference.proof(old_size, ENTRIES[:size]))


def includes(leaf: bytes, index: int, size: int, hashes: tuple[bytes, ...], of: bytes) -> bool:
    return holds(lambda: verify_inclusion(leaf, index, size, hashes, of))


def continues(old_size: int, old_root: bytes, size: int, new_root: bytes, hashes: tuple[bytes, ...]) -> bool:
    return holds(lambda: verify_consistency(old_size, old_root, size, new_root, hashes))


def holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except KezhengError as error:
        assert error.code == "log_proof_invalid"
        return False
    return True


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert tree_root([]) == EMPTY_ROOT == bytes.fromhex(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_leaf_and_node_hashes_are_of_two_domains() -> None:
    assert leaf_hash(b"") == hashlib.sha256(b"\0").digest()
    assert node_hash(LEAVES[0], LEAVES[1]) == hashlib.sha256(b"\1" + LEAVES[0] + LEAVES[1]).digest()
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


@pytest.mark.parametrize("size", range(MOST + 1))
def test_the_root_is_that_of_the_rfc(size: int) -> None:
    assert tree_root(LEAVES[:size]) == root(size)


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_entry_is_proved(size: int) -> None:
    for index in range(size):
        assert includes(LEAVES[index], index, size, path(index, size), root(size))


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_older_tree_is_proved(size: int) -> None:
    for old_size in range(1, size + 1):
        assert continues(old_size, root(old_size), size, root(size), proof(old_size, size))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 33, 64, 65, 130])
def test_no_entry_is_proved_at_another_place_or_beyond_the_tree(size: int) -> None:
    for index in range(size):
        for other in (*range(size), size, size + 1, -1, 2**64 - 1):
            assert includes(LEAVES[index], other, size, path(index, size), root(size)) == (other == index)


@pytest.mark.parametrize("size", range(1, 34))
def test_a_path_has_one_length_only(size: int) -> None:
    for index in range(size):
        whole = path(index, size)
        assert not includes(LEAVES[index], index, size, (*whole, root(size)), root(size))
        assert not includes(LEAVES[index], index, size, (root(size), *whole), root(size))
        if whole:
            assert not includes(LEAVES[index], index, size, whole[:-1], root(size))
            assert not includes(LEAVES[index], index, size, whole[1:], root(size))


@pytest.mark.parametrize("size", range(1, 34))
def test_no_consistency_is_proved_for_other_sizes_or_roots(size: int) -> None:
    for old_size in range(1, size + 1):
        hashes = proof(old_size, size)
        for other in range(-1, size + 3):
            if other != old_size:
                assert not continues(other, root(old_size), size, root(size), hashes)
        assert not continues(old_size, EMPTY_ROOT, size, root(size), hashes)
        assert not continues(old_size, root(old_size), size, EMPTY_ROOT, hashes)
        assert not continues(old_size, root(old_size), size, root(size), (*hashes, root(size)))
        assert not continues(old_size, root(old_size), size, root(size), (root(old_size), *hashes))
        if hashes:
            assert not continues(old_size, root(old_size), size, root(size), hashes[:-1])
            assert not continues(old_size, root(old_size), size, root(size), hashes[1:])


def test_an_empty_older_tree_and_a_larger_one_are_refused() -> None:
    assert not continues(0, EMPTY_ROOT, 8, root(8), ())
    assert not continues(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    assert not continues(9, root(9), 8, root(8), ())
    assert not continues(8, root(8), 8, root(9), ())
    assert not includes(LEAVES[0], 0, 0, (), EMPTY_ROOT)


def test_hashes_of_another_length_are_refused() -> None:
    assert not includes(LEAVES[0], 0, 2, (LEAVES[1] + b"\0",), root(2))
    assert not includes(LEAVES[0][:-1], 0, 2, (LEAVES[0][-1:] + LEAVES[1],), root(2))
    assert not continues(1, root(1)[:-1], 2, root(2), (root(1)[-1:] + LEAVES[1],))
    assert not continues(1, root(1), 2, root(2), ())


@given(size=st.integers(2, MOST), data=st.data())
def test_one_flipped_bit_breaks_an_inclusion_proof(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    parts = [LEAVES[index], *path(index, size), root(size)]
    leaf, *hashes, of = flipped(parts, data)
    assert not includes(leaf, index, size, tuple(hashes), of)


@given(size=st.integers(2, MOST), data=st.data())
def test_one_flipped_bit_breaks_a_consistency_proof(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, size - 1))
    old, *hashes, new = flipped([root(old_size), *proof(old_size, size), root(size)], data)
    assert not continues(old_size, old, size, new, tuple(hashes))


def flipped(parts: list[bytes], data: st.DataObject) -> list[bytes]:
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, HASH_SIZE * 8 - 1))
    changed = (int.from_bytes(parts[which], "big") ^ (1 << bit)).to_bytes(HASH_SIZE, "big")
    return [changed if place == which else part for place, part in enumerate(parts)]
