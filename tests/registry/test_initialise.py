"""The first day of a home, and that it can stop anywhere and be gone on with."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from register_desk import NOW, Desk, institution_toml
from sqlalchemy import Engine, event
from stopped_process import Stopped

from certs.errors import KezhengError
from keys import keystore
from registry.home import open_home
from registry.initialise import initialise
from registry.settings import Settings, load_settings
from registry.verifying import evidence_of_home


@pytest.fixture(autouse=True)
def _a_passphrase_that_is_cheap_to_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore, "SCRYPT_N", 2**4)


def settings_in(folder: Path, **environ: str) -> Settings:
    return load_settings(folder, environ)


def works(settings: Settings) -> bool:
    """Whether the home can list an institution and publish it."""
    with open_home(settings, {}) as home:
        Desk(home).list_institution(institution_toml(1))
    return len(getattr(evidence_of_home(settings).trust, "institutions", ())) == 1


def test_only_the_owner_may_look_into_a_home(tmp_path: Path) -> None:
    initialise(settings_in(tmp_path / "home"), {}, NOW)
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    for path in (tmp_path / "home" / "keys").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_again_it_makes_nothing_new(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "home")
    first = initialise(settings, {}, NOW)
    before = {path: path.read_bytes() for path in (tmp_path / "home" / "keys").rglob("*") if path.is_file()}
    second = initialise(settings, {}, NOW)
    assert (second.root, second.created_keys) == (first.root, 0)
    assert {path: path.read_bytes() for path in before} == before
    assert works(settings)


def test_an_empty_folder_with_open_doors_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "kezheng.toml").write_text("run_off_days = 30\n", "utf-8")
    initialise(settings_in(folder), {}, NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_in_use_is_not_closed_unasked(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "thesis.txt").write_text("x", "utf-8")
    with pytest.raises(KezhengError, match="keystore_permissions"):
        initialise(settings_in(folder), {}, NOW)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_passphrase_of_the_environment_is_not_written_down(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "home")
    environ = {"KEZHENG_PASSPHRASE": "六个随机词 correct horse"}
    made = initialise(settings, environ, NOW)
    assert made.passphrase_file is None
    for path in (tmp_path / "home").rglob("*"):
        assert not path.is_file() or b"correct horse" not in path.read_bytes()
    with open_home(settings, {"KEZHENG_PASSPHRASE": "another"}) as home, pytest.raises(
        KezhengError, match="keystore_passphrase_wrong"
    ):
        home.keystore.records()
    with open_home(settings, {}) as home, pytest.raises(KezhengError, match="passphrase_missing"):
        home.keystore.records()


def test_stopped_at_every_file_of_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key appears by one link of a finished file."""
    real = os.link
    for place in itertools.count(1):
        settings, left = settings_in(tmp_path / str(place)), place

        def link(*arguments: Any, **options: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Stopped
            real(*arguments, **options)

        monkeypatch.setattr(os, "link", link)
        try:
            initialise(settings, {}, NOW)
        except Stopped:
            monkeypatch.setattr(os, "link", real)
            initialise(settings, {}, NOW)
            assert works(settings)
        else:
            break
    assert place > 10


@pytest.mark.parametrize("place", [1, 5, 20, 40, 60, 70])
def test_stopped_at_writes_of_the_database(tmp_path: Path, place: int) -> None:
    settings, left = settings_in(tmp_path / "home"), place

    def write(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal left
        if statement.lstrip().upper().startswith(("CREATE", "INSERT", "UPDATE")):
            left -= 1
            if left == 0:
                raise Stopped

    event.listen(Engine, "before_cursor_execute", write)
    try:
        with pytest.raises(Stopped):
            initialise(settings, {}, NOW)
    finally:
        event.remove(Engine, "before_cursor_execute", write)
    initialise(settings, {}, NOW)
    assert works(settings)
