"""A register with a backup of its database taken some time before the disk was lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from register_desk import NOW, OPERATOR, Desk

from certs.errors import KezhengError
from registry.home import open_home
from registry.recovering.recover import recover
from registry.recovering.report import recovery_document
from registry.settings import load_settings

MINUTE = timedelta(minutes=1)
ASSESSOR, TRAINER, OTHER_ASSESSOR = "P000115000001", "T000115000001", "P000215000002"


def back_up(folder: Path, name: str = "backup.db") -> Path:
    """A copy of the database as it is now, kept beside the home."""
    copy = folder.with_name(name)
    with closing(sqlite3.connect(folder / "kezheng.db")) as reading, closing(sqlite3.connect(copy)) as writing:
        reading.backup(writing)
    return copy


def put_back(folder: Path, copy: Path) -> None:
    """The machine died: its database is the backup again, everything else lies where it lay."""
    for rest in folder.glob("kezheng.db*"):
        rest.unlink()
    shutil.copy(copy, folder / "kezheng.db")


def recovered(desk: Desk, where: str | None = None, **options: bool) -> dict[str, Any]:
    """Recover at the desk's time; the document."""
    flags = {"dry_run": False, "accept_lost": False} | options
    return recovery_document(recover(desk.home, where, desk.now, OPERATOR, **flags))


Work = Callable[[Desk], object]


def lose(folder: Path, before: Work, after: Work) -> Any:
    """Work, back up, work on, and have the backup put back; what the last work gave."""
    with open_home(load_settings(folder, {}), {}) as home:
        before(Desk(home))
        copy = back_up(folder)
        given = after(Desk(home))
    put_back(folder, copy)
    return given


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    """The home, a minute after all of it."""
    with open_home(load_settings(folder, {}), {}) as home:
        yield Desk(home, NOW + MINUTE)


def refusal(act: Callable[..., object], *given: Any, **named: Any) -> KezhengError:
    """What an act is refused with."""
    with pytest.raises(KezhengError) as refused:
        act(*given, **named)
    return refused.value
