"""Runs at jobs as the engine has them in its tables: who works at what, what waits, what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from dbos import WorkflowStatus

from certs.errors import KezhengError
from certs.timestamps import instant_from_ms
from registry.jobs.job import Job, parse_attempt_id
from registry.jobs.place import ANYWHERE
from registry.jobs.work import Extent

MOST_DEATHS = 10
"""How often processes may die over a job one after the other, without progress, before nobody takes it up again."""


class AttemptState(StrEnum):
    """How a run at a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    HANDED_ON = "handed_on"
    REFUSED = "refused"
    CANCELLED = "cancelled"


UNFINISHED = (AttemptState.WAITING, AttemptState.RUNNING)
ENGINE_UNFINISHED = ["DELAYED", "ENQUEUED", "PENDING"]
"""The same in the engine's words."""
ENGINE_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
RUNNING = "PENDING"
_STATES = {
    **{"DELAYED": AttemptState.WAITING, "ENQUEUED": AttemptState.WAITING, "PENDING": AttemptState.RUNNING},
    **{"SUCCESS": AttemptState.DONE, "ERROR": AttemptState.REFUSED, "CANCELLED": AttemptState.CANCELLED},
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": AttemptState.REFUSED,
}


class Order(NamedTuple):
    """What a run is told: how large the job is, with what earlier runs did, how many of them died in a row, and where
    it is to be done."""

    extent: Extent
    deaths: int = 0
    place: str = ANYWHERE

    def arguments(self) -> tuple[int, int, int, str]:
        """As the engine keeps them."""
        return *self.extent, self.deaths, self.place


class Attempt(NamedTuple):
    """A run at a job. ``executor`` is the process that has it, ``error`` what ended it."""

    job: Job
    number: int
    state: AttemptState
    order: Order
    executor: str | None
    error: KezhengError | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def id(self) -> str:
        """The engine's name of it."""
        return self.job.attempt_id(self.number)

    @property
    def is_unfinished(self) -> bool:
        """Whether it waits or runs."""
        return self.state in UNFINISHED


def next_number(latest: Attempt | None) -> int:
    """The number of the run after the newest one."""
    return 1 if latest is None else latest.number + 1


def attempt_from(status: WorkflowStatus) -> Attempt:
    """A run as the engine's row says. The row's inputs and outputs must have been loaded."""
    job, number = parse_attempt_id(status.workflow_id)
    assert status.input is not None
    assert status.created_at is not None
    # A run that an older program ordered has no place.
    total, done, deaths, place = (*status.input["args"], ANYWHERE)[:4]
    return Attempt(
        job=job,
        number=number,
        state=_state(status),
        order=Order(Extent(total, done), deaths, place),
        executor=status.executor_id,
        error=_error(status),
        created_at=instant_from_ms(status.created_at),
        ended_at=None if status.completed_at is None else instant_from_ms(status.completed_at),
    )


def _state(status: WorkflowStatus) -> AttemptState:
    state = _STATES[status.status]
    is_handed_on = state is AttemptState.DONE and status.output is not None and status.output["handed_on"]
    return AttemptState.HANDED_ON if is_handed_on else state


def _error(status: WorkflowStatus) -> KezhengError | None:
    if _STATES[status.status] is not AttemptState.REFUSED:
        return None
    return status.error if isinstance(status.error, KezhengError) else KezhengError("internal")
