"""Institutions as dated facts, and the JSON form in which the trust list carries them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import Key, World

from certs.canonical import decode_json, encode_json
from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.institution import (
    DatedName,
    EventKind,
    InstitutionEvent,
    InstitutionRecord,
    Scope,
    SigningKey,
    Site,
)
from certs.institution_json import institution_from_json, institution_to_json
from certs.signing_key import kid_of

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
RECORDED = datetime(2026, 1, 1, tzinfo=UTC)
SUSPEND, REINSTATE, WITHDRAW, REMOVE = EventKind


def record(*events: tuple[EventKind, date], **changes: Any) -> InstitutionRecord:
    world = World()
    made = [InstitutionEvent(kind, on, "x", RECORDED + place * SECOND) for place, (kind, on) in enumerate(events)]
    return world.institutions[world.institution(events=tuple(made), **changes)]


def june(day: int) -> date:
    return date(2026, 6, day)


# --- names and sites


def test_a_name_holds_from_its_first_day() -> None:
    names = (DatedName("甲中心", june(1)), DatedName("乙中心", june(10)))
    named = record(names=names)
    said = {day: named.name_on(day) for day in (june(1), june(9), june(10), june(30))}
    assert list(said.values()) == ["甲中心", "甲中心", "乙中心", "乙中心"]
    assert named.name_on(date(1999, 1, 1)) == "甲中心"


def test_a_site_is_in_use_until_the_day_before_its_end() -> None:
    sites = (Site("01", "旧址", "150100", june(1), june(10)), Site("02", "新址", "150200", june(5)))
    moved = record(sites=sites)
    assert moved.site(None, june(4)) == sites[0]
    assert moved.site(None, june(9)) == sites[0]
    assert moved.site(None, june(10)) == sites[1]
    assert moved.site("01", june(10)) is None
    assert moved.site("02", june(4)) is None
    assert moved.site("02", june(5)) == sites[1]
    assert moved.site("03", june(7)) is None
    assert moved.site(None, date(1999, 1, 1)) is None


# --- events


@pytest.mark.parametrize(
    ("events", "suspended"),
    [
        ([], []),
        ([(SUSPEND, june(5))], [5, 6, 7, 8, 9]),
        ([(SUSPEND, june(5)), (REINSTATE, june(7))], [5, 6]),
        ([(SUSPEND, june(5)), (REINSTATE, june(5))], []),
        ([(SUSPEND, june(5)), (REINSTATE, june(7)), (SUSPEND, june(9))], [5, 6, 9]),
        ([(REINSTATE, june(7)), (SUSPEND, june(5))], [5, 6]),
    ],
)
def test_a_suspension_runs_up_to_the_day_of_the_reinstatement(
    events: list[tuple[EventKind, date]], suspended: list[int]
) -> None:
    found = record(*events)
    assert [day for day in range(1, 10) if found.suspended_on(june(day))] == suspended
    assert [day for day in range(1, 10) if not found.listed_on(june(day))] == suspended


@pytest.mark.parametrize(
    ("events", "ended", "removed"),
    [
        ([], None, None),
        ([(WITHDRAW, june(5))], june(5), None),
        ([(REMOVE, june(5))], june(5), june(5)),
        ([(WITHDRAW, june(5)), (REMOVE, june(9))], june(5), june(9)),
        ([(WITHDRAW, june(9)), (REMOVE, june(5))], june(5), june(5)),
        ([(SUSPEND, june(1)), (REINSTATE, june(2))], None, None),
    ],
)
def test_what_ended_a_listing_first_ended_it(
    events: list[tuple[EventKind, date]], ended: date | None, removed: date | None
) -> None:
    found = record(*events)
    end = found.ended_on()
    assert (end.on if end else None, found.removed_on()) == (ended, removed)
    if ended is not None:
        assert found.listed_on(ended - DAY)
        assert not found.listed_on(ended)
        assert found.listed_until() == ended - DAY


@pytest.mark.parametrize(
    ("periods", "until"),
    [
        ([(june(1), june(10))], june(10)),
        ([(june(1), june(10)), (june(5), june(20))], june(20)),
        ([(june(1), june(10)), (june(5), None)], None),
        ([], None),
    ],
)
def test_a_listing_lasts_as_long_as_its_longest_scope(
    periods: list[tuple[date, date | None]], until: date | None
) -> None:
    scopes = tuple(World.scope(valid_from=start, valid_to=end) for start, end in periods)
    found = record(scopes=scopes)
    assert found.listed_until() == until
    if until is not None:
        assert found.listed_on(until)
        assert not found.listed_on(until + DAY)
    assert not found.listed_on(june(1) - DAY)
    assert found.has_scope_on(june(1)) == bool(periods)


@pytest.mark.parametrize(
    ("events", "allowed"),
    [
        ([], {SUSPEND, WITHDRAW, REMOVE}),
        ([(SUSPEND, june(1))], {REINSTATE, WITHDRAW, REMOVE}),
        ([(SUSPEND, june(20))], {SUSPEND, WITHDRAW, REMOVE}),
        ([(SUSPEND, june(1)), (REINSTATE, june(2))], {SUSPEND, WITHDRAW, REMOVE}),
        ([(WITHDRAW, june(1))], {REMOVE}),
        ([(WITHDRAW, june(20))], {REMOVE}),
        ([(SUSPEND, june(1)), (WITHDRAW, june(2))], {REMOVE}),
        ([(REMOVE, june(1))], set()),
        ([(WITHDRAW, june(1)), (REMOVE, june(2))], set()),
    ],
)
def test_which_change_of_a_listing_may_follow(events: list[tuple[EventKind, date]], allowed: set[EventKind]) -> None:
    found = record(*events)
    for kind in EventKind:
        if kind in allowed:
            found.check_event(kind, june(10))
        else:
            with pytest.raises(KezhengError) as refused:
                found.check_event(kind, june(10))
            assert refused.value.code == "institution_event_not_allowed"
            assert refused.value.params == {"kind": kind.value}


def test_records_of_one_code_share_a_hash_and_differ_all_the_same() -> None:
    one = record()
    other = replace(one, province="45")
    assert hash(one) == hash(other)
    assert one != other
    assert len({one, other}) == 2


# --- JSON

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
instants = st.integers(1_000_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
scopes = st.builds(
    Scope,
    names,
    st.none() | st.frozensets(names, max_size=3),
    st.frozensets(st.sampled_from(Grade)),
    st.none() | st.frozensets(st.sampled_from(["15", "1501", "45"])),
    days,
    st.none() | days,
    instants,
    st.none() | names,
    st.none() | names,
)
keys = st.builds(
    lambda public_key, start, end: SigningKey(kid_of(public_key), public_key, start, end),
    st.binary(min_size=32, max_size=32),
    instants,
    st.none() | instants,
)
institutions = st.builds(
    InstitutionRecord,
    st.just("P000115000001"),
    st.sampled_from(CertificateKind),
    st.just("12150000MB0012343X"),
    st.sampled_from(["15", "66"]),
    st.lists(st.builds(DatedName, names, days), min_size=1, max_size=3).map(tuple),
    st.lists(scopes, max_size=3).map(tuple),
    st.lists(st.builds(Site, names, names, st.just("150100"), days, st.none() | days), max_size=2).map(tuple),
    st.lists(st.builds(InstitutionEvent, st.sampled_from(EventKind), days, names, instants), max_size=3).map(tuple),
    st.lists(keys, max_size=2).map(tuple),
    st.none() | st.just("P000115000002"),
)


@settings(max_examples=100)
@given(institutions)
def test_a_record_survives_its_json(made: InstitutionRecord) -> None:
    written = encode_json(institution_to_json(made))
    assert institution_from_json(decode_json(written)) == made
    assert encode_json(institution_to_json(institution_from_json(decode_json(written)))) == written


def test_a_record_is_published_with_these_members_and_no_other() -> None:
    key = Key("x")
    made = institution_to_json(record(keys=(SigningKey(key.kid, key.public_key, RECORDED),)))
    assert set(made) == {
        "code", "kind", "credit_code", "province", "names", "scopes", "sites", "events", "keys", "successor",
    }  # fmt: skip
    assert set(made["scopes"][0]) == {
        "occupation", "directions", "grades", "regions", "valid_from", "valid_to", "granted_at_ms", "log_index",
        "batch", "document",
    }  # fmt: skip
    assert set(made["keys"][0]) == {
        "x", "not_before", "log_index", "retired_at", "retired_log_index", "compromised_at_ms",
        "compromised_log_index",
    }  # fmt: skip
    assert made["scopes"][0]["grades"] == ["junior", "intermediate", "senior"]
