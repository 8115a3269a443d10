"""Doing a job while somebody waits for it: here, or by watching the process that is at it already."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from certs.errors import KezhengError
from registry.home import Home
from registry.jobs.attempts import Attempt, AttemptState, Order, next_number
from registry.jobs.engine import JobEngine, open_engine
from registry.jobs.job import Job
from registry.jobs.takeover import end_if_dead
from registry.jobs.work import Extent

HERE_SECONDS = 0.05
ELSEWHERE_SECONDS = 0.3
ENDING_SECONDS = 0.01
Show = Callable[[int], None]


def do_now(home: Home, clock: Callable[[], datetime], job: Job, extent: Extent, show: Show) -> None:
    """Do a job of a home with an engine of its own, and wait for its end. Raises as `work_here` does."""
    with open_engine(home, clock, takes_jobs=False) as engine:
        work_here(engine, job, extent, show)


def work_here(engine: JobEngine, job: Job, extent: Extent, show: Show) -> None:
    """Take a job to its end; ``show`` gets the persons done so far.

    What waits for a worker is done here instead; what a living process is at is watched. Raises what ended the job,
    KezhengError ``job_cancelled`` when somebody else cancelled it. An interrupt cancels what is done here.
    """
    latest = engine.desk.latest(job)
    if latest is None or not latest.is_unfinished:
        _start(engine, job, latest, extent)
    while True:
        latest = engine.desk.require(job)
        if not latest.is_unfinished:
            break
        if _is_nobodys(engine, latest):
            _start(engine, job, latest, extent)
            continue
        _watch(engine, latest, show)
    _conclude(latest, show)


def _start(engine: JobEngine, job: Job, latest: Attempt | None, extent: Extent) -> None:
    engine.start(job, next_number(latest), Order(extent))


def _is_nobodys(engine: JobEngine, attempt: Attempt) -> bool:
    """Whether nobody is at an unfinished run; it is ended then."""
    if attempt.state is AttemptState.WAITING:
        engine.desk.cancel(attempt)
        return True
    if attempt.executor != engine.executor:
        return end_if_dead(engine.desk, engine.leases, attempt)
    if is_lost := engine.is_lost(attempt):
        engine.desk.cancel(attempt)
    return is_lost


def _watch(engine: JobEngine, attempt: Attempt, show: Show) -> None:
    """Wait a little, or until a run of this process has ended."""
    try:
        while (done := engine.done_here(attempt.id)) is not None:
            show(attempt.order.extent.done + done)
            time.sleep(HERE_SECONDS)
        if attempt.executor == engine.executor:
            time.sleep(ENDING_SECONDS)
        else:
            show(engine.desk.done(attempt))
            time.sleep(ELSEWHERE_SECONDS)
    except KeyboardInterrupt:
        if attempt.executor == engine.executor:
            engine.desk.cancel(attempt)
        raise


def _conclude(attempt: Attempt, show: Show) -> None:
    if attempt.error is not None:
        raise attempt.error
    if attempt.state is AttemptState.CANCELLED:
        raise KezhengError("job_cancelled", job=attempt.job.id)
    show(attempt.order.extent.total)
