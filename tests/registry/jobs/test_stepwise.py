"""Work in a thread, step by step: what is done, how it ends, how it is stopped."""

from __future__ import annotations

from threading import Event

from certs.errors import KezhengError
from registry.jobs.stepwise import Progress, Stepwise, Stopped


def all_steps(work: Stepwise) -> list[int]:
    counts = []
    while (count := work.advance(0.05)) is not None:
        counts.append(count)
    return counts


def test_steps_say_how_many_were_done() -> None:
    def work(progress: Progress, _stop: Event) -> None:
        for count in (3, 4):
            progress(count)

    stepwise = Stepwise("test", work)
    assert sum(all_steps(stepwise)) == stepwise.done == 7
    assert stepwise.advance(0.05) is None


def test_a_step_ends_although_nothing_was_done() -> None:
    go = Event()
    stepwise = Stepwise("test", lambda _progress, _stop: go.wait(10) and None)
    assert stepwise.advance(0.01) == 0
    go.set()
    assert all_steps(stepwise) in ([], [0])


def test_what_was_done_before_a_failure_counts_first() -> None:
    def work(progress: Progress, _stop: Event) -> None:
        progress(2)
        raise KezhengError("batch_unknown", batch="x")

    stepwise = Stepwise("test", work)
    stepwise.join(5)
    assert stepwise.advance(1) == 2
    for _ in range(2):
        assert stepwise.advance(1) is None
        assert isinstance(stepwise.failure, KezhengError)


def test_work_that_is_stopped_ends_after_its_part() -> None:
    parts: list[int] = []
    begun = Event()

    def work(progress: Progress, stop: Event) -> None:
        for part in range(5):
            parts.append(part)
            begun.set()
            stop.wait(10)
            progress(1)

    stepwise = Stepwise("test", work)
    begun.wait(10)
    stepwise.stop()
    assert stepwise.join(10)
    assert (parts, stepwise.done) == ([0], 1)
    assert stepwise.advance(1) == 1
    assert stepwise.advance(1) is None
    assert isinstance(stepwise.failure, Stopped)
