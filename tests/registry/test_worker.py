"""The worker: shows at least once an hour that the register is alive, and brings every change to all who look."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from log_files import published_entries
from register_desk import NOW, Desk, people

from certs.cose import take_apart
from certs.errors import KezhengError
from certs.evidence import STATUS_FILE, TRUST_LIST_FILE, gather_evidence
from certs.log_entry import EntryKind, LogEntry, clock_body, status_body
from certs.log_paths import CHECKPOINT_FILE
from certs.status import State
from certs.status_list import LIST_SIZE
from certs.status_list_token import open_status_list_cwt, open_status_list_jwt
from certs.token_status_list import TokenState
from certs.unavailable import Unavailable
from registry import worker_role
from registry.home import Home
from registry.publishing import sequence_log
from registry.publishing.documents import published_files
from registry.publishing.publish_token_lists import cwt_file, jwt_file
from registry.publishing.sequence_log import CLOCK_INTERVAL
from registry.publishing.static_files import read_published, write_published
from registry.settings import Settings, load_settings
from registry.worker_role import ORPHAN_ROUNDS, keep_up, work_for_ever
from verify_site.webserver.lifeline import Lifeline

ASSESSOR = "P000115000001"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


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


class Rounds:
    """An event that ends the worker after so many rounds, and the clock of those rounds."""

    def __init__(self, *moments: datetime | Callable[[], datetime]) -> None:
        self.left = list(moments)
        self.now = NOW
        self.waited: list[float] = []
        self.is_over = False

    def clock(self) -> datetime:
        return self.now

    def is_set(self) -> bool:
        return self.is_over

    def set(self) -> None:
        self.is_over = True

    def wait(self, seconds: float) -> bool:
        """The next round's time, or the end."""
        if self.is_over:
            return True
        self.waited.append(seconds)
        if not self.left:
            self.set()
        else:
            moment = self.left.pop(0)
            self.now = moment if isinstance(moment, datetime) else moment()
        return self.is_over


def keep_up_at(settings: Settings, *moments: datetime | Callable[[], datetime]) -> Rounds:
    """Let the worker's own loop have a round at each of these times."""
    rounds = Rounds(*moments)
    keep_up(settings, {}, cast(Event, rounds), Lifeline(), rounds.clock)
    return rounds


def test_the_loop_itself_keeps_the_register_alive(desk: Desk) -> None:
    before = clock_entries(desk)
    keep_up_at(desk.home.settings, NOW + HOUR, NOW + HOUR + SECOND, NOW + 2 * HOUR)
    assert clock_entries(desk) == [*before, NOW + HOUR, NOW + 2 * HOUR]


@pytest.mark.parametrize(("seconds", "is_looked_at"), [(9, False), (10, True), (11, True)])
def test_files_are_looked_at_every_ten_seconds(desk: Desk, seconds: int, is_looked_at: bool) -> None:
    work(desk)
    before, newest = clock_entries(desk), entries(desk)[-1].logged_at
    due = newest + timedelta(minutes=55)
    keep_up_at(desk.home.settings, due - timedelta(seconds=seconds), due)
    assert clock_entries(desk) == before + [due] * is_looked_at


def test_a_refusal_is_told_and_the_work_goes_on(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The mirror with which every append must agree is away for a while: it is tried again, later and later."""
    before, mirror = clock_entries(desk), desk.folder / "mirror"
    settings = load_settings(desk.folder, {"KEZHENG_LOG_WITNESS": str(mirror)})

    def mirror_is_back() -> datetime:
        mirror.symlink_to(settings.log_folder)
        return NOW + 2 * HOUR

    at = NOW + HOUR
    with caplog.at_level(logging.WARNING, "registry.worker_role"):
        rounds = keep_up_at(settings, at, at, at, at, at, mirror_is_back, NOW + 2 * HOUR)
    told = [record.getMessage().split()[0] for record in caplog.records]
    assert told == ["log_witness_unreachable"] * 3
    assert [seconds for seconds in rounds.waited if seconds >= 0.5] == [0.5, 1.0, 2.0]
    assert clock_entries(desk) == [*before, NOW + 2 * HOUR]


def test_what_is_no_refusal_ends_the_worker(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Home, "publish_if_needed", broken)
    with pytest.raises(ZeroDivisionError):
        keep_up_at(desk.home.settings, NOW + HOUR, NOW + 2 * HOUR)


def test_a_database_that_is_away_at_the_start_is_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before, refusals = clock_entries(desk), [KezhengError("store_unavailable")] * 2
    opened = worker_role.open_home

    def open_later(settings: Settings, environ: dict[str, str]) -> AbstractContextManager[Home]:
        if refusals:
            raise refusals.pop()
        return opened(settings, environ)

    monkeypatch.setattr(worker_role, "open_home", open_later)
    at = NOW + HOUR
    with caplog.at_level(logging.WARNING, "registry.worker_role"):
        keep_up_at(desk.home.settings, at, at, at)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["store_unavailable"] * 2
    assert clock_entries(desk) == [*before, at]


def test_the_worker_says_that_it_is_ready_after_its_first_round_and_leaves_with_its_group(desk: Desk) -> None:
    ready, told = os.pipe()
    life, group = os.pipe()
    rounds = Rounds(NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR)
    os.close(group)
    keep_up(desk.home.settings, {}, cast(Event, rounds), Lifeline(told, life), rounds.clock)
    assert os.read(ready, 2) == b"1"
    assert (rounds.now, rounds.is_over) == (NOW + HOUR, True)
    os.close(ready)
    os.close(life)


@pytest.mark.parametrize("error", [KezhengError("settings_invalid", name="x"), ZeroDivisionError()])
def test_a_worker_that_cannot_work_at_jobs_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker_role, "run_worker", broken)
    stop = Event()
    with pytest.raises(type(error)):
        work_for_ever(desk.home.settings, {}, stop, clock=lambda: NOW + HOUR)
    assert stop.is_set()


# --- several machines: each has the register in its own folder


def other_machine(desk: Desk, tmp_path: Path) -> Settings:
    """The settings of a machine with the same keys and database, and a folder of its own."""
    home = tmp_path / "other machine"
    shutil.copytree(desk.folder / "keys", home / "keys")
    for name in ("pinned-root.jwk", "passphrase"):
        if (desk.folder / name).exists():
            shutil.copy(desk.folder / name, home / name)
    return load_settings(home, {"KEZHENG_DATABASE_URL": desk.home.settings.database_url})


def test_what_another_machine_appends_is_in_the_next_round_in_this_machines_folder(desk: Desk, tmp_path: Path) -> None:
    work(desk)
    settings = other_machine(desk, tmp_path)
    checkpoints = []

    def note() -> datetime:
        checkpoints.append((settings.log_folder / CHECKPOINT_FILE).read_bytes())
        return NOW + SECOND

    def append() -> datetime:
        desk.certify(people(3), ASSESSOR)
        return NOW + SECOND

    keep_up_at(settings, NOW, append, note)
    assert checkpoints == [desk.home.checkpoint()]
    assert published_entries(settings.log_folder) == entries(desk)


def test_to_follow_takes_no_signature(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.certify(people(2), ASSESSOR)
    settings = other_machine(desk, tmp_path)

    def refuse(*_: object) -> bytes:
        raise AssertionError("signed again")

    monkeypatch.setattr(sequence_log, "_signed_note", refuse)
    keep_up_at(settings, NOW)
    assert (settings.log_folder / CHECKPOINT_FILE).read_bytes() == desk.home.checkpoint()


def test_what_a_process_left_unsigned_is_signed_after_a_while(desk: Desk) -> None:
    """Somebody who is still at it signs by himself: the worker waits two seconds before it helps."""
    work(desk)
    with desk.home.store.transaction() as tx:
        desk.home.log(tx, [clock_body()], NOW + SECOND)
    size = len(entries(desk))
    at = [NOW + SECOND] * (ORPHAN_ROUNDS - 1)
    keep_up_at(desk.home.settings, *at)
    assert len(entries(desk)) == size
    keep_up_at(desk.home.settings, *at, NOW + SECOND)
    assert len(entries(desk)) == size + 1


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
