"""The packed array: every width against the draft's drawings and a slow model, hostile compression refused."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.status_array import WIDTHS, compress, expand, pack, unpack, value_at


def test_one_bit_as_the_draft_draws_it() -> None:
    values = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    array = pack(dict(enumerate(values)), 16, 1)
    assert array == bytes.fromhex("b9a3")
    assert expand(bytes.fromhex("78dadbb918000217015d"), 2) == array


def test_two_bits_as_the_draft_draws_them() -> None:
    values = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    array = pack(dict(enumerate(values)), 12, 2)
    assert array == bytes.fromhex("c944f9")
    assert expand(bytes.fromhex("78da3be9f2130003df0207"), 3) == array


def values_of(bits: int) -> st.SearchStrategy[list[int]]:
    per_byte = 8 // bits
    return st.lists(st.lists(st.integers(0, 2**bits - 1), min_size=per_byte, max_size=per_byte), max_size=20).map(
        lambda groups: [value for group in groups for value in group]
    )


@settings(max_examples=120)
@given(st.sampled_from(WIDTHS).flatmap(lambda bits: st.tuples(st.just(bits), values_of(bits))))
def test_what_is_packed_is_unpacked_and_found_at_its_place(made: tuple[int, list[int]]) -> None:
    bits, values = made
    array = pack(dict(enumerate(values)), len(values), bits)
    as_number = sum(value << place * bits for place, value in enumerate(values))
    assert array == as_number.to_bytes(len(values) * bits // 8, "little")
    assert list(unpack(array, bits)) == values
    assert [value_at(array, bits, place) for place in range(len(values))] == values
    assert expand(compress(array), len(array)) == array


def test_places_that_are_not_named_hold_zero() -> None:
    assert pack({}, 8, 2) == bytes(2)
    assert unpack(pack({3: 2}, 8, 2), 2) == bytes([0, 0, 0, 2, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("values", "size", "bits"),
    [
        *(({0: 2}, 8, 1), ({0: 4}, 8, 2), ({0: -1}, 8, 2), ({8: 1}, 8, 1), ({-1: 1}, 8, 1)),
        *(({}, 7, 1), ({}, 8, 3), ({}, 8, 0)),
    ],
)
def test_what_does_not_fit_is_no_array(values: dict[int, int], size: int, bits: int) -> None:
    with pytest.raises(ValueError, match=r"outside its range|whole bytes|1, 2, 4 or 8"):
        pack(values, size, bits)


def test_a_place_outside_has_no_value() -> None:
    array = pack({}, 8, 2)
    for place in (-1, 8):
        with pytest.raises(IndexError):
            value_at(array, 2, place)
    for bits in (0, 3, 16):
        with pytest.raises(ValueError, match="bits"):
            unpack(array, bits)


RAW = bytes(range(64)) * 2


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", b""),
        ("no zlib", RAW),
        ("raw DEFLATE without the ZLIB head", compress(RAW)[2:-4]),
        ("cut short", compress(RAW)[:-1]),
        ("checksum changed", compress(RAW)[:-1] + b"\0"),
        ("bytes after the end", compress(RAW) + b"\0"),
        ("one byte less", compress(RAW[:-1])),
        ("one byte more", compress(RAW + b"\0")),
        ("a preset dictionary", b"\x78\xbb" + compress(RAW)[2:]),
    ],
)
def test_other_data_is_malformed(name: str, data: bytes) -> None:
    with pytest.raises(KezhengError) as refused:
        expand(data, len(RAW))
    assert refused.value.code == "status_token_malformed", name


def test_a_bomb_is_not_expanded() -> None:
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)
    tracemalloc.start()
    with pytest.raises(KezhengError, match="status_token_malformed"):
        expand(bomb, 32_768)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1024 * 1024
