"""A migrated database for each test, on both engines, and a small register to work on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import postgres_database
from small_register import SmallRegister

from registry.store.engine import WriteStore, open_write_store
from registry.store.migrate import upgrade_schema


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "register.db"
    upgrade_schema(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "register.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh database, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('database')}"
    else:
        with postgres_database() as address:
            yield address


@pytest.fixture
def sqlite_url(database: Path) -> str:
    return f"sqlite:///{database}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with postgres_database() as address:
        yield address


@pytest.fixture
def store(url: str) -> Iterator[WriteStore]:
    opened = open_write_store(url)
    yield opened
    opened.close()


@pytest.fixture
def register(store: WriteStore) -> SmallRegister:
    return SmallRegister.founded(store)
