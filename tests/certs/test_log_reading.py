"""Reading bundles on: every entry once, from any place to any other, and none without a head."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from bundle_folder import BundleFolder, bundle_place, certificate
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.log_entry import read_entry, subject_of
from certs.log_reading import bundles_from, placed_subjects, read_bundle, subject_in
from certs.timestamps import LATEST_EPOCH_SECOND

START = 1_795_154_400_000
LATEST = LATEST_EPOCH_SECOND * 1000 + 999
ENTRIES = [certificate(index.to_bytes(32, "big"), START + index) for index in range(700)]


def published(entries: list[bytes]) -> BundleFolder:
    folder = BundleFolder()
    folder.publish(entries)
    return folder


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        call()
    return refused.value.code


@given(st.integers(0, 700), st.integers(0, 700))
def test_entries_from_one_place_to_another(one: int, other: int) -> None:
    start, stop = sorted((one, other))
    newest = ENTRIES[start - 1] if start else b""
    read = list(bundles_from(published(ENTRIES[: max(stop, 1)]).read, start, stop, newest))
    assert [entry for entries in read for entry in entries] == ENTRIES[start:stop]
    assert all(len(entries) <= 256 for entries in read)


def test_each_bundle_is_read_when_it_is_its_turn() -> None:
    folder = published(ENTRIES)
    reading = bundles_from(folder.read, 0, 700, b"")
    next(reading)
    assert folder.asked == [bundle_place(0, 256)]


@pytest.mark.parametrize("late", [LATEST, LATEST + 1])
@pytest.mark.parametrize("length", [9, 49])
def test_a_time_past_the_calendar_is_no_head(late: int, length: int) -> None:
    entry = struct.pack(">BQ", 1, late).ljust(length, b"\0")
    folder = published([*ENTRIES[:5], entry])
    if late == LATEST:
        assert list(bundles_from(folder.read, 0, 6, b"")) == [[*ENTRIES[:5], entry]]
    else:
        assert refusal(lambda: list(bundles_from(folder.read, 0, 6, b""))) == "log_entry_malformed"


@pytest.mark.parametrize("entry", [b"", b"\x01", ENTRIES[5][:8]])
def test_what_is_too_short_is_no_entry_wherever_it_stands(entry: bytes) -> None:
    for entries in ([*ENTRIES[:5], entry], [entry, *ENTRIES[:5]], [*ENTRIES[:3], entry, *ENTRIES[3:5]]):
        folder = published(entries)
        code = refusal(lambda folder=folder: list(bundles_from(folder.read, 0, 6, b"")))  # type: ignore[misc]
        assert code in ("log_entry_malformed", "log_time_decreases")


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_the_entry_before_bounds_the_times(step: int) -> None:
    newest = struct.pack(">BQ", 0, START + 10 - step)
    reading = bundles_from(published(ENTRIES).read, 10, 20, newest)
    if step < 0:
        assert refusal(lambda: list(reading)) == "log_time_decreases"
    else:
        assert list(reading) == [ENTRIES[10:20]]


def test_a_bundle_that_is_not_there_or_none() -> None:
    folder = published(ENTRIES)
    assert refusal(lambda: read_bundle(folder.read, 9, 256)) == "log_unavailable"
    folder.files[bundle_place(0, 256)] += b"\x00"
    assert refusal(lambda: read_bundle(folder.read, 0, 256)) == "log_entries_differ"
    del folder.files[bundle_place(2, 188)]
    assert refusal(lambda: read_bundle(folder.read, 2, 188)) == "log_unavailable"


@given(st.integers(0, 9), st.binary(max_size=60))
def test_the_short_way_to_a_subject_is_the_long_way(kind: int, body: bytes) -> None:
    entry = struct.pack(">BQ", kind, START) + body
    assert subject_in(entry) == subject_of(read_entry(entry))


def test_places_by_subject() -> None:
    clock = struct.pack(">BQ", 0, START)
    assert placed_subjects(7, [clock, ENTRIES[1], clock, ENTRIES[0x102]]) == [(0, 8), (0, 10)]
    head = bytes.fromhex("0a0b0c0d")
    assert placed_subjects(0, [certificate(head + bytes(28), START)]) == [(0x0A0B0C0D, 0)]
