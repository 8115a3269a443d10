"""Homes for tests: initialised once for the whole run, copied for each test.

Whole flows run on both engines (`both_engines` lists them): the home of such a test names a database of its own on a
real PostgreSQL server in its settings file, so that every process that opens the home finds it there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from both_engines import ON_BOTH_ENGINES, copied_home, point_home_at
from postgres_server import postgres_database
from register_desk import NOW, Desk, institution_toml

from keys import keystore as keystore_module
from registry.home import open_home
from registry.initialise import initialise
from registry.sample.rosters import sample_institution
from registry.settings import load_settings

ASSESSOR, TRAINER, OTHER_ASSESSOR = "P000115000001", "T000115000001", "P000215000002"


@pytest.fixture(scope="session")
def _each_passphrase_stretched_once() -> Iterator[None]:
    """Copies of one keystore share its salt: remember what a passphrase was stretched to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_module, "_stretch", cache(keystore_module._stretch))
        yield


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory, _each_passphrase_stretched_once: None) -> Path:
    """An initialised home with two assessment institutions and a training institution, closed."""
    folder = tmp_path_factory.mktemp("prepared") / "home"
    _prepare(folder)
    return folder


@pytest.fixture(scope="session")
def prepared_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, _each_passphrase_stretched_once: None
) -> Iterator[tuple[Path, str]]:
    """The same with its database on a server; the folder, and the address of the database to copy."""
    folder = tmp_path_factory.mktemp("prepared") / "home"
    with postgres_database(migrated=False) as url:
        folder.mkdir()
        point_home_at(folder, url)
        _prepare(folder)
        yield folder, url


def _prepare(folder: Path) -> None:
    settings = load_settings(folder, {})
    initialise(settings, {}, NOW)
    with open_home(settings, {}) as home:
        desk = Desk(home)
        listed = [
            desk.list_institution(content)
            for content in (sample_institution("beijiang"), sample_institution("caoyuan"), institution_toml(2))
        ]
    assert listed == [ASSESSOR, TRAINER, OTHER_ASSESSOR]


@pytest.fixture
def database_engine(request: pytest.FixtureRequest) -> str:
    """The engine of a test's home: SQLite, unless the test is one that runs on both."""
    return getattr(request, "param", os.environ.get("KEZHENG_TEST_ENGINE", "sqlite"))


@pytest.fixture
def home_folder(database_engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A copy of the prepared home that a test may do anything to."""
    if database_engine == "sqlite":
        prepared: Path = request.getfixturevalue("prepared_home")
        yield Path(shutil.copytree(prepared, tmp_path / "home"))
        return
    folder, url = request.getfixturevalue("prepared_on_postgresql")
    with copied_home(folder, url, tmp_path / "home") as copy:
        yield copy


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the listed flows on both engines."""
    if metafunc.function.__name__ in ON_BOTH_ENGINES.get(metafunc.module.__name__.rpartition(".")[2], ()):
        metafunc.parametrize("database_engine", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def desk(home_folder: Path) -> Iterator[Desk]:
    """The copy, open."""
    with open_home(load_settings(home_folder, {}), {}) as home:
        yield Desk(home)
