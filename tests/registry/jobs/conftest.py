"""Registers with jobs in a file beside them, and in a schema of a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from job_register import JobRegister, Workers, register_at, small_steps, workers_of
from postgres_server import postgres_database


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    small_steps(monkeypatch)


@pytest.fixture
def register(home_folder: Path) -> JobRegister:
    """A register whose jobs are a file in its home."""
    return register_at(home_folder, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_register(request: pytest.FixtureRequest, home_folder: Path) -> Iterator[JobRegister]:
    """The same, with the jobs on either engine."""
    if request.param == "sqlite":
        yield register_at(home_folder, None)
        return
    with postgres_database(migrated=False) as url:
        yield register_at(home_folder, url)


@pytest.fixture
def workers(any_register: JobRegister, tmp_path: Path) -> Iterator[Workers]:
    """Worker processes of that register."""
    with workers_of(any_register, tmp_path / "workers") as started:
        yield started
