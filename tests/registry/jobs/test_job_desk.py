"""Giving jobs out: once, not too many, in turn, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from job_register import JobRegister

from certs.errors import KezhengError
from registry.jobs import job_desk
from registry.jobs.attempts import MOST_DEATHS, AttemptState, Order
from registry.jobs.job import Job, JobKind
from registry.jobs.job_desk import MOST_WAITING, JobDesk, open_job_desk, queue_of
from registry.jobs.place import ANYWHERE, LOCAL, place_for, place_of
from registry.jobs.work import Extent

EXTENT = Extent(100, 10)


def job(place: int = 1, owner: str = "P000115000001", kind: JobKind = JobKind.ISSUE) -> Job:
    return Job(kind, owner, f"B20261120-{place:010x}")


@pytest.fixture
def desk(any_register: JobRegister) -> Iterator[JobDesk]:
    with open_job_desk(any_register.settings) as opened:
        yield opened


def test_a_job_that_was_given_out_waits(desk: JobDesk) -> None:
    given = desk.submit(job(), EXTENT)
    assert (given.number, given.state, given.order, given.executor) == (1, AttemptState.WAITING, Order(EXTENT), None)
    assert given.ended_at is None
    assert desk.latest(job()) == desk.require(job()) == given
    assert desk.unfinished() == [given]
    assert desk.running() == []
    assert desk.done(given) == EXTENT.done


def test_a_job_given_out_twice_is_one(desk: JobDesk) -> None:
    assert desk.submit(job(), EXTENT) == desk.submit(job(), Extent(100, 50))
    assert len(desk.unfinished()) == 1


def test_a_job_nobody_knows(desk: JobDesk) -> None:
    assert desk.latest(job()) is None
    with pytest.raises(KezhengError, match="job_unknown"):
        desk.require(job())


def test_a_cancelled_job_can_be_given_out_again(desk: JobDesk) -> None:
    first = desk.submit(job(), EXTENT)
    desk.cancel(first)
    assert desk.require(job()).state is AttemptState.CANCELLED
    assert desk.require(job()).ended_at is not None
    assert desk.unfinished() == []
    again = desk.submit(job(), EXTENT)
    assert (again.number, again.state) == (2, AttemptState.WAITING)


def test_an_institution_has_only_so_many_jobs_waiting(desk: JobDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_desk, "MOST_WAITING", 3)
    assert MOST_WAITING > 3
    given = [desk.submit(job(place), EXTENT) for place in range(3)]
    with pytest.raises(KezhengError, match="jobs_waiting") as refused:
        desk.submit(job(9), EXTENT)
    assert refused.value.params == {"institution": "P000115000001", "count": 3}
    # What waits already, and another institution, are not concerned.
    assert desk.submit(job(1), EXTENT) == given[1]
    desk.submit(job(9, owner="P000215000002"), EXTENT)
    desk.cancel(given[0])
    desk.submit(job(9), EXTENT)


def test_a_kind_of_job_is_a_job_of_its_own(desk: JobDesk) -> None:
    desk.submit(job(), EXTENT)
    desk.submit(job(kind=JobKind.RENDER), EXTENT)
    assert {attempt.job.kind for attempt in desk.unfinished()} == {JobKind.ISSUE, JobKind.RENDER}


def test_the_latest_runs_are_shown_once_for_each_job(desk: JobDesk) -> None:
    desk.cancel(desk.submit(job(1), EXTENT))
    desk.submit(job(1), EXTENT)
    desk.submit(job(2), EXTENT)
    assert sorted((attempt.job.subject, attempt.number) for attempt in desk.recent()) == [
        (job(1).subject, 2),
        (job(2).subject, 1),
    ]


def test_handing_on_twice_makes_one_run(desk: JobDesk) -> None:
    first = desk.submit(job(), EXTENT)
    again = [desk.hand_on(first.job, 1, first.order, 40, is_death=False) for _ in range(2)]
    assert again[0] == again[1]
    assert (again[0].number, again[0].order) == (2, Order(Extent(100, 40), 0))


@pytest.mark.parametrize(
    ("deaths", "done", "is_death", "counted"),
    [
        *((0, 10, True, 1), (4, 10, True, 5), (4, 10, False, 4)),
        *((MOST_DEATHS - 1, 10, True, MOST_DEATHS), (4, 11, True, 0), (4, 11, False, 0)),
    ],
)
def test_deaths_in_a_row_without_progress_are_counted(
    desk: JobDesk, deaths: int, done: int, is_death: bool, counted: int
) -> None:
    again = desk.hand_on(job(), 1, Order(EXTENT, deaths), done, is_death=is_death)
    assert again.order.deaths == counted


def test_a_database_that_is_gone_has_its_code(register: JobRegister) -> None:
    gone = replace(register.settings, jobs_database_url="postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(KezhengError, match="store_unavailable"), open_job_desk(gone):
        pass


def test_what_has_to_be_done_in_a_place_waits_in_its_queue(desk: JobDesk) -> None:
    assert queue_of(ANYWHERE) == "jobs"
    given = desk.submit(job(kind=JobKind.RENDER), EXTENT, "0123456789ab")
    assert given.order.place == "0123456789ab"
    assert desk.hand_on(given.job, 1, given.order, 50, is_death=True).order.place == "0123456789ab"
    queues = {status.queue_name for status in desk._client.list_workflows()}
    assert queues == {"jobs.0123456789ab"}


def test_local_kinds_are_for_the_home_that_asks(register: JobRegister) -> None:
    here = place_of(register.settings)
    assert place_of(replace(register.settings, home=register.settings.home / "other")) != here
    assert {kind for kind in JobKind if place_for(kind, register.settings) == here} == LOCAL
    assert {place_for(kind, register.settings) for kind in set(JobKind) - LOCAL} == {ANYWHERE}


def test_what_ended_long_ago_is_forgotten(desk: JobDesk) -> None:
    for place in (1, 2):
        desk.submit(job(place), EXTENT)
    desk.cancel(desk.require(job(1)))
    ended = desk.require(job(1)).ended_at
    assert ended is not None
    assert desk.forget_ended(ended - timedelta(minutes=1)) == 0
    assert desk.forget_ended(ended + timedelta(minutes=1)) == 1
    assert desk.latest(job(1)) is None
    assert desk.latest(job(2)) is not None
