"""Homes for tests: initialised once for the whole run, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
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
    settings = load_settings(folder, {})
    initialise(settings, {}, NOW)
    with open_home(settings, {}) as home:
        desk = Desk(home)
        listed = [
            desk.list_institution(content)
            for content in (sample_institution("beijiang"), sample_institution("caoyuan"), institution_toml(2))
        ]
    assert listed == [ASSESSOR, TRAINER, OTHER_ASSESSOR]
    return folder


@pytest.fixture
def home_folder(prepared_home: Path, tmp_path: Path) -> Path:
    """A copy of the prepared home that a test may do anything to."""
    copy = tmp_path / "home"
    shutil.copytree(prepared_home, copy)
    return copy


@pytest.fixture
def desk(home_folder: Path) -> Iterator[Desk]:
    """The copy, open."""
    with open_home(load_settings(home_folder, {}), {}) as home:
        yield Desk(home)
