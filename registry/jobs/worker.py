"""The worker's part: works at what waits, goes on with what dead processes left, sends what webhooks are due."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Event

from certs.errors import KezhengError
from registry.home import Home, open_home
from registry.jobs.assistance import assist_others, end_needless
from registry.jobs.engine import Clock, JobEngine, open_engine
from registry.jobs.job import JobKind
from registry.jobs.job_desk import JobDesk
from registry.jobs.patience import is_passing
from registry.jobs.takeover import hand_on_lost, take_over_dead
from registry.jobs.work import job_and_extent
from registry.left_lists import forget_old_lists
from registry.settings import Settings
from registry.store.webhook_store import webhooks_with_due

PATROL_SECONDS = 1.0
TIDY_INTERVAL = timedelta(minutes=10)
KEPT = timedelta(days=30)
"""How long it can be seen what became of a job."""
RETRY_SECONDS = 5.0
_LOGGER = logging.getLogger(__name__)


def now_utc() -> datetime:
    """The worker's clock."""
    return datetime.now(UTC)


def run_worker(settings: Settings, environ: Mapping[str, str], stop: Event, clock: Clock = now_utc) -> None:
    """Work at jobs until ``stop`` is set; then what is under way is handed on. Blocks.

    A database that cannot be reached is waited for. Raises KezhengError for settings with which no worker can run.
    """
    while not stop.is_set():
        try:
            with open_home(settings, environ) as home, open_engine(home, clock, takes_jobs=True) as engine:
                patrol(home, engine, stop, clock)
        except KezhengError as error:
            if not is_passing(error):
                raise
            _LOGGER.warning("jobs: %s", error)
            stop.wait(RETRY_SECONDS)


def patrol(home: Home, engine: JobEngine, stop: Event, clock: Clock) -> None:
    """Look for dead processes, for who wants help, for due messages and what is too old, until ``stop`` is set."""
    tidy_at = clock()
    while not stop.wait(PATROL_SECONDS):
        try:
            now = clock()
            take_over_dead(engine.desk, engine.leases, engine.executor)
            hand_on_lost(engine.desk, engine.executor, engine.is_lost)
            end_needless(engine.desk)
            assist_others(home, engine)
            submit_deliveries(home, engine.desk, now)
            if now >= tidy_at:
                forget_old_lists(home.settings, now)
                engine.desk.forget_ended(now - KEPT)
                tidy_at = now + TIDY_INTERVAL
        except KezhengError as error:
            _LOGGER.warning("jobs: %s", error)


def submit_deliveries(home: Home, desk: JobDesk, now: datetime) -> None:
    """A job for every webhook that has messages due; none where one waits or runs already."""
    with home.store.reading() as tx:
        due = [job_and_extent(tx, JobKind.DELIVER, str(webhook)) for webhook in webhooks_with_due(tx, now)]
    for job, extent in due:
        try:
            desk.submit(job, extent)
        except KezhengError as error:
            # What is due stays due: as much of this institution waits as may.
            if error.code != "jobs_waiting":
                raise
