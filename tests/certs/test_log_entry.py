"""Entries of the register, byte for byte: each layout is held against one written by hand from its description."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_log import SimulatedLog, listing_events
from simulator import NOW, World

from certs.errors import KezhengError
from certs.institution import DatedName, EventKind
from certs.log_entry import (
    EntryKind,
    KeyAct,
    ListingAct,
    LogBody,
    LogEntry,
    approval_body,
    certificate_body,
    change_body,
    clock_body,
    entry_bytes,
    file_body,
    grant_body,
    is_about,
    is_theft,
    key_body,
    listing_body,
    logged_at_of,
    read_entry,
    status_body,
    subject_of,
    theft_time,
)
from certs.qr import read_qr_text
from certs.status import State, StatusEvent

DIGEST = bytes(range(32))
KID = b"\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8"
PUBLIC = bytes(range(100, 132))
CODE = "P000115000001"
FROM = datetime(2026, 11, 20, 6, 0, 0, 999_999, tzinfo=UTC)  # 1795154400 s
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)  # 1798761600 s
LAST_MS = 253_402_271_999_999
"""The last millisecond of the year 9999 in China."""


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def status_event(state: State, until: datetime | None = None, void: bool = False) -> StatusEvent:
    return StatusEvent(state, FROM, until, "under_review", void, None, FROM)


def status_layout(state: int, void: int, until: int) -> bytes:
    return DIGEST + struct.pack(">BBQQ", state, void, 1_795_154_400, until)


RECORD = '{"a":1,"b":["\u4e00"]}'.encode()
"""Canonical JSON: members in order, no spaces, text as itself."""
LISTED = sha256(RECORD)
KEYED = sha256(PUBLIC)
EFFECT = struct.pack(">Q", 1_795_154_400_999)

LAYOUTS: dict[str, tuple[LogBody, int, bytes, bytes]] = {
    "clock": (clock_body(), 0, bytes(32), b""),
    "certificate": (certificate_body(KID, DIGEST), 1, DIGEST, KID + DIGEST),
    "reinstated": (status_body(DIGEST, status_event(State.VALID)), 2, DIGEST, status_layout(0, 0, 0)),
    "revoked": (status_body(DIGEST, status_event(State.REVOKED, void=True)), 2, DIGEST, status_layout(1, 1, 0)),
    "suspended": (
        status_body(DIGEST, status_event(State.SUSPENDED, UNTIL)),
        2,
        DIGEST,
        status_layout(2, 0, 1_798_761_600),
    ),
    "cancelled": (status_body(DIGEST, status_event(State.CANCELLED)), 2, DIGEST, status_layout(3, 0, 0)),
    "superseded": (status_body(DIGEST, status_event(State.SUPERSEDED)), 2, DIGEST, status_layout(4, 0, 0)),
    "granted": (grant_body(CODE, {"b": ["一"], "a": 1}), 3, LISTED, b"\x01P000115000001" + LISTED),
    "listing changed": (
        listing_body(ListingAct.CHANGED, CODE, {"b": ["一"], "a": 1}),
        3,
        LISTED,
        b"\x02P000115000001" + LISTED,
    ),
    "key added": (key_body(KeyAct.ADDED, PUBLIC, FROM), 4, KEYED, b"\x01" + EFFECT + KEYED),
    "key retired": (key_body(KeyAct.RETIRED, PUBLIC, FROM), 4, KEYED, b"\x02" + EFFECT + KEYED),
    "key compromised": (key_body(KeyAct.COMPROMISED, PUBLIC, FROM), 4, KEYED, b"\x03" + EFFECT + KEYED),
    "trust list": (file_body(EntryKind.TRUST_LIST, b"list"), 5, sha256(b"list"), sha256(b"list")),
    "data file": (file_body(EntryKind.DATA_FILE, b""), 6, sha256(b""), sha256(b"")),
    "approval": (approval_body(DIGEST), 7, DIGEST, DIGEST),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_as_described(name: str) -> None:
    made, kind, subject, body = LAYOUTS[name]
    assert made == LogBody(EntryKind(kind), subject, body)
    entry = entry_bytes(made, 1_795_154_400_123)
    assert entry == bytes([kind]) + bytes.fromhex("000001a1f78a537b") + body
    read = read_entry(entry)
    assert read == LogEntry(kind, 1_795_154_400_123, body)
    assert read.logged_at == datetime(2026, 11, 20, 6, 0, 0, 123_000, tzinfo=UTC)
    assert subject_of(read) == (None if kind == 0 else subject)


def test_every_kind_has_a_layout() -> None:
    assert {made.kind for made, *_ in LAYOUTS.values()} == set(EntryKind)


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        (EventKind.SUSPEND, 2),
        (EventKind.REINSTATE, 2),
        (EventKind.WITHDRAW, 3),
        (EventKind.REMOVE, 3),
    ],
)
def test_a_listing_that_ends_is_told_from_one_that_changes(kind: EventKind, act: int) -> None:
    assert change_body(CODE, kind, {"a": 1, "b": ["一"]}).body == bytes([act]) + CODE.encode() + LISTED


def test_no_two_kinds_of_event_are_left_out() -> None:
    assert {EventKind.SUSPEND, EventKind.REINSTATE, EventKind.WITHDRAW, EventKind.REMOVE} == set(EventKind)


# --- reading whatever there is


@pytest.mark.parametrize("length", range(9))
def test_an_entry_shorter_than_its_head_is_malformed(length: int) -> None:
    with pytest.raises(KezhengError, match=r"^log_entry_malformed$"):
        read_entry(bytes(length))


@pytest.mark.parametrize(
    ("ms", "is_read"), [(0, True), (LAST_MS - 1, True), (LAST_MS, True), (LAST_MS + 1, False), (2**64 - 1, False)]
)
def test_a_time_ends_with_the_calendar(ms: int, is_read: bool) -> None:
    entry = struct.pack(">BQ", 0, ms)
    if is_read:
        assert read_entry(entry).logged_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
        assert logged_at_of(entry[:9]) == read_entry(entry).logged_at
    else:
        for read in (read_entry, logged_at_of):
            with pytest.raises(KezhengError, match=r"^log_entry_malformed$"):
                read(entry[:9])


MADE = [entry_bytes(made, 1_795_154_400_123) for made, *_ in LAYOUTS.values()]
"""Entries of every kind, to be cut, lengthened and altered."""


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    entry = bytearray(draw(st.sampled_from(MADE)))
    place = draw(st.integers(0, len(entry) - 1))
    entry[place] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(entry)))
    return bytes(entry[:cut]) + draw(st.binary(max_size=40))


@given(st.binary(max_size=120) | damaged())
def test_any_bytes_are_read_as_they_stand_or_refused(entry: bytes) -> None:
    try:
        read = read_entry(entry)
    except KezhengError as error:
        assert error.code == "log_entry_malformed"
        assert len(entry) < 9 or int.from_bytes(entry[1:9], "big") > LAST_MS
        return
    assert bytes([read.kind]) + read.logged_ms.to_bytes(8, "big") + read.body == entry
    subject = subject_of(read)
    assert read.logged_at.tzinfo is UTC
    assert logged_at_of(entry[:9]) == read.logged_at
    assert is_about(entry, subject or entry[-32:]) == (subject is not None)
    assert not is_about(entry, bytes(31) + b"?")
    assert subject is None or (len(subject) == 32 and subject in read.body)
    assert subject is None or 1 <= read.kind <= 7


@pytest.mark.parametrize(
    ("kind", "length", "subject"),
    [
        (0, 32, None),
        (1, 39, None),
        (1, 40, slice(8, 40)),
        (1, 41, None),
        (2, 31, None),
        (2, 32, slice(0, 32)),
        (2, 50, slice(0, 32)),
        (3, 32, None),
        (3, 33, slice(1, 33)),
        (3, 46, slice(14, 46)),
        (4, 32, None),
        (4, 41, slice(9, 41)),
        (5, 31, None),
        (5, 32, slice(0, 32)),
        (6, 33, slice(0, 32)),
        (7, 31, None),
        (7, 32, slice(0, 32)),
        (8, 32, None),
        (255, 40, None),
    ],
)
def test_where_the_subject_stands(kind: int, length: int, subject: slice | None) -> None:
    body = bytes(range(length))
    assert subject_of(LogEntry(kind, 0, body)) == (None if subject is None else body[subject])
    entry = bytes((kind,)) + bytes(8) + body
    starts = range(max(1, length - 31))
    assert [start for start in starts if is_about(entry, body[start : start + 32])] == (
        [] if subject is None else [subject.start]
    )


def test_a_theft_is_told_from_every_other_entry_with_its_time() -> None:
    for name, (made, *_) in LAYOUTS.items():
        entry = read_entry(entry_bytes(made, 1_795_154_400_123))
        assert is_theft(entry) == (name == "key compromised")
    assert theft_time(key_body(KeyAct.COMPROMISED, PUBLIC, FROM).body) == 1_795_154_400_999
    assert not is_theft(LogEntry(EntryKind.KEY, 0, b""))


# --- what a register tells of people


def test_no_entry_holds_a_name_a_number_or_a_reason() -> None:
    world = World()
    code = world.institution(
        "北疆数字技术评价中心", names=(DatedName("北疆数字技术评价中心", date(2024, 1, 1)),)
    )
    world.institution_event(code, EventKind.SUSPEND, date(2026, 6, 1), "rules_violated")
    texts = [world.issue(code, name="阿依古丽·麦麦提", id_tail="123X"), world.issue(code, name="欧阳修文")]
    said = ["阿依古丽", "麦麦提", "欧阳修文", "123X", "北疆数字技术", "rules_violated", "false_documents"]
    said += [*world.envelopes, *(number[-8:] for number in world.envelopes)]
    event = StatusEvent(State.REVOKED, NOW, None, "false_documents", True, "123456789012345678", NOW)
    bodies = [status_body(sha256(read_qr_text(text).envelope), event) for text in texts]
    log: SimulatedLog = world.log()
    entries = [*log.entries, *(entry_bytes(body, 1) for body in bodies)]
    assert len(entries) > len(texts) * 2 + len(listing_events(world.institutions.values(), NOW))
    for entry in entries:
        for text in said:
            assert text.encode() not in entry
            assert text.encode("utf-16-be") not in entry


def test_an_entry_has_no_room_for_more_than_its_digests() -> None:
    """The longest body: institution code and digest, or digest and two times."""
    assert max(len(made.body) for made, *_ in LAYOUTS.values()) == 50
