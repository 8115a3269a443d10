"""Giving jobs out and asking after them, from any process, whether it works at jobs itself or not."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from dbos import DBOS, DBOSClient, EnqueueOptions

from certs.errors import KezhengError
from registry.jobs.attempts import ENGINE_ENDED, ENGINE_UNFINISHED, RUNNING, Attempt, Order, attempt_from, next_number
from registry.jobs.job import Job
from registry.jobs.job_text import JobSerializer
from registry.jobs.place import ANYWHERE
from registry.jobs.work import Extent
from registry.settings import Settings
from registry.store.conflicts import conflicts_as_errors
from registry.store.job_database import JOB_SCHEMA, job_database_url, library_url

APPLICATION = "kezheng"
QUEUE = "jobs"
WORKFLOW = "kezheng.attempt"
ADVANCE = "advance"
MOST_WAITING = 20
"""Jobs of one institution that may wait or run at once; more would only wait, and hide what is wrong."""
SHOWN = 50
HAND_ON_SECONDS = 2.0
FORGOTTEN_AT_ONCE = 500


def queue_of(place: str) -> str:
    """The queue of what is to be done in a place."""
    return f"{QUEUE}.{place}" if place else QUEUE


class JobDesk:
    """The engine's tables, as verbs."""

    def __init__(self, client: DBOSClient) -> None:
        self._client = client

    def open_queue(self, place: str, *, at_once: int, poll_seconds: float) -> None:
        """Say how many jobs of a place a process works at at once, and how often it looks for one that waits."""
        with conflicts_as_errors():
            self._client.register_queue(
                queue_of(place), worker_concurrency=at_once, polling_interval_sec=poll_seconds
            )

    def submit(self, job: Job, extent: Extent, place: str = ANYWHERE) -> Attempt:
        """Put a job in the queue of a place; the run that waits or runs already when there is one.

        Raises KezhengError ``jobs_waiting`` when as many of the institution's wait as may, ``store_unavailable``.
        """
        latest = self.latest(job)
        if latest is not None and latest.is_unfinished:
            return latest
        waiting = len(self.unfinished(job.owner))
        if waiting >= MOST_WAITING:
            raise KezhengError("jobs_waiting", institution=job.owner, count=waiting)
        return self._enqueue(job, next_number(latest), Order(extent, place=place), waiting)

    def hand_on(self, job: Job, number: int, order: Order, done: int, *, is_death: bool) -> Attempt:
        """Let another run go on where the run with this number and order ends. Asking twice does it once."""
        progressed = done > order.extent.done
        deaths = 0 if progressed else order.deaths + is_death
        again = Order(Extent(order.extent.total, done), deaths, order.place)
        # Who hands on because it ends would otherwise take it itself, with its last breath.
        return self._enqueue(job, number + 1, again, 0, delay_seconds=None if is_death else HAND_ON_SECONDS)

    def latest(self, job: Job) -> Attempt | None:
        """The newest run at a job, None when there was none."""
        return max(self._attempts(prefix=f"{job.id}."), key=lambda attempt: attempt.number, default=None)

    def require(self, job: Job) -> Attempt:
        """The newest run at a job. Raises KezhengError ``job_unknown``."""
        latest = self.latest(job)
        if latest is None:
            raise KezhengError("job_unknown", job=job.id)
        return latest

    def unfinished(self, owner: str | None = None) -> list[Attempt]:
        """Runs that wait or run, oldest first; of one institution or of all."""
        found = self._attempts(states=ENGINE_UNFINISHED)
        return [attempt for attempt in found if owner in (None, attempt.job.owner)]

    def running(self, executor: str | None = None) -> list[Attempt]:
        """Runs that a process has, dead or alive."""
        return self._attempts(states=[RUNNING], executor=executor)

    def recent(self, limit: int = SHOWN) -> list[Attempt]:
        """The newest run at each job of the last runs, newest first."""
        with conflicts_as_errors():
            found = self._client.list_workflows(name=WORKFLOW, sort_desc=True, limit=limit)
        newest: dict[Job, Attempt] = {}
        for attempt in map(attempt_from, found):
            if attempt.job not in newest or newest[attempt.job].number < attempt.number:
                newest[attempt.job] = attempt
        return list(newest.values())

    def done(self, attempt: Attempt) -> int:
        """Persons done at a job, up to the last step of this run and with earlier runs."""
        with conflicts_as_errors():
            steps = self._client.list_workflow_steps(attempt.id)
        return attempt.order.extent.done + sum(step["output"] or 0 for step in steps)

    def cancel(self, attempt: Attempt) -> None:
        """End a run after the part it is at. What was released stays; nothing happens when it has ended."""
        with conflicts_as_errors():
            self._client.cancel_workflow(attempt.id)

    def forget_ended(self, before: datetime) -> int:
        """Remove what the engine kept of runs that ended before a time; how many."""
        with conflicts_as_errors():
            ended = self._client.list_workflows(
                name=WORKFLOW,
                status=ENGINE_ENDED,
                completed_before=before.isoformat(),
                limit=FORGOTTEN_AT_ONCE,
                load_input=False,
                load_output=False,
            )
            if ended:
                self._client.delete_workflows([status.workflow_id for status in ended])
        return len(ended)

    def _enqueue(
        self, job: Job, number: int, order: Order, waiting: int, *, delay_seconds: float | None = None
    ) -> Attempt:
        """Without a version: whichever program is newest takes it. Who has much waiting comes behind who has little."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue_of(order.place),
            "workflow_id": job.attempt_id(number),
            "priority": 1 + waiting,
        }
        if delay_seconds is not None:
            options["delay_seconds"] = delay_seconds
        with conflicts_as_errors():
            self._client.enqueue(options, *order.arguments())
        return self.require(job)

    def _attempts(
        self, *, prefix: str | None = None, states: Sequence[str] | None = None, executor: str | None = None
    ) -> list[Attempt]:
        with conflicts_as_errors():
            found = self._client.list_workflows(
                name=WORKFLOW,
                workflow_id_prefix=prefix,
                status=None if states is None else list(states),
                executor_id=executor,
            )
        return [attempt_from(status) for status in found]


def job_database_of(settings: Settings) -> str:
    """Where the jobs of a home's register are."""
    return job_database_url(settings.home, settings.database_url, settings.jobs_database_url)


@contextmanager
def open_job_desk(settings: Settings) -> Iterator[JobDesk]:
    """The desk of a home's register; its tables are made when they are missing. Raises ``store_unavailable``."""
    quieten_library()
    url = library_url(job_database_of(settings))
    with conflicts_as_errors():
        DBOS.migrate(url, schema=JOB_SCHEMA)
        client = DBOSClient(
            system_database_url=url,
            dbos_system_schema=JOB_SCHEMA,
            serializer=JobSerializer(),
            application_name=APPLICATION,
            retry_connection_errors=False,
        )
    try:
        yield JobDesk(client)
    finally:
        client.destroy()


def quieten_library() -> None:
    """The library writes to the terminal unless it finds a handler; what ends a job is told by us."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.addFilter(lambda record: record.exc_info is None)
        logger.propagate = False
