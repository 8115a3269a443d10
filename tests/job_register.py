"""A register with jobs, and worker processes that stop in the middle of a chunk, are killed, or are of another version.

Certificates come in chunks of five, so that a small batch has a middle.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pytest
from register_crash import in_child
from register_desk import NOW, Desk, people

from registry.home import open_home
from registry.issuing import issue, release_chunks
from registry.jobs import engine as engine_module
from registry.jobs import stepwise, worker
from registry.jobs.attempts import Attempt
from registry.jobs.engine import JobEngine, open_engine
from registry.jobs.job import Job, JobKind
from registry.jobs.job_desk import open_job_desk
from registry.jobs.place import place_for
from registry.jobs.work import Extent, job_and_extent
from registry.settings import Settings, load_settings
from registry.store.states import BatchState

ASSESSOR = "P000115000001"
CHUNK = 5
WAIT_SECONDS = 120


@dataclass
class JobRegister:
    """A closed home; ``settings`` say where its jobs are."""

    settings: Settings

    @contextmanager
    def opened(self) -> Iterator[Desk]:
        """The desk of the home."""
        with open_home(self.settings, {}) as home:
            yield Desk(home)

    def approved(self, count: int, first: int = 1) -> str:
        """The id of an approved batch of so many people."""
        with self.opened() as desk:
            return desk.approve(desk.bring(people(*range(first, first + count)), ASSESSOR)).id

    def job(self, batch_id: str, kind: JobKind = JobKind.ISSUE) -> tuple[Job, Extent]:
        """A job about a batch."""
        with self.opened() as desk, desk.home.store.reading() as tx:
            return job_and_extent(tx, kind, batch_id)

    def submit(self, batch_id: str, kind: JobKind = JobKind.ISSUE) -> Job:
        """Leave a job to the workers."""
        job, extent = self.job(batch_id, kind)
        with open_job_desk(self.settings) as desk:
            desk.submit(job, extent, place_for(kind, self.settings))
        return job

    @contextmanager
    def engine(self, *, takes_jobs: bool = False) -> Iterator[JobEngine]:
        """An engine in this process, at the desk's time."""
        with self.opened() as desk, open_engine(desk.home, desk.clock, takes_jobs=takes_jobs) as engine:
            yield engine

    def latest(self, job: Job) -> Attempt:
        """The newest run at a job."""
        with open_job_desk(self.settings) as desk:
            return desk.require(job)

    def expect_all_issued(self, batch_id: str, count: int) -> None:
        """Every number once, every certificate released once, each in the register once and valid."""
        with self.opened() as desk:
            assert desk.batch(batch_id).state is BatchState.RELEASED
            certificates = desk.certificates(batch_id)
            assert sorted(certificate.serial for certificate in certificates) == list(range(1, count + 1))
            entries = desk.value("SELECT count(*) FROM log_entry WHERE kind = 1")
            assert entries == count
            reports = desk.reports(certificate.number for certificate in certificates)
            assert {report["verdict"] for report in reports} == {"valid"}


def telling_child(work: Callable[[], object], told: Path) -> int:
    """Do work in a child; what stops it is written to a file, for the output of a child is lost."""

    def tell() -> None:
        try:
            work()
        except BaseException:
            told.write_text(traceback.format_exc())
            raise

    return in_child(tell)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@dataclass
class Workers:
    """Worker processes of one register; every one that is left is killed at the end."""

    register: JobRegister
    folder: Path
    pids: list[int]

    def start(self, name: str, *, held_in: int | None = None, version: str | None = None) -> int:
        """Start a worker; one that is ``held_in`` its n-th chunk (from 1) stays there until ``release``."""
        pid = telling_child(partial(self._work, name, held_in, version), self.folder / f"{name}.told")
        self.pids.append(pid)
        return pid

    def kill(self, pid: int) -> None:
        """Kill -9, and wait until it is gone."""
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.pids.remove(pid)

    def end(self, pid: int) -> int:
        """Ask a worker to end; its exit code."""
        os.kill(pid, signal.SIGTERM)
        self.pids.remove(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def wait_held(self, name: str) -> None:
        """Wait until a worker is in the chunk that holds it."""
        wait_until((self.folder / f"{name}.held").exists)

    def release(self, name: str) -> None:
        """Let a held worker go on."""
        (self.folder / f"{name}.go").touch()

    def chunks_of(self, name: str) -> int:
        """How many chunks a worker has begun."""
        begun = self.folder / f"{name}.chunks"
        return begun.stat().st_size if begun.exists() else 0

    def _work(self, name: str, held_in: int | None, version: str | None) -> None:
        stop = Event()
        signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
        if version is not None:
            engine_module.SCHEMA_REVISION = version
        release_chunks._start = partial(self._begin_chunk, release_chunks._start, name, held_in)
        worker.run_worker(self.register.settings, {}, stop, lambda: NOW)

    def _begin_chunk(self, start: Callable[..., object], name: str, held_in: int | None, *given: object) -> object:
        with (self.folder / f"{name}.chunks").open("ab") as begun:
            begun.write(b".")
        if self.chunks_of(name) == held_in:
            (self.folder / f"{name}.held").touch()
            wait_until((self.folder / f"{name}.go").exists)
        return start(*given)


def hold_second_chunk(patch: pytest.MonkeyPatch) -> tuple[Event, Event]:
    """Hold this process's second chunk. Events: it is reached; it may go on."""
    reached, go, begun, start = Event(), Event(), [], release_chunks._start

    def held(*given: object) -> object:
        begun.append(1)
        if len(begun) == 2:
            reached.set()
            assert go.wait(120)
        return start(*given)

    patch.setattr(release_chunks, "_start", held)
    return reached, go


class Held(NamedTuple):
    """A batch that a worker of this process id is issuing, held in its second chunk."""

    batch: str
    job: Job
    pid: int


def held_first(register: JobRegister, workers: Workers, count: int) -> Held:
    """A worker ``first`` that comes no further than the second chunk of a new batch of so many people."""
    batch = register.approved(count)
    held = Held(batch, register.submit(batch), workers.start("first", held_in=2))
    workers.wait_held("first")
    return held


@contextmanager
def workers_of(register: JobRegister, folder: Path) -> Iterator[Workers]:
    """Worker processes for the time of a test."""
    folder.mkdir()
    started = Workers(register, folder, [])
    try:
        yield started
    finally:
        for pid in list(started.pids):
            started.kill(pid)


def small_steps(patch: pytest.MonkeyPatch) -> None:
    """Chunks of five, each made public alone, steps of a twentieth of a second, a quick look for what waits."""
    patch.setattr(issue, "waiting_chunks", partial(issue.waiting_chunks, size=CHUNK))
    patch.setattr(release_chunks, "TOGETHER", 1)
    patch.setattr(stepwise.Stepwise.advance, "__defaults__", (0.05,))
    patch.setattr(worker, "PATROL_SECONDS", 0.1)
    patch.setattr(engine_module, "POLL_SECONDS", 0.05)


def register_at(folder: Path) -> JobRegister:
    """The register of a home folder."""
    return JobRegister(load_settings(folder, {}))
