"""Processes that are killed at any moment and started again: workers that issue, and clerks that bring rosters.

They are forked from a process that has loaded the program and opened nothing, so that a new one begins at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from threading import Event
from time import sleep
from typing import NamedTuple

from bench.sample_home import APPROVER, OPERATOR, now, roster_file
from certs.errors import KezhengError
from registry.home import Home, open_home
from registry.issuing.approve import approve_import
from registry.issuing.import_roster import import_roster
from registry.jobs.job import JobKind
from registry.jobs.job_desk import JobDesk, open_job_desk
from registry.jobs.work import job_and_extent
from registry.jobs.worker import run_worker
from registry.settings import Settings
from registry.store.batch_store import BatchRecord, batches_of_institution
from registry.store.states import BatchState

ROWS = 400
FULL_SECONDS = 0.5
"""How long a clerk waits when as much waits as may."""


class Clerk(NamedTuple):
    """Who brings rosters of one institution, one after the other, and writes down which were accepted."""

    settings: Settings
    code: str
    first_person: int
    accepted: Path


def work(settings: Settings) -> None:
    """A worker, for ever."""
    run_worker(settings, {}, Event())


def bring_rosters(clerk: Clerk) -> None:
    """Rosters without end; a batch that was accepted is written down once its job is."""
    with open_home(clerk.settings, {}) as home, open_job_desk(clerk.settings) as desk:
        for batch in _unfinished(home, clerk.code):
            _accept(home, desk, clerk, batch.id, batch.state)
        with home.store.reading() as tx:
            brought = len(batches_of_institution(tx, clerk.code))
        while True:
            people = range(clerk.first_person + brought * ROWS, clerk.first_person + (brought + 1) * ROWS)
            batch = import_roster(home, roster_file(people), clerk.code, "drill", OPERATOR, now())
            _accept(home, desk, clerk, batch.id, batch.state)
            brought += 1


def _unfinished(home: Home, code: str) -> list[BatchRecord]:
    with home.store.reading() as tx:
        return [each for each in batches_of_institution(tx, code) if each.state is not BatchState.RELEASED]


def _accept(home: Home, desk: JobDesk, clerk: Clerk, batch_id: str, state: BatchState) -> None:
    if state is BatchState.IMPORTED:
        approve_import(home, batch_id, APPROVER, None, now())
    while not submitted(home, desk, batch_id):
        sleep(FULL_SECONDS)
    descriptor = os.open(clerk.accepted, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{batch_id}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)


def submitted(home: Home, desk: JobDesk, batch_id: str) -> bool:
    """Put a batch in the queue; False when as much waits as may."""
    with home.store.reading() as tx:
        job, extent = job_and_extent(tx, JobKind.ISSUE, batch_id)
    try:
        desk.submit(job, extent)
    except KezhengError as error:
        if error.code != "jobs_waiting":
            raise
        return False
    return True


class Mortals:
    """Running processes, of which any may be killed; another takes its place at once."""

    def __init__(self, roles: Sequence[Callable[[], None]], seed: int) -> None:
        self._context = get_context("fork")
        self._random = Random(seed)
        self._roles = list(roles)
        self._running = [self._start(role) for role in self._roles]
        self.ended_alone = 0

    def kill_one(self) -> None:
        """Kill any of them with SIGKILL. One that had ended by itself is counted."""
        place = self._random.randrange(len(self._roles))
        process = self._running[place]
        self.ended_alone += process.exitcode is not None
        _kill(process)
        self._running[place] = self._start(self._roles[place])

    def kill_all(self) -> None:
        """Kill every one, for good."""
        for process in self._running:
            _kill(process)

    def pause(self, shortest: float, longest: float) -> None:
        """Let them work for a while."""
        sleep(self._random.uniform(shortest, longest))

    def _start(self, role: Callable[[], None]) -> BaseProcess:
        process = self._context.Process(target=role)
        process.start()
        return process


def _kill(process: BaseProcess) -> None:
    if process.pid is not None and process.exitcode is None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
