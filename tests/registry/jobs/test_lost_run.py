"""The engine's tables cannot be written for a moment: no run ends by that, and one that is lost is gone on with."""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import OperationalError as DriverError
from typing import Any

import pytest
from dbos._sys_db import SystemDatabase
from job_register import CHUNK, JobRegister, wait_until
from sqlalchemy.exc import OperationalError

from registry.jobs import engine as engine_module
from registry.jobs.attempts import AttemptState
from registry.jobs.engine import JobEngine
from registry.jobs.foreground import work_here
from registry.jobs.takeover import hand_on_lost

PEOPLE = 2 * CHUNK


def failing(times: int, inner: Callable[..., Any]) -> Callable[..., Any]:
    """A method that fails so often as a connection that is lost, with words that the library does not know."""
    left = [times]

    def method(*given: Any, **named: Any) -> Any:
        if left[0]:
            left[0] -= 1
            lost = DriverError("connection is bad")
            lost.sqlite_errorname = "SQLITE_IOERR"
            raise OperationalError("", {}, lost)
        return inner(*given, **named)

    return method


def patched(patch: pytest.MonkeyPatch, name: str, times: int) -> None:
    patch.setattr(SystemDatabase, name, failing(times, getattr(SystemDatabase, name)))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOST_SECONDS", 0.3)
    monkeypatch.setattr(engine_module, "WRITE_AGAIN_SECONDS", 0.05)


def test_a_step_that_cannot_be_written_ends_no_run(register: JobRegister, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = register.approved(PEOPLE)
    patched(monkeypatch, "record_operation_result", 2)
    job, extent = register.job(batch)
    with register.engine() as engine:
        work_here(engine, job, extent, lambda _: None)
        assert engine.desk.require(job).number == 1
    register.expect_all_issued(batch, PEOPLE)


def test_a_run_whose_end_cannot_be_written_is_ended_by_another(
    register: JobRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = register.approved(PEOPLE)
    patched(monkeypatch, "update_workflow_outcome", 1)
    job, extent = register.job(batch)
    with register.engine() as engine:
        work_here(engine, job, extent, lambda _: None)
        assert (engine.desk.require(job).number, engine.desk.require(job).state) == (2, AttemptState.DONE)
    register.expect_all_issued(batch, PEOPLE)


def test_a_worker_hands_on_what_it_has_lost(register: JobRegister, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = register.approved(PEOPLE)
    patched(monkeypatch, "update_workflow_outcome", 1)
    job = register.submit(batch)
    with register.engine(takes_jobs=True) as engine:
        wait_until(lambda: bool(lost_in(engine)))
        wait_until(lambda: engine.desk.require(job).state is AttemptState.DONE)
        assert engine.desk.require(job).number == 2
    register.expect_all_issued(batch, PEOPLE)


def lost_in(engine: JobEngine) -> list[Any]:
    return hand_on_lost(engine.desk, engine.executor, engine.is_lost)
