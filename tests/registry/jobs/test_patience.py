"""Trying again: which refusals pass, how long is waited, when it is enough."""

from __future__ import annotations

from threading import Event

import pytest

from certs.errors import KezhengError
from certs.wording import all_codes
from registry.jobs import patience
from registry.jobs.patience import (
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    PASSING,
    PATIENCE_SECONDS,
    is_passing,
    patiently,
)
from registry.jobs.stepwise import Progress, Stopped


class Waits(Event):
    """An event that nobody sets, which does not wait and writes down how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return self.is_set()


def run(results: list[KezhengError | int], waits: Waits) -> list[int]:
    """Work of which each run makes some progress or is refused; the progress made."""
    left, made = iter(results), []

    def work(progress: Progress) -> None:
        for result in left:
            if isinstance(result, KezhengError):
                raise result
            progress(result)

    patiently(work, made.append, waits)
    return made


def refused(code: str = "store_unavailable") -> KezhengError:
    return KezhengError(code)


@pytest.mark.parametrize("code", sorted(PASSING))
def test_what_passes_is_tried_again(code: str) -> None:
    assert code in all_codes("error")
    waits = Waits()
    assert run([1, refused(code), 2], waits) == [1, 2]
    assert waits.seconds == [FIRST_WAIT_SECONDS]


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (KezhengError("own_verification_failed", reason="log_unavailable"), True),
        (KezhengError("own_verification_failed", reason="signature_mismatch"), False),
        (KezhengError("signing_refused", number="–"), True),
        (KezhengError("signing_refused", number="P000115000001262000001B"), False),
        (KezhengError("batch_unknown", batch="log_unavailable"), False),
    ],
)
def test_some_refusals_pass_for_one_cause_only(error: KezhengError, passes: bool) -> None:
    assert is_passing(error) is passes


def test_what_does_not_pass_is_raised_at_once() -> None:
    waits = Waits()
    with pytest.raises(KezhengError, match="not_authorised"):
        run([refused("not_authorised"), 1], waits)
    assert waits.seconds == []


def test_waits_double_and_start_small_again_after_progress() -> None:
    waits = Waits()
    run([*[refused()] * 7, 1, refused(), 1], waits)
    first = [min(FIRST_WAIT_SECONDS * 2**place, LONGEST_WAIT_SECONDS) for place in range(7)]
    assert waits.seconds == pytest.approx([*first, FIRST_WAIT_SECONDS])


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_WAIT_SECONDS", 60.0)
    waits = Waits()
    with pytest.raises(KezhengError, match="store_unavailable"):
        run([refused()] * 1000, waits)
    assert PATIENCE_SECONDS <= sum(waits.seconds) < PATIENCE_SECONDS + 60


def test_who_waits_can_be_stopped() -> None:
    waits = Waits()
    waits.set()
    with pytest.raises(Stopped):
        run([refused()], waits)
