"""The engine in this process: it takes jobs, runs each in a thread on a home of its own, and hands on what it leaves.

There is one for a process, because the library is one. A run at a job is a workflow whose steps say how many persons
were done; the library refuses the next step of a run that was cancelled or taken over.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Event
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from certs.errors import KezhengError
from registry.home import Home
from registry.jobs.attempts import MOST_DEATHS, Attempt, Order
from registry.jobs.job import Job, parse_attempt_id
from registry.jobs.job_desk import ADVANCE, APPLICATION, WORKFLOW, JobDesk, job_database_of, open_job_desk, queue_of
from registry.jobs.job_text import JobSerializer
from registry.jobs.leases import FileLeases, Leases, SessionLeases, new_executor_id
from registry.jobs.patience import is_passing, patiently
from registry.jobs.place import ANYWHERE, place_of
from registry.jobs.stepwise import Progress, Stepwise, Stopped
from registry.jobs.work import KINDS, Extent
from registry.store.conflicts import conflicts_as_errors
from registry.store.database_url import is_postgresql
from registry.store.job_database import JOB_SCHEMA, library_url
from registry.store.schema_names import SCHEMA_REVISION

Clock = Callable[[], datetime]
AT_ONCE = 2
"""Jobs from one queue that one process works at at once."""
POLL_SECONDS = 0.5
POOL_SIZE = 6
MOST_ENDING = 64
LOST_SECONDS = 5.0
WRITE_AGAIN_SECONDS = 1.0
LEASES_FOLDER = "jobs"
GRACE_SECONDS = 10.0
"""How long a part of a job may take when the process is to end."""
_LOGGER = logging.getLogger(__name__)
_LIBRARY_LOGGER = logging.getLogger("dbos")


class JobEngine:
    """The running engine of this process. Use ``open_engine``."""

    def __init__(self, home: Home, clock: Clock, executor: str, desk: JobDesk, leases: Leases) -> None:
        self.executor = executor
        self.desk = desk
        self.leases = leases
        self._home = home
        self._clock = clock
        self._running: dict[str, Stepwise] = {}
        self._ending: deque[Stepwise] = deque(maxlen=MOST_ENDING)
        self._stopping = Event()
        self._missed: dict[str, float] = {}

    def start(self, job: Job, number: int, order: Order) -> None:
        """Begin a run at a job in this process, past the queue. Nothing happens when there is such a run already."""
        with conflicts_as_errors(), SetWorkflowID(job.attempt_id(number)):
            DBOS.start_workflow(attempt_at_job, *order.arguments())

    @property
    def is_idle(self) -> bool:
        """Whether this process works at no job."""
        return not self._running

    def done_here(self, attempt_id: str) -> int | None:
        """Persons done by a run of this process, None when it has no such run."""
        running = self._running.get(attempt_id)
        return None if running is None else running.done

    def attempt(self, attempt_id: str, order: Order) -> dict[str, Any]:
        """A run from its beginning to its end; called by the library. What came of it, for the engine's tables.

        Raises what the work raises, and KezhengError ``job_keeps_failing`` when too many processes died over it.
        """
        job, number = parse_attempt_id(attempt_id)
        if order.deaths >= MOST_DEATHS:
            raise KezhengError("job_keeps_failing", job=job.id, count=order.deaths)
        done = order.extent.done
        if not self._stopping.is_set():
            stepwise = self._running[attempt_id] = Stepwise(attempt_id, self._work(job))
            try:
                if self._advance(stepwise):
                    return {"done": done + stepwise.done, "handed_on": False}
                stepwise.stop()
                stepwise.join(GRACE_SECONDS)
                done += stepwise.done
            finally:
                stepwise.stop()
                self._ending.append(stepwise)
                del self._running[attempt_id]
        self.desk.hand_on(job, number, order, done, is_death=False)
        return {"done": done, "handed_on": True}

    def stop(self) -> None:
        """Hand on what is running, and wait until it has ended; at most the grace."""
        self._stopping.set()
        until = time.monotonic() + GRACE_SECONDS
        while self._running and time.monotonic() < until:
            time.sleep(0.01)
        # What was cancelled may still be at its last part, with the database of this home.
        for stepwise in self._ending:
            stepwise.join(max(0.0, until - time.monotonic()))

    def is_lost(self, attempt: Attempt) -> bool:
        """Whether a run that is this process's by the tables is not there any more, for some seconds now.

        That happens when the tables could not be written at the moment it began or ended. A run that has just ended is
        looked for too, until its end is written.
        """
        if attempt.executor != self.executor or attempt.id in self._running:
            self._missed.pop(attempt.id, None)
            return False
        while len(self._missed) >= MOST_ENDING:
            del self._missed[next(iter(self._missed))]
        return time.monotonic() - self._missed.setdefault(attempt.id, time.monotonic()) >= LOST_SECONDS

    def _advance(self, stepwise: Stepwise) -> bool:
        """Take step after step; False when the process is to end before the job has. Raises what ends the work.

        A step that cannot be written does not end the work, which goes on meanwhile or waits for the same database.
        """
        while not self._stopping.is_set():
            try:
                with conflicts_as_errors():
                    count: int | None = DBOS.run_step({"name": ADVANCE}, stepwise.advance)
            except KezhengError as error:
                if not is_passing(error):
                    raise
                self._stopping.wait(WRITE_AGAIN_SECONDS)
                continue
            if count is not None:
                continue
            if stepwise.failure is not None:
                raise stepwise.failure
            return True
        return False

    def _work(self, job: Job) -> Callable[[Progress, Event], None]:
        def work(progress: Progress, stop: Event) -> None:
            home = home_of_thread(self._home)
            try:
                patiently(lambda said: KINDS[job.kind].work(home, job.subject, self._clock, said), progress, stop)
            except (KezhengError, Stopped):
                raise
            except Exception:
                # The engine's tables keep no words of it: they could hold anything.
                _LOGGER.exception("job %s failed", job.id)
                raise

        return work


def home_of_thread(home: Home) -> Home:
    """The same home for another thread: with the same keys and database, remembering its own tree of the log."""
    twin = replace(home)
    # A passphrase takes half a second to stretch: once for a process is enough.
    vars(twin)["keystore"], vars(twin)["keyring"] = home.keystore, home.keyring
    return twin


_engine: JobEngine | None = None


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
def attempt_at_job(total: int, done: int, deaths: int, place: str = ANYWHERE) -> dict[str, Any]:
    """The one workflow there is: a run at a job, named by the workflow's id."""
    assert _engine is not None
    assert DBOS.workflow_id is not None
    return _engine.attempt(DBOS.workflow_id, Order(Extent(total, done), deaths, place))


@contextmanager
def open_engine(home: Home, clock: Clock, *, takes_jobs: bool) -> Iterator[JobEngine]:
    """The engine, running until the end of the block; then what it has under way is handed on.

    With ``takes_jobs`` it works at what waits in the queue; without, only at what is started here. Raises KezhengError
    ``store_unavailable``.
    """
    global _engine
    assert _engine is None, "there is one engine for a process"
    settings, executor = home.settings, new_executor_id()
    url = job_database_of(settings)
    leases = SessionLeases(url) if is_postgresql(url) else FileLeases(settings.home / LEASES_FOLDER)
    with open_job_desk(settings) as desk, leases.held(executor):
        _engine = JobEngine(home, clock, executor, desk, leases)
        try:
            # A queue that is there before the launch is looked at from then on.
            places = (ANYWHERE, place_of(settings)) if takes_jobs else ()
            for place in places:
                desk.open_queue(place, at_once=AT_ONCE, poll_seconds=POLL_SECONDS)
            _launch(url, executor, [queue_of(place) for place in places])
            yield _engine
        finally:
            try:
                _engine.stop()
            finally:
                DBOS.destroy()
                _engine = None


def _launch(url: str, executor: str, queues: Sequence[str]) -> None:
    _LIBRARY_LOGGER.propagate = bool(queues)
    with conflicts_as_errors():
        DBOS(config=_config(url, executor))
        DBOS.listen_queues(queues)
        DBOS.launch()
        if queues:
            # Jobs that are for no version go to the newest: what this program is, if an older one comes again too.
            DBOS.set_latest_application_version(SCHEMA_REVISION)


def _config(url: str, executor: str) -> DBOSConfig:
    """No telemetry, no administration, no pickle; a version that names the tables, not the program's text."""
    return {
        "name": APPLICATION,
        "system_database_url": library_url(url),
        "dbos_system_schema": JOB_SCHEMA,
        "sys_db_pool_size": POOL_SIZE,
        "serializer": JobSerializer(),
        "application_version": SCHEMA_REVISION,
        "executor_id": executor,
        "enable_otlp": False,
        # The desk has made the tables; nothing here waits for a message, so no connection has to listen for one.
        "run_migrations": False,
        "use_listen_notify": False,
        "log_level": "WARNING",
        "notification_listener_polling_interval_sec": 0.1,
    }
