"""The worker: shows at least once an hour that the register is alive, and brings every change to all who look."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from log_files import published_entries
from register_desk import NOW, Desk, people

from certs.cose import take_apart
from certs.errors import KezhengError
from certs.evidence import STATUS_FILE, TRUST_LIST_FILE, gather_evidence
from certs.log_entry import EntryKind, LogEntry, status_body
from certs.status import State
from certs.status_list import LIST_SIZE
from certs.status_list_token import open_status_list_cwt, open_status_list_jwt
from certs.token_status_list import TokenState
from certs.unavailable import Unavailable
from registry import serving
from registry.home import Home
from registry.publishing.documents import published_files
from registry.publishing.publish_token_lists import cwt_file, jwt_file
from registry.publishing.sequence_log import CLOCK_INTERVAL
from registry.publishing.static_files import read_published, write_published
from registry.serving import work_for_ever
from registry.settings import load_settings

ASSESSOR = "P000115000001"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Stopped(BaseException):
    """The worker is stopped."""


def work(desk: Desk) -> None:
    """One round of the worker."""
    with desk.home.recording() as tx:
        desk.home.publish_if_needed(tx, desk.now)


def entries(desk: Desk) -> list[LogEntry]:
    return published_entries(desk.home.settings.log_folder)


def clock_entries(desk: Desk) -> list[datetime]:
    """When the published register was shown to be alive."""
    return [entry.logged_at for entry in entries(desk) if entry.kind == EntryKind.CLOCK]


# --- the register's clock


@pytest.mark.parametrize(("off", "is_added"), [(-SECOND, False), (0 * SECOND, True), (SECOND, True)])
def test_a_clock_entry_when_the_newest_is_55_minutes_old(desk: Desk, off: timedelta, is_added: bool) -> None:
    work(desk)
    before, newest = clock_entries(desk), entries(desk)[-1].logged_at
    desk.now = newest + timedelta(minutes=55) + off
    work(desk)
    assert clock_entries(desk) == before + [desk.now] * is_added
    work(desk)
    assert clock_entries(desk) == before + [desk.now] * is_added


def test_any_entry_will_do(desk: Desk) -> None:
    work(desk)
    before = clock_entries(desk)
    desk.now += timedelta(minutes=50)
    desk.certify(people(1), ASSESSOR)
    desk.now += timedelta(minutes=50)
    work(desk)
    assert clock_entries(desk) == before


def test_no_hour_of_a_day_is_without_an_entry(desk: Desk) -> None:
    """Rounds come at odd times; the longest silence is the interval and one round more."""
    begin, rounds = desk.now, timedelta(minutes=4, seconds=7)
    while desk.now < begin + timedelta(hours=24):
        desk.now += rounds
        work(desk)
    times = [entry.logged_at for entry in entries(desk)]
    silences = [later - earlier for earlier, later in pairwise(times)]
    assert max(silences) < CLOCK_INTERVAL + rounds < HOUR
    assert len(clock_entries(desk)) >= 24


def at_rounds(monkeypatch: pytest.MonkeyPatch, *moments: datetime | Callable[[], datetime]) -> None:
    """Let the worker's own loop have a round at each of these times, and then be stopped."""
    left = list(moments)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            assert tz is not None
            moment = left.pop(0)
            return moment if isinstance(moment, datetime) else moment()

    def sleep(_seconds: float) -> None:
        if not left:
            raise Stopped

    monkeypatch.setattr(serving, "datetime", Clock)
    monkeypatch.setattr(serving.time, "sleep", sleep)


def test_the_loop_itself_keeps_the_register_alive(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = clock_entries(desk)
    at_rounds(monkeypatch, NOW + HOUR, NOW + HOUR + SECOND, NOW + 2 * HOUR)
    with pytest.raises(Stopped):
        work_for_ever(desk.home.settings, {})
    assert clock_entries(desk) == [*before, NOW + HOUR, NOW + 2 * HOUR]


def test_a_refusal_is_told_and_the_work_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The mirror with which every append must agree is away for one round."""
    before, mirror = clock_entries(desk), desk.folder / "mirror"
    settings = load_settings(desk.folder, {"KEZHENG_LOG_WITNESS": str(mirror)})

    def mirror_is_back() -> datetime:
        mirror.symlink_to(settings.log_folder)
        return NOW + 2 * HOUR

    at_rounds(monkeypatch, NOW + HOUR, mirror_is_back)
    with caplog.at_level(logging.WARNING, "registry.serving"), pytest.raises(Stopped):
        work_for_ever(settings, {})
    assert [record.getMessage().split()[0] for record in caplog.records] == ["log_witness_unreachable"]
    assert clock_entries(desk) == [*before, NOW + 2 * HOUR]


def test_what_is_no_refusal_ends_the_worker(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    at_rounds(monkeypatch, NOW + HOUR, NOW + 2 * HOUR)
    monkeypatch.setattr(Home, "publish_if_needed", broken)
    with pytest.raises(ZeroDivisionError):
        work_for_ever(desk.home.settings, {})


# --- a change of status reaches everything that is published


def published(desk: Desk, folder: Path) -> dict[str, bytes]:
    """The signed files as a mirror has them."""
    with desk.home.store.reading() as tx:
        write_published(folder, published_files(tx), desk.home.settings.log_folder)
    return read_published(folder)


def token_states(desk: Desk, files: dict[str, bytes], index: int) -> set[TokenState]:
    """What both forms of the Token Status List say."""
    with desk.home.store.reading() as tx:
        key = desk.home.delegated(tx).status_key
    number, place = divmod(index, LIST_SIZE)
    opened = (
        open_status_list_jwt(files[jwt_file(number)], key),
        open_status_list_cwt(files[cwt_file(number)], key),
    )
    return {each.state(place) for each in opened}


def test_a_revocation_reaches_every_list_at_once(desk: Desk, tmp_path: Path) -> None:
    number, other = [certificate.number for certificate in desk.certify(people(1, 2), ASSESSOR)]
    work(desk)
    before = published(desk, tmp_path / "before")
    desk.now += MINUTE
    desk.change(number, State.REVOKED, "exam_misconduct")
    after = published(desk, tmp_path / "after")
    revoked, kept = desk.certificate(number), desk.certificate(other)
    assert token_states(desk, before, revoked.status_index) == {TokenState.VALID}
    assert token_states(desk, after, revoked.status_index) == {TokenState.INVALID}
    assert token_states(desk, after, kept.status_index) == {TokenState.VALID}
    with desk.home.store.reading() as tx:
        evidence = gather_evidence(after, desk.home.own_root(tx))
    assert not isinstance(evidence.status, Unavailable)
    [event] = evidence.status.entries[revoked.status_index].events
    assert (event.state, event.effective_from, event.void_from_start) == (State.REVOKED, desk.now, True)
    assert [desk.verdict(each) for each in (number, other)] == ["not_in_force", "valid"]
    assert before[STATUS_FILE] != after[STATUS_FILE]


def test_the_register_has_the_revocation_for_ever(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    newest = entries(desk)[-1]
    assert certificate.envelope is not None
    assert (newest.kind, newest.logged_at) == (EntryKind.STATUS, desk.now)
    with desk.home.store.reading() as tx:
        evidence = desk.home.evidence(tx)
    assert not isinstance(evidence.status, Unavailable)
    [event] = evidence.status.entries[certificate.status_index].events
    assert certificate.envelope_digest is not None
    assert newest.body == status_body(certificate.envelope_digest, event).body
    assert take_apart(certificate.envelope).kid not in newest.body


def test_the_next_trust_list_pins_the_tree_that_has_the_revocation(desk: Desk, tmp_path: Path) -> None:
    """From then on no register passes that does not have it."""
    [certificate] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    size, list_before = len(entries(desk)), published(desk, tmp_path / "before")[TRUST_LIST_FILE]
    desk.now += timedelta(days=16)
    work(desk)
    files = published(desk, tmp_path / "after")
    assert files[TRUST_LIST_FILE] != list_before
    with desk.home.store.reading() as tx:
        trust = desk.home.evidence(tx).trust
    assert not isinstance(trust, Unavailable)
    assert trust.pinned.size >= size
    assert desk.verdict(certificate.number) == "not_in_force"


def test_a_change_that_is_refused_publishes_nothing(desk: Desk, tmp_path: Path) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    work(desk)
    before, size = published(desk, tmp_path / "before"), len(entries(desk))
    with pytest.raises(KezhengError, match=r"^status_not_suspended"):
        desk.change(certificate.number, State.VALID, "review_closed")
    assert (published(desk, tmp_path / "after"), len(entries(desk))) == (before, size)
