"""Going on with what dead processes had under way, and with what a living one has lost.

Whose lease can be taken is dead; nothing else counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from registry.jobs.attempts import Attempt
from registry.jobs.job_desk import JobDesk
from registry.jobs.leases import Leases

_LOGGER = logging.getLogger(__name__)


def take_over_dead(desk: JobDesk, leases: Leases, own: str) -> list[Attempt]:
    """Put every job of a dead process back into the queue, as a run of its own; those runs.

    Two that look at once never both find a process dead, and a living one is left alone. Raises KezhengError
    ``store_unavailable``.
    """
    executors = {attempt.executor for attempt in desk.running()} - {own, None}
    return [again for executor in sorted(map(str, executors)) for again in _take_over(desk, leases, executor)]


def hand_on_lost(desk: JobDesk, executor: str, is_lost: Callable[[Attempt], bool]) -> list[Attempt]:
    """Put what this process has lost back into the queue; those runs. Raises KezhengError ``store_unavailable``."""
    return [_again(desk, attempt) for attempt in desk.running(executor) if is_lost(attempt)]


def end_if_dead(desk: JobDesk, leases: Leases, attempt: Attempt) -> bool:
    """End a run whose process is dead, for another to be started; whether it was."""
    assert attempt.executor is not None
    with leases.of_dead(attempt.executor) as is_dead:
        if is_dead:
            desk.cancel(attempt)
        return is_dead


def _take_over(desk: JobDesk, leases: Leases, executor: str) -> list[Attempt]:
    with leases.of_dead(executor) as is_dead:
        return [_again(desk, attempt) for attempt in desk.running(executor)] if is_dead else []


def _again(desk: JobDesk, attempt: Attempt) -> Attempt:
    """The next run is there before this one is ended: dying in between loses nothing."""
    _LOGGER.warning("job %s is taken over from %s", attempt.id, attempt.executor)
    again = desk.hand_on(attempt.job, attempt.number, attempt.order, desk.done(attempt), is_death=True)
    desk.cancel(attempt)
    return again
