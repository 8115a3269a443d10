"""Processes that take rosters to released certificates side by side, each with an engine for jobs of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from bench.sample_home import approved_batch, now
from registry.home import Home, open_home
from registry.jobs.engine import JobEngine, open_engine
from registry.jobs.foreground import work_here
from registry.jobs.job import JobKind
from registry.jobs.work import job_and_extent
from registry.settings import Settings


class IssuingProcesses:
    """As many processes as asked, on a home that is fresh each time; the rosters are dealt out in turn."""

    def __init__(
        self, fresh_home: Callable[[], Settings], code: str, rosters: Sequence[bytes], processes: int
    ) -> None:
        self.rosters = rosters
        self._fresh_home = fresh_home
        self._code = code
        self._count = processes
        self._running: list[tuple[BaseProcess, Connection]] = []

    def make_ready(self) -> None:
        """Open a fresh home in each process, with its keys and its engine."""
        self.end()
        settings, context = self._fresh_home(), get_context("spawn")
        for place in range(self._count):
            ours, theirs = context.Pipe()
            mine = list(self.rosters[place :: self._count])
            process = context.Process(target=_serve, args=(theirs, settings, self._code, mine))
            process.start()
            self._running.append((process, ours))
        self._wait()

    def issue(self) -> None:
        """Let them go, and wait until every roster is released."""
        for _, connection in self._running:
            connection.send("go")
        self._wait()

    def end(self) -> None:
        """End the processes."""
        for process, connection in self._running:
            connection.close()
            process.join()
        self._running.clear()

    def _wait(self) -> None:
        for _, connection in self._running:
            connection.recv()


def _serve(connection: Connection, settings: Settings, code: str, rosters: Sequence[bytes]) -> None:
    with ExitStack() as held:
        home = held.enter_context(open_home(settings, {}))
        home.keyring.cipher  # noqa: B018 - a passphrase takes half a second to stretch
        engine = held.enter_context(open_engine(home, now, takes_jobs=False))
        connection.send("ready")
        try:
            connection.recv()
        except EOFError:
            return
        for roster in rosters:
            _issue(home, engine, code, roster)
        connection.send("done")


def _issue(home: Home, engine: JobEngine, code: str, roster: bytes) -> None:
    batch = approved_batch(home, code, roster)
    with home.store.reading() as tx:
        job, extent = job_and_extent(tx, JobKind.ISSUE, batch)
    work_here(engine, job, extent, lambda _done: None)
