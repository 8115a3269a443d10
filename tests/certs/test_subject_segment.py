"""Sorted records: found as a plain walk finds them, and no page is believed that was changed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.subject_segment import (
    PAGE,
    Segment,
    SegmentTable,
    in_pages,
    key_of,
    merged,
    record_of,
    segment_in_memory,
    segment_of,
    segments_to_merge,
    table_length,
)

KEYS = st.one_of(st.integers(0, 5), st.integers(0, 2**32 - 1), st.just(2**32 - 1))


def segment(keys: list[int], start: int = 1000) -> Segment:
    """Keys in the order of their entries."""
    records = sorted(record_of(key, place) for place, key in enumerate(keys))
    return segment_in_memory(start, start + len(keys), in_pages([records]))


def walked(keys: list[int], key: int, start: int = 1000) -> list[int]:
    return [start + place for place, each in enumerate(keys) if each == key]


def refusal(made: Segment, key: int) -> str | None:
    try:
        made.places(key)
    except KezhengError as error:
        return error.code
    return None


@given(st.lists(KEYS, max_size=400), KEYS)
@settings(max_examples=150)
def test_places_are_those_of_a_walk(keys: list[int], other: int) -> None:
    made = segment(keys)
    for key in {*keys, other}:
        assert made.places(key) == walked(keys, key)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 127, 128, 129, 500])
def test_one_key_over_many_pages(count: int) -> None:
    keys = [5] * 100 + [7] * count + [9] * 100
    made = segment(keys)
    assert [made.places(key) for key in range(4, 11)] == [walked(keys, key) for key in range(4, 11)]


@pytest.mark.parametrize("shape", ["even", "all low", "all high", "two heaps"])
def test_a_large_table_however_its_keys_are_spread(shape: str) -> None:
    span = {"even": 2**32 // 40_000, "all low": 1, "all high": 1, "two heaps": 1}[shape]
    first = {"all high": 2**32 - 40_000}.get(shape, 0)
    keys = [first + place * span for place in range(40_000)]
    if shape == "two heaps":
        keys[20_000:] = [2**32 - 20_000 + place for place in range(20_000)]
    made = segment(keys)
    for place in (0, 1, 63, 64, 65, 19_999, 20_000, 31_415, 39_999):
        assert made.places(keys[place]) == [1000 + place]
    missing = {keys[0] - 1, keys[-1] + 1, 2**31, 2**31 + 7} - set(keys)
    assert [made.places(key) for key in missing if 0 <= key < 2**32] == [[] for key in missing if 0 <= key < 2**32]


def test_what_a_record_keeps_of_a_subject() -> None:
    assert key_of(bytes.fromhex("0102030405")) == 0x01020304
    assert record_of(0x01020304, 7) == 0x0102030400000007


def test_the_bytes_are_records_fences_and_checksums() -> None:
    table = SegmentTable()
    records = [record_of(place * 10, place) for place in range(PAGE + 3)]
    content = b"".join(table.take(some) for some in in_pages([records])) + table.content()
    assert len(content) == len(records) * 8 + table_length(len(records)) == (PAGE + 3 + 4) * 8
    assert struct.unpack(f"={PAGE + 5}Q", content[: (PAGE + 5) * 8]) == (*records, records[0], records[PAGE])
    made = segment_of(0, len(records), table.count, memoryview(content))
    assert made.places(50) == [5]
    for other in (content[:-8], content + bytes(8), b""):
        with pytest.raises(KezhengError, match="log_cache_damaged"):
            segment_of(0, len(records), table.count, memoryview(other))


@given(st.integers(0, 299), st.integers(0, 63), st.data())
@settings(max_examples=40)
def test_a_flipped_bit_of_a_record_is_found_whenever_an_answer_rests_on_it(
    place: int, bit: int, data: st.DataObject
) -> None:
    keys = data.draw(st.lists(st.integers(0, 2000), min_size=300, max_size=300))
    sound = segment(keys)
    table = SegmentTable()
    content = bytearray(b"".join(table.take(some) for some in in_pages([sound.records.tolist()])) + table.content())
    content[place * 8 + bit // 8] ^= 1 << bit % 8
    damaged = segment_of(sound.start, sound.stop, len(keys), memoryview(bytes(content)))
    for key in range(0, 2001, 7):
        found = refusal(damaged, key)
        assert found == "log_cache_damaged" or damaged.places(key) == walked(keys, key)
    hit = sound.records[place] >> 32
    assert refusal(damaged, hit) == "log_cache_damaged"


# --- several of them


@given(st.lists(st.lists(st.integers(0, 50), max_size=200), min_size=1, max_size=5))
@settings(max_examples=60)
def test_merged_they_are_the_segment_of_all_entries(parts: list[list[int]]) -> None:
    start, made = 1000, []
    for keys in parts:
        made.append(segment(keys, start))
        start += len(keys)
    together = segment_in_memory(1000, start, in_pages(merged(made)))
    everything = [key for keys in parts for key in keys]
    assert together.records.tolist() == segment(everything).records.tolist()
    assert all(together.places(key) == walked(everything, key) for key in range(51))


def test_large_ones_are_merged_part_by_part() -> None:
    first, second = segment([place * 7 % 30_011 for place in range(30_000)]), segment([3] * 5000, 31_000)
    parts = list(merged([first, second]))
    assert len(parts) > 5
    assert [record for part in parts for record in part] == sorted(record for part in parts for record in part)


@pytest.mark.parametrize("place", [0, 64, 199])
def test_damage_is_not_passed_on_under_a_new_checksum(place: int) -> None:
    sound = segment([place * 3 for place in range(200)])
    records = bytearray(sound.records.tobytes())
    records[place * 8] ^= 1
    damaged = sound._replace(records=memoryview(bytes(records)).cast("Q"))
    with pytest.raises(KezhengError, match="log_cache_damaged"):
        list(merged([damaged, segment([1], 1200)]))


def test_a_segment_has_places_of_32_bits() -> None:
    far = segment([1], 2**32 + 999)
    with pytest.raises(ValueError, match="32 bits"):
        next(merged([segment([1]), far._replace(stop=2**32 + 1001)]))
    assert list(merged([segment([1]), far._replace(stop=2**32 + 1000)]))


@given(st.lists(st.integers(1, 100), min_size=1, max_size=60))
def test_few_segments_stay_however_they_arrive(arriving: list[int]) -> None:
    lengths: list[int] = []
    for length in arriving:
        lengths.append(length)
        first = segments_to_merge(lengths)
        lengths[first:] = [sum(lengths[first:])]
        assert all(here > 4 * sum(lengths[place + 1 :]) for place, here in enumerate(lengths[:-1]))
    assert sum(lengths) == sum(arriving)


@pytest.mark.parametrize(
    ("lengths", "first"), [([], 0), ([5], 0), ([41, 10], 1), ([40, 10], 0), ([900, 41, 10], 2), ([8] * 9 + [1], 0)]
)
def test_which_are_merged(lengths: list[int], first: int) -> None:
    assert segments_to_merge(lengths) == first


def test_no_record_is_copied_often() -> None:
    lengths, copied = list[int](), 0
    for _ in range(2000):
        lengths.append(1)
        first = segments_to_merge(lengths)
        copied += sum(lengths[first:]) if first < len(lengths) - 1 else 0
        lengths[first:] = [sum(lengths[first:])]
    assert copied < 2000 * 25
