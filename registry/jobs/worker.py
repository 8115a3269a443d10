"""The worker's part: works at what waits, and goes on with what dead processes left."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Event

from certs.errors import KezhengError
from registry.home import open_home
from registry.jobs.engine import Clock, JobEngine, open_engine
from registry.jobs.patience import is_passing
from registry.jobs.takeover import take_over_dead
from registry.settings import Settings

PATROL_SECONDS = 1.0
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
                patrol(engine, stop)
        except KezhengError as error:
            if not is_passing(error):
                raise
            _LOGGER.warning("jobs: %s", error)
            stop.wait(RETRY_SECONDS)


def patrol(engine: JobEngine, stop: Event) -> None:
    """Look for dead processes until ``stop`` is set."""
    while not stop.wait(PATROL_SECONDS):
        try:
            take_over_dead(engine.desk, engine.leases, engine.executor)
        except KezhengError as error:
            _LOGGER.warning("jobs: %s", error)
