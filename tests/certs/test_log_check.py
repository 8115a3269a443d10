"""What the register says of an envelope: which entry counts, at which millisecond its times cease to fit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from simulator import World

from certs.authority import AuthorityLimits
from certs.errors import KezhengError
from certs.finding import Check, CheckName, Outcome
from certs.institution import InstitutionRecord
from certs.institution_json import scope_content
from certs.log_check import LogFinding, check_listing, check_log
from certs.log_entry import KeyAct, certificate_body, entry_bytes, grant_body, key_body, status_body
from certs.status import State, StatusEvent
from certs.timestamps import ms_of
from certs.unavailable import Unavailable

KID, OTHER_KID = b"\x11" * 8, b"\x22" * 8
ENVELOPE = b"the bytes of an envelope"
DIGEST = hashlib.sha256(ENVELOPE).digest()
ISSUED = datetime(2026, 11, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIMITS = AuthorityLimits(log_delay_hours=24)
DUE = ISSUED + DAY
PASSED, FAILED, OPEN = Outcome.PASSED, Outcome.FAILED, Outcome.INDETERMINATE


@dataclass(eq=False)
class SaidLog:
    """A register that answers what a test says."""

    entries: Sequence[tuple[int, bytes]] = ()
    newest_at: datetime = DUE + HOUR
    covered_until: datetime = datetime(9999, 1, 1, tzinfo=UTC)
    unavailable: str | None = None
    size: int = 100
    witnesses: tuple[tuple[str, datetime], ...] = ()
    is_complete: bool = True
    asked: list[bytes] = field(default_factory=list)

    def covers(self, instant: datetime) -> bool:
        return instant <= self.covered_until

    def entries_about(self, subject: bytes) -> Sequence[tuple[int, bytes]]:
        self.asked.append(subject)
        if self.unavailable:
            raise KezhengError(self.unavailable)
        return self.entries

    def entry(self, index: int) -> bytes | None:
        if self.unavailable:
            raise KezhengError(self.unavailable)
        return dict(self.entries).get(index)


def logged(at: datetime, kid: bytes = KID) -> bytes:
    return entry_bytes(certificate_body(kid, DIGEST), ms_of(at))


def found(log: SaidLog | Unavailable, at: datetime | None = None, limits: AuthorityLimits = LIMITS) -> LogFinding:
    newest = DUE if isinstance(log, Unavailable) else log.newest_at
    return check_log(log, ENVELOPE, KID, ISSUED, limits, at or newest)


def said(finding: LogFinding) -> tuple[Outcome, str]:
    assert finding.check.name is CheckName.LOG
    return finding.check.outcome, finding.check.code


# --- when it was logged


@pytest.mark.parametrize(
    ("logged_at", "outcome", "code"),
    [
        (ISSUED - DAY, FAILED, "logged_before_issue"),
        (ISSUED - MS, FAILED, "logged_before_issue"),
        (ISSUED, PASSED, "logged"),
        (ISSUED + MS, PASSED, "logged"),
        (DUE - MS, PASSED, "logged"),
        (DUE, PASSED, "logged"),
        (DUE + MS, FAILED, "logged_too_late"),
        (DUE + DAY, FAILED, "logged_too_late"),
    ],
)
def test_it_is_logged_from_its_issue_to_the_end_of_the_delay(logged_at: datetime, outcome: Outcome, code: str) -> None:
    log = SaidLog([(41, logged(logged_at))], newest_at=logged_at + HOUR)
    made = found(log)
    assert said(made) == (outcome, code)
    assert log.asked == [DIGEST]
    if outcome is PASSED:
        assert made.logged is not None
        assert made.logged == (100, 41, logged_at, KID)
    else:
        assert made == LogFinding(Check(CheckName.LOG, FAILED, code))


@pytest.mark.parametrize("hours", [0, 1, 24, 24 * 366])
def test_the_trust_list_sets_the_delay(hours: int) -> None:
    limits = AuthorityLimits(log_delay_hours=hours)
    last = ISSUED + timedelta(hours=hours)
    for logged_at, code in ((last, "logged"), (last + MS, "logged_too_late")):
        assert said(found(SaidLog([(1, logged(logged_at))], newest_at=last), limits=limits))[1] == code


def test_the_time_is_said_in_china() -> None:
    made = found(SaidLog([(41, logged(ISSUED + MS))]))
    assert made.check.params == (("logged_at", "2026-11-01 08:00"),)


# --- which entry


def test_what_is_logged_twice_counts_from_the_first() -> None:
    both = [(3, logged(ISSUED)), (9, logged(DUE + MS))]
    assert found(SaidLog(both)).logged == (100, 3, ISSUED, KID)
    assert said(found(SaidLog([(3, logged(ISSUED - MS)), (9, logged(ISSUED))]))) == (FAILED, "logged_before_issue")


def test_the_envelope_under_another_key_is_another_entry() -> None:
    assert said(found(SaidLog([(3, logged(ISSUED, OTHER_KID))]))) == (FAILED, "not_logged")
    assert found(SaidLog([(3, logged(ISSUED, OTHER_KID)), (4, logged(ISSUED + MS))])).logged == (
        100,
        4,
        ISSUED + MS,
        KID,
    )


def test_status_changes_come_with_it() -> None:
    event = StatusEvent(State.REVOKED, DUE, None, "false_documents", True, None, DUE)
    revoked = status_body(DIGEST, event)
    made = found(SaidLog([(3, logged(ISSUED)), (5, entry_bytes(revoked, ms_of(DUE)))]))
    assert made.status_changes == {revoked.body}
    assert found(SaidLog([(3, logged(ISSUED))])).status_changes == frozenset()


def test_a_status_change_alone_is_no_certificate() -> None:
    event = StatusEvent(State.REVOKED, DUE, None, "false_documents", True, None, DUE)
    made = found(SaidLog([(5, entry_bytes(status_body(DIGEST, event), ms_of(DUE)))]))
    assert (said(made), made.status_changes) == ((FAILED, "not_logged"), frozenset())


# --- what is not there


@pytest.mark.parametrize(
    ("covered", "outcome", "code"),
    [
        (DUE - MS, OPEN, "log_unavailable"),
        (DUE, FAILED, "not_logged"),
        (DUE + MS, FAILED, "not_logged"),
    ],
)
def test_it_is_missing_only_from_a_log_that_covers_its_delay(covered: datetime, outcome: Outcome, code: str) -> None:
    assert said(found(SaidLog(covered_until=covered))) == (outcome, code)


def test_a_missing_one_is_missing_from_a_stale_log_too() -> None:
    assert said(found(SaidLog(covered_until=DUE), DUE + 30 * DAY)) == (FAILED, "not_logged")


@pytest.mark.parametrize("code", ["log_unavailable", "log_entries_differ"])
def test_a_log_that_cannot_answer(code: str) -> None:
    assert found(SaidLog(unavailable=code)) == LogFinding(Check(CheckName.LOG, OPEN, code))


def test_a_log_that_is_not_at_hand() -> None:
    missing = Unavailable("log_rolled_back", (("size", 3), ("known", 5)))
    assert found(missing) == LogFinding(Check(CheckName.LOG, OPEN, "log_rolled_back", (("size", 3), ("known", 5))))


# --- how old the register is


@pytest.mark.parametrize(
    ("age", "outcome", "code", "params"),
    [
        (72 * HOUR - MS, PASSED, "logged", (("logged_at", "2026-11-01 08:00"),)),
        (72 * HOUR, PASSED, "logged", (("logged_at", "2026-11-01 08:00"),)),
        (72 * HOUR + MS, OPEN, "log_stale", (("hours", 72),)),
        (73 * HOUR - MS, OPEN, "log_stale", (("hours", 72),)),
        (73 * HOUR, OPEN, "log_stale", (("hours", 73),)),
        (-HOUR, PASSED, "logged", (("logged_at", "2026-11-01 08:00"),)),
    ],
)
def test_a_register_is_fresh_for_three_days(
    age: timedelta, outcome: Outcome, code: str, params: tuple[tuple[str, str | int], ...]
) -> None:
    log = SaidLog([(41, logged(ISSUED))])
    made = found(log, log.newest_at + age)
    assert (said(made), made.check.params) == ((outcome, code), params)
    assert made.logged is not None  # an old register still tells the time of what it holds


def test_times_that_do_not_fit_fail_in_a_stale_register_too() -> None:
    log = SaidLog([(41, logged(ISSUED - MS))])
    assert said(found(log, log.newest_at + 30 * DAY)) == (FAILED, "logged_before_issue")


# --- the listing


def listed() -> tuple[InstitutionRecord, SaidLog]:
    """A record that says where its grant and its key stand, and the register that holds them."""
    world = World()
    record = world.institutions[world.institution()]
    [scope], [key] = record.scopes, record.keys
    grant = entry_bytes(grant_body(record.code, scope_content(scope)), ms_of(scope.granted_at))
    added = entry_bytes(key_body(KeyAct.ADDED, key.public_key, key.not_before), ms_of(key.not_before))
    placed = replace(record, scopes=(replace(scope, log_index=1),), keys=(replace(key, log_index=2),))
    return placed, SaidLog([(1, grant), (2, added)])


MADE = Check(CheckName.LOG, PASSED, "logged")


def test_a_listing_that_the_register_holds_changes_nothing() -> None:
    record, log = listed()
    assert check_listing(log, record, MADE) is MADE


@pytest.mark.parametrize("place", [0, 2, 3, -1])
def test_a_grant_that_stands_elsewhere(place: int) -> None:
    record, log = listed()
    moved = replace(record, scopes=(replace(record.scopes[0], log_index=place),))
    assert check_listing(log, moved, MADE) == Check(CheckName.LOG, OPEN, "listing_not_logged")


@pytest.mark.parametrize("off", [-MS, MS])
def test_a_grant_of_another_millisecond(off: timedelta) -> None:
    record, log = listed()
    [scope] = record.scopes
    moved = replace(record, scopes=(replace(scope, granted_at=scope.granted_at + off),))
    assert check_listing(log, moved, MADE).code == "listing_not_logged"


@pytest.mark.parametrize("off", [-MS, MS])
def test_a_key_that_was_good_from_another_millisecond(off: timedelta) -> None:
    record, log = listed()
    [key] = record.keys
    moved = replace(record, keys=(replace(key, not_before=key.not_before + off),))
    assert check_listing(log, moved, MADE).code == "listing_not_logged"


@pytest.mark.parametrize("place", [0, 1, 3, -1])
def test_a_key_that_stands_elsewhere(place: int) -> None:
    record, log = listed()
    moved = replace(record, keys=(replace(record.keys[0], log_index=place),))
    assert check_listing(log, moved, MADE).code == "listing_not_logged"


@pytest.mark.parametrize(
    ("claimed", "code"),
    [(None, "listing_not_logged"), (-MS, "logged"), (MS * 0, "logged"), (MS, "listing_not_logged")],
)
@pytest.mark.parametrize("is_complete", [True, False])
def test_a_theft_moves_earlier_only(claimed: timedelta | None, code: str, is_complete: bool) -> None:
    """The list's own entry of a theft is there each time; beside it stands the theft as it was logged first."""
    record, log = listed()
    [key] = record.keys
    thefts = [DUE] if claimed is None else [DUE, DUE + claimed]
    entries = [entry_bytes(key_body(KeyAct.COMPROMISED, key.public_key, theft), ms_of(DUE)) for theft in thefts]
    log.entries = [*log.entries, *enumerate(entries, 3)]
    log.is_complete = is_complete
    says = None if claimed is None else DUE + claimed
    stolen = replace(key, compromised_at=says, compromised_log_index=None if says is None else 4)
    made = check_listing(log, replace(record, keys=(stolen,)), MADE)
    assert made.code == (code if is_complete else "logged")


def test_a_register_that_cannot_show_the_listing() -> None:
    record, log = listed()
    log.unavailable = "log_unavailable"
    assert check_listing(log, record, MADE) == Check(CheckName.LOG, OPEN, "log_unavailable")


@pytest.mark.parametrize("outcome", [FAILED, OPEN])
def test_what_did_not_pass_is_not_asked_about_the_listing(outcome: Outcome) -> None:
    record, log = listed()
    log.unavailable = "log_unavailable"
    made = Check(CheckName.LOG, outcome, "log_stale")
    assert check_listing(log, record, made) is made
    assert check_listing(Unavailable("log_unavailable"), record, MADE) is MADE
