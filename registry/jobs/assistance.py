"""Helping with a large batch: a process without work takes its end while the one that issues it comes from the front.

The help is a job of its own, one for a batch, that anybody may lose: who issues the batch goes through all of it, and
finds done what was done. It ends when the two meet, and is ended when nobody issues the batch any more.
"""

from __future__ import annotations

from registry.home import Home
from registry.jobs.attempts import Attempt, Order, next_number
from registry.jobs.engine import JobEngine
from registry.jobs.job import JobKind
from registry.jobs.job_desk import JobDesk
from registry.jobs.work import job_and_extent

WORTH_PERSONS = 5_000
"""From so many on that nobody has begun, reading the batch costs a second process less than it saves."""


def assist_others(home: Home, engine: JobEngine) -> None:
    """Begin to help where this process has nothing to do and another one has much.

    Raises KezhengError ``store_unavailable``.
    """
    if not engine.is_idle:
        return
    for attempt in engine.desk.running():
        if _may_want_help(engine, attempt) and _assist(home, engine, attempt):
            return


def end_needless(desk: JobDesk) -> None:
    """End the help with batches that nobody issues any more. Raises KezhengError ``store_unavailable``."""
    unfinished = desk.unfinished()
    issued = {attempt.job.subject for attempt in unfinished if attempt.job.kind is JobKind.ISSUE}
    for attempt in unfinished:
        if attempt.job.kind is JobKind.ASSIST and attempt.job.subject not in issued:
            desk.cancel(attempt)


def _may_want_help(engine: JobEngine, attempt: Attempt) -> bool:
    is_large = attempt.order.extent.total >= WORTH_PERSONS
    return attempt.job.kind is JobKind.ISSUE and attempt.executor != engine.executor and is_large


def _assist(home: Home, engine: JobEngine, issuing: Attempt) -> bool:
    """Whether help was begun: once for a run, when enough of it is left."""
    with home.store.reading() as tx:
        job, extent = job_and_extent(tx, JobKind.ASSIST, issuing.job.subject)
    latest = engine.desk.latest(job)
    was_helped = latest is not None and (latest.is_unfinished or latest.created_at >= issuing.created_at)
    if was_helped or extent.total < WORTH_PERSONS:
        return False
    engine.start(job, next_number(latest), Order(extent))
    return True
