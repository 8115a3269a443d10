"""Token Status Lists say at every instant of their life what the status file says, and end before they would not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.status import State, StatusEvent, status_at
from certs.status_array import compress, pack, unpack
from certs.status_list import LIST_SIZE, NO_FACTS, CertificateFacts, StatusEntry
from certs.token_status_list import (
    ARRAY_LENGTH,
    Period,
    TokenState,
    derive_token_list,
    entries_by_list,
    list_and_place,
    next_change,
    read_token_list,
    token_list_bits,
)

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
URI = "https://verify.example.cn/published/status/lists/0.jwt"
LONGEST = Period(NOW, NOW + 72 * HOUR, 5 * timedelta(minutes=1))


def event(state: State, start: datetime = NOW, until: datetime | None = None, **changes: object) -> StatusEvent:
    return StatusEvent(state, start, until, "under_review", False, None, NOW)._replace(**changes)  # type: ignore[arg-type]


def entry(*events: StatusEvent) -> StatusEntry:
    return StatusEntry(events, NO_FACTS)


def states(array: bytes) -> dict[int, int]:
    """The places that are not valid."""
    return {place: value for place, value in enumerate(unpack(array, 2)) if value}


def test_each_state_has_its_type() -> None:
    entries = {
        0: entry(event(State.REVOKED)),
        1: entry(event(State.CANCELLED)),
        2: entry(event(State.SUPERSEDED, successor="P000115000001262000008Y")),
        3: entry(event(State.SUSPENDED)),
        4: entry(event(State.SUSPENDED, NOW - HOUR), event(State.VALID)),
        5: StatusEntry((), CertificateFacts(official_number="1")),
        6: entry(event(State.SUSPENDED, NOW - 2 * HOUR, NOW - HOUR)),
        LIST_SIZE - 1: entry(event(State.REVOKED, NOW + HOUR, void_from_start=True)),
    }
    assert states(token_list_bits(entries, 0, NOW)) == {0: 1, 1: 1, 2: 1, 3: 2, LIST_SIZE - 1: 1}


def test_every_list_holds_its_own_places() -> None:
    entries = {index: entry(event(State.REVOKED)) for index in (7, LIST_SIZE - 1, LIST_SIZE, 3 * LIST_SIZE + 5)}
    entries[2 * LIST_SIZE] = StatusEntry((), CertificateFacts(site="01"))
    found = entries_by_list(entries)
    assert {number: sorted(own) for number, own in found.items()} == {
        0: [7, LIST_SIZE - 1],
        1: [LIST_SIZE],
        3: [3 * LIST_SIZE + 5],
    }
    for number, places in ((0, {7, LIST_SIZE - 1}), (1, {0}), (2, set()), (3, {5})):
        assert states(token_list_bits(entries, number, NOW)).keys() == places
        assert token_list_bits(found.get(number, {}), number, NOW) == token_list_bits(entries, number, NOW)
    assert list_and_place(3 * LIST_SIZE + 5) == (3, 5)


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_suspension_lapses_in_the_list_when_it_lapses_in_the_file(off: int) -> None:
    until = NOW + HOUR
    entries = {5: entry(event(State.SUSPENDED, NOW, until))}
    at = until + off * SECOND
    assert states(token_list_bits(entries, 0, at)) == ({5: 2} if off < 0 else {})
    assert next_change(entries, at) == (until if off < 0 else None)


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_suspension_that_begins_later_begins_in_the_list_as_well(off: int) -> None:
    start = NOW + HOUR
    entries = {5: entry(event(State.SUSPENDED, start))}
    at = start + off * SECOND
    assert states(token_list_bits(entries, 0, at)) == ({} if off < 0 else {5: 2})
    assert next_change(entries, at) == (start if off < 0 else None)


def test_what_changes_nothing_ends_no_list() -> None:
    until = NOW + HOUR
    unchanged = [
        entry(event(State.SUSPENDED, NOW - HOUR), event(State.SUSPENDED, NOW, until)),
        entry(event(State.REVOKED), event(State.SUSPENDED, NOW - HOUR, until)),
        entry(event(State.REVOKED, until, void_from_start=True)),
        entry(event(State.SUSPENDED, NOW - HOUR, until), event(State.VALID)),
    ]
    assert next_change(dict(enumerate(unchanged)), NOW) is None
    assert next_change({}, NOW) is None


def test_the_first_of_all_changes_counts() -> None:
    entries = {
        1: entry(event(State.SUSPENDED, NOW, NOW + 3 * HOUR)),
        2: entry(event(State.SUSPENDED, NOW + 2 * HOUR)),
        3: entry(event(State.CANCELLED, NOW + 4 * HOUR)),
    }
    assert next_change(entries, NOW) == NOW + 2 * HOUR
    assert next_change(entries, NOW + 2 * HOUR) == NOW + 3 * HOUR
    assert next_change(entries, NOW + 3 * HOUR) == NOW + 4 * HOUR
    assert next_change(entries, NOW + 4 * HOUR) is None


instants = st.integers(-6, 12).map(lambda hours: NOW + hours * HOUR)
events = st.builds(
    lambda state, start, length, void, recorded: StatusEvent(
        state, start, None if length is None else start + length * HOUR, "under_review", void, None, recorded
    ),
    st.sampled_from([State.SUSPENDED, State.SUSPENDED, State.VALID, State.REVOKED, State.CANCELLED]),
    instants,
    st.none() | st.integers(1, 6),
    st.booleans(),
    instants,
)


@settings(max_examples=300)
@given(st.lists(st.lists(events, max_size=4), min_size=1, max_size=4))
def test_a_list_is_right_for_as_long_as_it_says(histories: Sequence[Sequence[StatusEvent]]) -> None:
    entries = {place: entry(*history) for place, history in enumerate(histories)}
    made = derive_token_list(entries, 0, URI, LONGEST)
    assert NOW < made.expires_at <= LONGEST.expires_at
    for half_hours in range(1 + int((made.expires_at - NOW) / (HOUR / 2))):
        at = NOW + half_hours * HOUR / 2
        if at < made.expires_at:
            for place, history in enumerate(histories):
                now = status_at(history, None, at).state
                expected = {State.VALID: 0, State.SUSPENDED: 2}.get(now, 1)
                assert made.state(place) == expected
    if made.expires_at < LONGEST.expires_at:
        assert token_list_bits(entries, 0, made.expires_at) != made.array


def test_a_list_ends_with_the_status_file_or_before() -> None:
    calm = derive_token_list({5: entry(event(State.SUSPENDED))}, 0, URI, LONGEST)
    assert (calm.issued_at, calm.expires_at, calm.ttl) == LONGEST
    soon = NOW + 10 * SECOND
    ending = {5: entry(event(State.SUSPENDED, NOW, soon)), LIST_SIZE: entry(event(State.SUSPENDED, NOW, NOW + SECOND))}
    made = derive_token_list(ending, 0, URI, LONGEST)
    assert (made.expires_at, made.ttl) == (soon, 10 * SECOND)
    assert derive_token_list(ending, 1, URI, LONGEST).expires_at == NOW + SECOND
    late = {5: entry(event(State.SUSPENDED, NOW, LONGEST.expires_at + SECOND))}
    assert derive_token_list(late, 0, URI, LONGEST).expires_at == LONGEST.expires_at


def test_a_place_outside_is_no_statement() -> None:
    made = derive_token_list({LIST_SIZE - 1: entry(event(State.REVOKED))}, 0, URI, LONGEST)
    assert made.state(LIST_SIZE - 1) is TokenState.INVALID
    assert made.state(0) is TokenState.VALID
    for place in (-1, LIST_SIZE):
        with pytest.raises(KezhengError) as refused:
            made.state(place)
        assert refused.value.code == "status_place_unknown"


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4, 4711, LIST_SIZE - 1])
def test_a_fourth_answer_is_malformed(place: int) -> None:
    for value in (0, 1, 2):
        array = pack({place: value}, LIST_SIZE, 2)
        assert read_token_list(URI, LONGEST, compress(array)).state(place) == value
    with pytest.raises(KezhengError) as refused:
        read_token_list(URI, LONGEST, compress(pack({place: 3}, LIST_SIZE, 2)))
    assert refused.value.code == "status_token_malformed"


def test_neighbours_do_not_make_a_fourth_answer() -> None:
    array = pack({place: 1 + place % 2 for place in range(LIST_SIZE)}, LIST_SIZE, 2)
    assert len(array) == ARRAY_LENGTH
    assert read_token_list(URI, LONGEST, compress(array)).array == array
