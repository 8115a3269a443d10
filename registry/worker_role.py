"""The worker role: works at jobs, keeps the signed files fresh, and follows the register into this machine's folder.

With several machines each has a folder of its own, from which its public site serves the register: what another one has
appended is written here within a second. What is refused is told and tried again, later and later: a database or a
mirror that does not answer for a minute must not end the worker. How it goes can be asked at an address of its own.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from types import FrameType

from certs.errors import KezhengError
from registry.api.worker_api import answering
from registry.home import Home, open_home
from registry.jobs.worker import run_worker
from registry.log_keeping import LogKeeper
from registry.publishing.log_folder import published_checkpoint
from registry.publishing.publish_status import status_list_needs_signing
from registry.publishing.publish_trust import trust_list_needs_signing
from registry.publishing.sequence_log import clock_entry_is_due
from registry.publishing.status_retention import forget_ended_status
from registry.role_counts import shared_counts
from registry.settings import Settings, load_settings
from registry.store.engine import ReadTransaction
from registry.store.log_store import read_tree
from registry.worker_watch import LogStanding, WorkerWatch
from verify_site.webserver.json_log import json_to_stderr
from verify_site.webserver.lifeline import Lifeline, lifeline_of

FOLLOW_SECONDS = 0.25
FRESHEN_SECONDS = 10.0
"""How often it is looked whether a file has to be signed anew."""
TIDY_INTERVAL = timedelta(minutes=10)
ORPHAN_ROUNDS = 8
"""Rounds after which entries that nobody has signed count as left behind by a process that died."""
LONGEST_PAUSE_SECONDS = 10.0
_LOGGER = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Upkeep:
    """The regular work on one open home; ``watch`` is told of it."""

    def __init__(self, home: Home, clock: Clock = _now, watch: WorkerWatch | None = None) -> None:
        self._home = home
        self._clock = clock
        self._watch = watch
        self._unsigned: tuple[int, int] = (0, 0)
        self._freshen_at: datetime | None = None
        self._tidied_at: datetime | None = None

    def round(self) -> None:
        """One round. Raises KezhengError for what is refused; the next round tries again."""
        standing = self._standing()
        if self._is_behind(standing):
            self._home.publish_log()
        now = self._clock()
        if self._freshen_at is None or (now - self._freshen_at).total_seconds() >= FRESHEN_SECONDS:
            self._freshen(now)
            if self._watch is not None:
                self._watch.measure(self._home)
            self._freshen_at = now
        self._tidy(now)
        if self._watch is not None:
            self._watch.note_round(self._home, standing)

    def _standing(self) -> LogStanding:
        with self._home.store.reading() as tx:
            tree = read_tree(tx)
        published = published_checkpoint(self._home.settings.log_folder)
        return LogStanding(tree.size, tree.note_size, 0 if published is None else published.size)

    def _is_behind(self, standing: LogStanding) -> bool:
        """Whether the folder lacks what is signed, or what was committed has waited too long for its signature."""
        if standing.signed < standing.committed:
            size, rounds = self._unsigned
            self._unsigned = (standing.committed, rounds + 1 if size == standing.committed else 1)
            if self._unsigned[1] >= ORPHAN_ROUNDS:
                return True
        return standing.signed > standing.published

    def _tidy(self, now: datetime) -> None:
        """Now and then, remove what was signed and has ended; where that is much, some in each round."""
        is_due = self._tidied_at is None or now - self._tidied_at >= TIDY_INTERVAL
        if is_due and forget_ended_status(self._home.store, now):
            self._tidied_at = now

    def _freshen(self, now: datetime) -> None:
        """Sign anew what needs it. Looked at first without holding up anybody who writes."""
        with self._home.store.reading() as tx:
            is_needed = self._needs_signing(tx, now)
        if is_needed:
            with self._home.recording() as tx:
                self._home.publish_if_needed(tx, now)

    def _needs_signing(self, tx: ReadTransaction, now: datetime) -> bool:
        settings = self._home.settings
        return (
            clock_entry_is_due(tx, now)
            or trust_list_needs_signing(tx, settings, now)
            or status_list_needs_signing(tx, now, settings.public_url)
        )


def keep_up(
    settings: Settings,
    environ: Mapping[str, str],
    stop: Event,
    lifeline: Lifeline,
    clock: Clock = _now,
    watch: WorkerWatch | None = None,
) -> None:
    """Do the regular work until ``stop`` is set or the group has gone.

    A KezhengError is told and what it stopped is tried again; anything else ends the worker.
    """
    pause, is_ready = 0.0, False
    while not stop.is_set():
        try:
            with open_home(settings, environ) as home, _keeping_the_log(home):
                upkeep = Upkeep(home, clock, watch)
                while not stop.wait(FOLLOW_SECONDS if is_ready else 0.0):
                    upkeep.round()
                    pause = 0.0
                    if not is_ready:
                        lifeline.say_ready()
                        is_ready = True
                    if not lifeline.wait(0):
                        stop.set()
        except KezhengError as error:
            _LOGGER.warning("%s", error)
            if watch is not None:
                watch.note_refusal(error)
            pause = min(LONGEST_PAUSE_SECONDS, max(0.5, 2 * pause))
            stop.wait(pause)


@contextmanager
def _keeping_the_log(home: Home) -> Iterator[None]:
    """Beside the regular work, read the register on for this machine's sites, so that none of them has to."""
    stopping, keeper = Event(), LogKeeper(home)
    thread = Thread(target=keeper.run, args=(stopping,), name="log keeper")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def work_for_ever(
    settings: Settings,
    environ: Mapping[str, str],
    stop: Event,
    lifeline: Lifeline | None = None,
    clock: Clock = _now,
    watch: WorkerWatch | None = None,
) -> None:
    """Work at jobs and keep up until ``stop`` is set; whatever ends the one ends the other, and is raised."""
    failures: list[BaseException] = []

    def work_at_jobs() -> None:
        try:
            run_worker(settings, environ, stop, clock)
        except BaseException as error:  # raised again below, in the thread that ends the process
            failures.append(error)
        finally:
            stop.set()

    jobs = Thread(target=work_at_jobs, name="jobs")
    jobs.start()
    try:
        keep_up(settings, environ, stop, lifeline or Lifeline(), clock, watch)
    finally:
        stop.set()
        jobs.join()
    for failure in failures:
        raise failure


def main() -> None:
    """The worker of the environment's home, until a signal ends it; the first argument is its listening socket."""
    json_to_stderr(logging.getLogger("registry"))
    json_to_stderr(logging.getLogger("uvicorn"), logging.WARNING)
    stop = Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    watch = WorkerWatch(shared_counts(os.environ)) if sys.argv[1:] else None
    try:
        with _told_on(watch, sys.argv[1:]):
            settings = load_settings(None, os.environ)
            work_for_ever(settings, os.environ, stop, lifeline_of(os.environ), watch=watch)
    except KezhengError as error:
        _LOGGER.error("%s", error)
        sys.exit(1)


def _told_on(watch: WorkerWatch | None, numbers: Sequence[str]) -> AbstractContextManager[None]:
    """Answers on a socket that was handed over by number; nothing without one."""
    if watch is None:
        return nullcontext()
    return answering(watch, socket.socket(fileno=int(numbers[0])))
