"""Registers with jobs: files of one home, and on a real PostgreSQL server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from both_engines import copied_home
from job_register import JobRegister, Workers, register_at, small_steps, workers_of


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    small_steps(monkeypatch)


@pytest.fixture
def register(prepared_home: Path, tmp_path: Path) -> JobRegister:
    """A register that is a file, with its jobs in another file of its home."""
    return register_at(Path(shutil.copytree(prepared_home, tmp_path / "home")))


@pytest.fixture(params=["sqlite", "postgresql"])
def any_register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobRegister]:
    """The same, and one that lies on a real server with its jobs in a schema of their own."""
    if request.param == "sqlite":
        yield request.getfixturevalue("register")
        return
    folder, url = request.getfixturevalue("prepared_on_postgresql")
    with copied_home(folder, url, tmp_path / "home") as home:
        yield register_at(home)


@pytest.fixture
def workers(any_register: JobRegister, tmp_path: Path) -> Iterator[Workers]:
    """Worker processes of that register."""
    with workers_of(any_register, tmp_path / "workers") as started:
        yield started
