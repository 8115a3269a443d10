"""A log on its own for each test: an empty migrated database, a folder, and a sequencer over both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_desk import LogDesk, open_desk

from registry.store.migrate import upgrade_schema


@pytest.fixture(scope="session")
def empty_register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "register.db"
    upgrade_schema(f"sqlite:///{path}")
    return path


@pytest.fixture
def log_database(empty_register: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_register, tmp_path / "register.db"))


@pytest.fixture
def log_url(log_database: Path) -> str:
    return f"sqlite:///{log_database}"


@pytest.fixture
def log_desk(log_url: str, tmp_path: Path) -> Iterator[LogDesk]:
    desk = open_desk(log_url, tmp_path / "log")
    yield desk
    desk.store.close()
