"""Paths and files of tiles and entry bundles, at the borders of their numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.tlog.tiles import bundle_path, decode_bundle, encode_bundle, encode_tile, tile_hashes, tile_path


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 999, 256, "tile/0/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (0, 1067, 8, "tile/0/x001/067.p/8"),
        (1, 1234067, 256, "tile/1/x001/x234/067"),
        (63, 999999, 255, "tile/63/x999/999.p/255"),
        (2, 1000000, 1, "tile/2/x001/x000/000.p/1"),
    ],
)
def test_a_tile_lies_where_the_specification_says(level: int, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path
    assert bundle_path(index, width) == path.replace(f"tile/{level}", "tile/entries")


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_numbers_outside_their_range_name_no_tile(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError, match="a tile has"):
        tile_path(level, index, width)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_the_length_of_an_entry_takes_two_bytes() -> None:
    assert encode_bundle([b"", b"ab", bytes(256)]) == b"\0\0" + b"\0\2ab" + b"\1\0" + bytes(256)
    longest = bytes(65535)
    assert decode_bundle(encode_bundle([longest]), 1) == [longest]
    assert refusal(lambda: encode_bundle([bytes(65536)])) == "log_tile_malformed"


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=9), st.data())
def test_a_bundle_cut_anywhere_is_malformed(entries: list[bytes], data: st.DataObject) -> None:
    whole = encode_bundle(entries)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert refusal(lambda: decode_bundle(whole[:cut], len(entries))) == "log_tile_malformed"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_bundle_of_more_or_fewer_entries_is_malformed(count: int) -> None:
    assert refusal(lambda: decode_bundle(encode_bundle([b"a", b"b"]), count)) == "log_tile_malformed"


@pytest.mark.parametrize("width", [0, 1, 3])
def test_a_tile_of_another_width_is_malformed(width: int) -> None:
    tile = encode_tile([bytes(32), bytes([1] * 32)])
    assert tile_hashes(tile, 2) == [bytes(32), bytes([1] * 32)]
    assert refusal(lambda: tile_hashes(tile, width)) == "log_tile_malformed"
    assert refusal(lambda: tile_hashes(tile[:-1], 2)) == "log_tile_malformed"


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        act()
    return refused.value.code
