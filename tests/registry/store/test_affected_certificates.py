"""What a stolen key changes, against a look at every entry of the register; on both engines, to the millisecond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_register import DAY, INSTITUTION, NOW, SmallRegister, digest
from sqlalchemy import Row, text

from certs.errors import KezhengError
from certs.log_entry import HEAD_LENGTH
from registry.store.affected_store import (
    CountsOfKey,
    LoggedUnderKey,
    counts_of_key,
    first_place_since,
    logged_under_key,
)
from registry.store.batch_store import add_batch
from registry.store.certificate_states import (
    LoggedCertificate,
    PreparedCertificate,
    SignedCertificate,
    record_logged,
    record_prepared,
    record_released,
    record_signed,
)
from registry.store.engine import ReadTransaction, WriteStore, WriteTransaction
from registry.store.institution_store import InstitutionNameRecord, add_institution
from registry.store.log_store import LogEntryRecord, add_entries, advance_tree, read_tree
from registry.store.signing_key_store import SigningKeyRecord, add_signing_key

OTHER = "P000115000002"
KEYS = {b"kid no 1": INSTITUTION, b"kid no 2": INSTITUTION, b"kid no 3": OTHER, b"kid no 4": OTHER}
OF = {code: [kid for kid, owner in KEYS.items() if owner == code] for code in (INSTITUTION, OTHER)}
COUNT = 8
ALL = text(
    "SELECT c.id, c.number, c.batch_id, c.state, p.kid, g.leaf_index, e.entry FROM certificate c"
    " LEFT JOIN certificate_prepared p ON p.certificate_id = c.id"
    " LEFT JOIN certificate_logged g ON g.certificate_id = c.id"
    " LEFT JOIN log_entry e ON e.leaf_index = g.leaf_index ORDER BY g.leaf_index"
)


def slowly(tx: ReadTransaction, kid: bytes, since_ms: int) -> tuple[CountsOfKey, list[LoggedUnderKey]]:
    """The same answers by reading everything, entry by entry."""
    rows = tx.connection.execute(ALL).all()
    logged = [row for row in rows if row.entry is not None and row.entry[HEAD_LENGTH : HEAD_LENGTH + 8] == kid]
    since = [row for row in logged if time_of(row) >= since_ms]
    waiting = [row for row in rows if row.kid == kid and row.state in ("prepared", "signed")]
    found = [LoggedUnderKey._make((*row[:4], row.leaf_index, time_of(row))) for row in since]
    return CountsOfKey(len(logged) - len(since), len(since), len(waiting)), found


def time_of(row: Row[Any]) -> int:
    return int.from_bytes(row.entry[1:HEAD_LENGTH], "big")


@pytest.fixture
def founded(store: WriteStore) -> list[tuple[int, str]]:
    """Reserved certificates of two institutions, in several batches, with their owners."""
    register = SmallRegister.founded(store)
    second = register.institution._replace(code=OTHER, registration="0002")
    with store.transaction() as tx:
        add_institution(tx, second, InstitutionNameRecord(OTHER, DAY, "另一家"), [], [])
        for kid, owner in KEYS.items():
            add_signing_key(tx, SigningKeyRecord(kid, "institution", owner, digest(kid), NOW))
    owned: list[tuple[int, str]] = []
    for place, owner in enumerate((INSTITUTION, OTHER, INSTITUTION, OTHER)):
        batch = register.batch._replace(id=f"batch-of-{place}", institution_code=owner)
        with store.transaction() as tx:
            add_batch(tx, batch)
        institution = second if owner == OTHER else register.institution
        made = replace(register, batch=batch, institution=institution).reserve(COUNT // 4)
        owned += [(certificate.id, owner) for certificate in made]
    return owned


FATES = st.lists(
    st.tuples(st.sampled_from(["reserved", "prepared", "signed", "logged", "released"]), st.integers(0, 1)),
    min_size=COUNT,
    max_size=COUNT,
)
STEPS = st.lists(st.sampled_from([0, 1, 1_000]), min_size=COUNT, max_size=COUNT)


class EndWithoutCommit(Exception):
    """Leaves the register as it was."""


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=FATES, steps=STEPS, order=st.permutations(range(COUNT)))
def test_the_answers_are_those_of_a_look_at_everything(
    store: WriteStore,
    founded: list[tuple[int, str]],
    fates: list[tuple[str, int]],
    steps: list[int],
    order: list[int],
) -> None:
    times = [1_000_000 + sum(steps[: place + 1]) for place in range(COUNT)]
    with pytest.raises(EndWithoutCommit), store.transaction() as tx:
        play(tx, [(*founded[place], *fates[place]) for place in order], times)
        for since in sorted({time + off for time in times[::2] for off in (0, 1)} | {0, 2_000_000}):
            for kid in KEYS:
                counts, found = slowly(tx, kid, since)
                assert counts_of_key(tx, kid, since) == counts
                assert logged_under_key(tx, kid, since) == found
                assert logged_under_key(tx, kid, since, limit=2, offset=1) == found[1:3]
        raise EndWithoutCommit


def play(tx: WriteTransaction, certificates: list[tuple[int, str, str, int]], times: list[int]) -> None:
    """Take certificates as far as they are to come, in the register's order; a clock entry comes between any two."""
    place = 0
    for (certificate, owner, fate, which), at in zip(certificates, times, strict=True):
        kid, stamp = OF[owner][which], at.to_bytes(8, "big")
        add_entries(tx, [LogEntryRecord(place, 0, bytes(32), b"\0" + stamp)], [])
        place += 1
        if fate != "reserved":
            record_prepared(tx, [PreparedCertificate(certificate, b"t", kid, NOW)])
        if fate in ("signed", "logged", "released"):
            record_signed(tx, [SignedCertificate(certificate, b"envelope", digest(certificate))])
        if fate in ("logged", "released"):
            entry = LogEntryRecord(place, 1, digest(certificate), b"\1" + stamp + kid + digest(certificate))
            add_entries(tx, [entry], [])
            record_logged(tx, [LoggedCertificate(certificate, place, NOW)])
            place += 1
        if fate == "released":
            record_released(tx, [certificate])
    advance_tree(tx, read_tree(tx), place, bytes(32), times[-1])


def test_an_instant_is_a_place_among_the_entries(store: WriteStore) -> None:
    times = [5, 5, 7, 9, 9, 9, 12]
    with store.transaction() as tx:
        entries = [LogEntryRecord(n, 0, bytes(32), b"\0" + t.to_bytes(8, "big")) for n, t in enumerate(times)]
        assert first_place_since(tx, 0) == 0
        add_entries(tx, entries, [])
        advance_tree(tx, read_tree(tx), len(times), bytes(32), times[-1])
    with store.reading() as reading:
        for instant in range(15):
            expected = next((n for n, time in enumerate(times) if time >= instant), len(times))
            assert first_place_since(reading, instant) == expected


def test_a_register_with_a_gap_is_damaged(store: WriteStore) -> None:
    with store.transaction() as tx:
        advance_tree(tx, read_tree(tx), 3, bytes(32), 1)
    with store.reading() as reading, pytest.raises(KezhengError, match=r"^log_damaged"):
        first_place_since(reading, 1)
