"""The signed status file: events and facts by index, read with exact shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import NOW, Key, World

from certs.canonical import decode_json, encode_json
from certs.errors import KezhengError
from certs.jws import STATUS_TYPE, TRUST_LIST_TYPE
from certs.status import State, StatusEvent, status_at
from certs.status_list import (
    NO_FACTS,
    NOTHING_RECORDED,
    CertificateFacts,
    StatusEntry,
    open_status_list,
    status_payload,
)

KEY = Key("status")
SECOND = timedelta(seconds=1)
UNTIL = NOW + timedelta(days=1)
EVENT = StatusEvent(State.SUSPENDED, NOW, UNTIL, "under_review", False, None, NOW)
FACTS = CertificateFacts("P000115000001252000001C", date(2025, 10, 20), "国家编号 1", "01")


def payload(**changes: Any) -> dict[str, Any]:
    made = status_payload(7, NOW, NOW + timedelta(hours=72), {5: StatusEntry((EVENT,), FACTS)})
    return decode_json(encode_json(made)) | changes


def opened(content: Any, typ: str = STATUS_TYPE, key: Key = KEY) -> Any:
    return open_status_list(World.jws(typ, key, content), KEY.public_key)


def refusal(content: Any, **options: Any) -> str:
    with pytest.raises(KezhengError) as refused:
        opened(content, **options)
    return refused.value.code


def test_a_file_is_read_as_it_was_written() -> None:
    found = opened(payload())
    assert (found.version, found.issued_at, found.expires_at) == (7, NOW, NOW + timedelta(hours=72))
    assert found.entry(5) == StatusEntry((EVENT,), FACTS)


def test_what_is_not_in_the_file_is_valid() -> None:
    found = opened(payload())
    for index in (0, 4, 6, 2**40):
        assert found.entry(index) is NOTHING_RECORDED
    assert StatusEntry((), NO_FACTS) == NOTHING_RECORDED


instants = st.integers(1_600_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
events = st.builds(
    StatusEvent,
    st.sampled_from([state for state in State if state is not State.EXPIRED]),
    instants,
    st.none() | instants,
    st.sampled_from(["under_review", "correction", "a reason of a newer register"]),
    st.booleans(),
    st.none() | st.just("P000115000001262000008Y"),
    instants,
)
facts = st.builds(
    CertificateFacts,
    st.none() | st.text(min_size=1, max_size=5),
    st.none() | st.dates(date(2021, 1, 1), date(2100, 1, 1)),
    st.none() | st.text(min_size=1, max_size=5),
    st.none() | st.text(min_size=1, max_size=5),
)
entries = st.dictionaries(
    st.integers(0, 2**40), st.builds(StatusEntry, st.lists(events, max_size=3).map(tuple), facts), max_size=4
)


@settings(max_examples=60)
@given(entries)
def test_any_entries_survive_the_file(made: dict[int, StatusEntry]) -> None:
    content = status_payload(1, NOW, NOW + SECOND, made)
    assert opened(content).entries == made
    assert encode_json(content) == encode_json(status_payload(1, NOW, NOW + SECOND, dict(reversed(made.items()))))


@pytest.mark.parametrize(
    ("off", "state"), [(-1, State.SUSPENDED), (0, State.VALID), (1, State.VALID)], ids=["before", "at", "after"]
)
def test_a_suspension_lapses_from_the_same_bytes_with_nothing_running(off: int, state: State) -> None:
    entry = opened(payload()).entry(5)
    assert status_at(entry.events, None, UNTIL + off * SECOND).state is state


def entry_of(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["entries"]["5"]
    return found


def event_of(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = entry_of(content)["events"][0]
    return found


MALFORMED: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("no format", lambda c: c.pop("format")),
    ("another format", lambda c: c.update(format=2)),
    ("no version", lambda c: c.pop("version")),
    ("version that is no number", lambda c: c.update(version="x")),
    ("time as text", lambda c: c.update(iat="2026-11-20")),
    ("time past the calendar", lambda c: c.update(exp=10**18)),
    ("time far past the calendar", lambda c: c.update(exp=1e300)),
    ("entries as a list", lambda c: c.update(entries=[])),
    ("an index that is no number", lambda c: c["entries"].update(x=entry_of(c))),
    ("an entry that is a list", lambda c: c["entries"].update({"5": []})),
    ("no events", lambda c: entry_of(c).pop("events")),
    ("no facts", lambda c: entry_of(c).pop("facts")),
    ("an unknown fact", lambda c: entry_of(c)["facts"].update(colour="red")),
    ("a day that does not exist", lambda c: entry_of(c)["facts"].update(first_issued_on="2026-02-30")),
    ("an unknown state", lambda c: event_of(c).update(state="paused")),
    ("a recorded expiry", lambda c: event_of(c).update(state="expired")),
    ("no start", lambda c: event_of(c).pop("from")),
    ("an end past the calendar", lambda c: event_of(c).update(until=10**18)),
    ("no time of record", lambda c: event_of(c).pop("recorded_at")),
]


@pytest.mark.parametrize("change", [change for _, change in MALFORMED], ids=[name for name, _ in MALFORMED])
def test_a_file_of_another_shape_is_refused_as_a_whole(change: Callable[[dict[str, Any]], Any]) -> None:
    content = payload()
    change(content)
    assert refusal(content) == "status_list_malformed"


def test_only_the_status_key_signs_and_only_this_type() -> None:
    assert refusal(payload(), key=Key("list")) == "jws_signature_wrong"
    assert refusal(payload(), typ=TRUST_LIST_TYPE) == "jws_type_wrong"
