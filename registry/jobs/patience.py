"""Trying again what failed for a reason that passes by itself: a failover, a lock, a witness that does not answer."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from certs.errors import KezhengError
from registry.jobs.stepwise import Progress, Stopped

PASSING = frozenset(
    (
        *("store_unavailable", "store_busy", "store_read_only"),
        *("log_contended", "log_clock_behind", "log_witness_unreachable"),
        *("certificate_state_changed", "already_logged", "batch_state_changed", "batch_not_finished"),
        "signing_rate_exceeded",
    )
)
"""Refusals after which the same work may succeed. It is gone on with from the states, whatever was done before."""
PASSING_CAUSES = {("own_verification_failed", "reason", "log_unavailable"), ("signing_refused", "number", "–")}
"""Refusals that pass for one cause only: our own verifier cannot say anything while another process publishes the
register, and what is to be signed is not there any more because another process has just signed it."""
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
PATIENCE_SECONDS = 600.0
"""How long work that makes no progress is tried again before its refusal counts."""


def patiently(work: Callable[[Progress], None], progress: Progress, stop: Event) -> None:
    """Do work, again and again while its refusals pass; waits double, and start small again after progress.

    Raises what the work raises at last, and Stopped when ``stop`` is set while waiting.
    """
    waits = _Waits()

    def advanced(count: int) -> None:
        waits.start_again()
        progress(count)

    while True:
        try:
            work(advanced)
            return
        except KezhengError as error:
            if not is_passing(error) or not waits.wait(stop):
                raise


def is_passing(error: KezhengError) -> bool:
    """Whether the same work may succeed in a moment."""
    causes = {(error.code, name, value) for name, value in error.params.items()}
    return error.code in PASSING or not causes.isdisjoint(PASSING_CAUSES)


class _Waits:
    """The pauses between attempts."""

    def __init__(self) -> None:
        self.start_again()

    def start_again(self) -> None:
        self._next = FIRST_WAIT_SECONDS
        self._waited = 0.0

    def wait(self, stop: Event) -> bool:
        """Wait once more; False without a wait when patience is at its end."""
        if self._waited >= PATIENCE_SECONDS:
            return False
        if stop.wait(self._next):
            raise Stopped
        self._waited += self._next
        self._next = min(2 * self._next, LONGEST_WAIT_SECONDS)
        return True
