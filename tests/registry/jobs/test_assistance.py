"""A large batch that two processes take from both ends: each certificate once, and help that ends with its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from job_register import ASSESSOR, CHUNK, JobRegister, Workers, held_first, wait_until

from registry.issuing.issue import begin_issue
from registry.jobs import assistance
from registry.jobs.attempts import Attempt, AttemptState, Order
from registry.jobs.job import Job, JobKind
from registry.jobs.job_desk import open_job_desk
from registry.jobs.work import Extent
from registry.store.states import BatchState, CertificateState

PEOPLE = 6 * CHUNK


@pytest.fixture(autouse=True)
def small_batches_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistance, "WORTH_PERSONS", 2 * CHUNK)


def released(register: JobRegister, batch: str) -> int:
    with register.opened() as desk:
        return [each.state for each in desk.certificates(batch)].count(CertificateState.RELEASED)


def help_with(register: JobRegister, batch: str) -> Attempt:
    """The newest run of the help. Raises KezhengError ``job_unknown`` while there is none."""
    return register.latest(Job(JobKind.ASSIST, ASSESSOR, batch))


@pytest.mark.slow
def test_a_worker_without_work_takes_the_end_of_anothers_batch(any_register: JobRegister, workers: Workers) -> None:
    batch, job, _ = held_first(any_register, workers, PEOPLE)
    workers.start("second")
    # The second comes as far as the first one's end; only the chunk that the first has released is not its own.
    wait_until(lambda: released(any_register, batch) == PEOPLE)
    wait_until(lambda: help_with(any_register, batch).state is AttemptState.DONE)
    assert workers.chunks_of("second") == 5
    with any_register.opened() as desk:
        assert desk.batch(batch).state is BatchState.ISSUING
    workers.release("first")
    wait_until(lambda: any_register.latest(job).state is AttemptState.DONE)
    assert (any_register.latest(job).number, help_with(any_register, batch).number) == (1, 1)
    any_register.expect_all_issued(batch, PEOPLE)


@pytest.mark.slow
def test_help_ends_when_the_batch_is_cancelled(any_register: JobRegister, workers: Workers) -> None:
    batch, job, _ = held_first(any_register, workers, PEOPLE)
    workers.start("second", held_in=2)
    workers.wait_held("second")
    with open_job_desk(any_register.settings) as desk:
        desk.cancel(desk.require(job))
    wait_until(lambda: help_with(any_register, batch).state is AttemptState.CANCELLED)
    workers.release("first")
    workers.release("second")
    any_register.submit(batch)
    wait_until(lambda: any_register.latest(job).state is AttemptState.DONE)
    assert any_register.latest(job).number == 2
    any_register.expect_all_issued(batch, PEOPLE)


class StillEngine:
    """An engine that only notes what is begun, with a desk that shows given runs."""

    def __init__(self, running: Attempt, latest: Attempt | None, *, is_idle: bool = True) -> None:
        self.is_idle, self.executor, self.desk = is_idle, "own", self
        self.begun: list[tuple[Job, int]] = []
        self._running, self._latest = running, latest

    def running(self) -> list[Attempt]:
        return [self._running]

    def latest(self, _job: Job) -> Attempt | None:
        return self._latest

    def start(self, job: Job, number: int, _order: Order) -> None:
        self.begun.append((job, number))


def test_help_is_begun_once_for_a_run_that_is_large_enough(register: JobRegister) -> None:
    batch = register.approved(2 * CHUNK)
    issuing, extent = register.job(batch)
    with register.opened() as desk:
        begin_issue(desk.home, batch, desk.now)
        run = Attempt(issuing, 1, AttemptState.RUNNING, Order(extent), "other", None, desk.now, None)
        help_job = Job(JobKind.ASSIST, issuing.owner, batch)
        helped = run._replace(job=help_job, state=AttemptState.DONE)
        earlier = helped._replace(number=3, created_at=desk.now - timedelta(milliseconds=1))

        def begun(engine: StillEngine) -> list[tuple[Job, int]]:
            assistance.assist_others(desk.home, engine)  # type: ignore[arg-type]
            return engine.begun

        assert begun(StillEngine(run, None)) == [(help_job, 1)]
        assert begun(StillEngine(run, earlier)) == [(help_job, 4)]
        assert begun(StillEngine(run, helped)) == []
        assert begun(StillEngine(run, earlier._replace(state=AttemptState.RUNNING))) == []
        assert begun(StillEngine(run, None, is_idle=False)) == []
        assert begun(StillEngine(run._replace(executor="own"), None)) == []
        assert begun(StillEngine(run._replace(job=help_job), None)) == []
        assert begun(StillEngine(run._replace(order=Order(Extent(2 * CHUNK - 1, 0))), None)) == []


def test_what_nobody_has_begun_decides(register: JobRegister) -> None:
    """A batch that has no numbers yet, or of which all were taken, wants no help."""
    batch = register.approved(2 * CHUNK)
    issuing, extent = register.job(batch)
    with register.opened() as desk:
        run = Attempt(issuing, 1, AttemptState.RUNNING, Order(extent), "other", None, desk.now, None)
        for change in (lambda: None, lambda: desk.finish(desk.batch(batch))):
            change()
            engine = StillEngine(run, None)
            assistance.assist_others(desk.home, engine)  # type: ignore[arg-type]
            assert engine.begun == []
