"""Places of a log that grows: sorted or not yet, kept earlier or read since, always the same."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import subject_places
from certs.subject_places import SubjectPlaces
from certs.subject_segment import in_pages, key_of, record_of, segment_in_memory


def subject(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def placed(first: int, numbers: list[int]) -> list[tuple[int, int]]:
    """Entries about numbered subjects; a negative number is an entry about nothing."""
    return [(key_of(subject(number)), place) for place, number in enumerate(numbers, first) if number >= 0]


def kept(numbers: list[int]) -> SubjectPlaces:
    records = sorted(record_of(key, place) for key, place in placed(0, numbers))
    return SubjectPlaces([segment_in_memory(0, len(numbers), in_pages([records]))], len(numbers))


def walked(numbers: list[int], number: int) -> list[int]:
    return [place for place, each in enumerate(numbers) if each == number]


@given(st.lists(st.lists(st.integers(-1, 9), max_size=30), max_size=8), st.sampled_from([1, 5, 20, 1000]))
@settings(max_examples=60)
def test_however_it_grows_it_knows_every_place(steps: list[list[int]], recent: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject_places, "RECENT", recent)
        places, overlaid, numbers = SubjectPlaces(), SubjectPlaces(), list[int]()
        for step in steps:
            later = SubjectPlaces(size=len(numbers))
            for at in range(0, len(step), 7):
                later.add(placed(len(numbers) + at, step[at : at + 7]), len(numbers) + len(step[: at + 7]))
            places.add(placed(len(numbers), step), len(numbers) + len(step))
            numbers += step
            overlaid.append(later, len(numbers))
            for number in range(10):
                expected = walked(numbers, number)
                assert places.find(subject(number), len(numbers)) == expected
                assert overlaid.find(subject(number), len(numbers)) == expected


def test_an_earlier_size_knows_earlier_places() -> None:
    numbers = [1, 2, 1, 3, 1]
    places = SubjectPlaces()
    places.add(placed(0, numbers), 5)
    assert [places.find(subject(1), size) for size in range(6)] == [[], [0], [0], [0, 2], [0, 2], [0, 2, 4]]


def test_what_was_kept_comes_first() -> None:
    places = kept([1, 2, 1])
    places.add(placed(3, [2, 1]), 5)
    assert (places.find(subject(1), 5), places.find(subject(2), 5)) == ([0, 2, 4], [1, 3])


def test_kept_segments_may_know_more_than_counts() -> None:
    """A log that another process has read further: what stands there is not known here, or is read again here."""
    whole = kept([1, 2, 1, 1])
    places = SubjectPlaces(whole._kept, 2)
    assert places.find(subject(1), 9) == [0]
    places.add(placed(2, [1, 1]), 4)
    assert places.find(subject(1), 4) == [0, 2, 3]


def test_a_million_would_not_lie_in_a_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_places, "RECENT", 100)
    places = SubjectPlaces()
    for first in range(0, 5000, 50):
        places.add(placed(first, list(range(first, first + 50))), first + 50)
    assert len(places._held.recent) < 100
    assert len(places._held.segments) <= 4
    assert all(places.find(subject(number), 5000) == [number] for number in range(0, 5000, 37))
