"""Homes whose registers hold ten thousand, a million, ten million certificates: made once, and used again.

A home is complete when the mark beside it is there. Every run adds rosters of people who were not in it before; who
comes next stands beside the mark. A home without the mark is made anew, and one that runs have made half as large
again: the smallest, nearly every time.
"""

from __future__ import annotations

import shutil
import sys
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bench.large_home import fill, institutions_for
from bench.sample_home import make_home, opened
from registry.settings import SETTINGS_FILE, load_settings
from registry.store.institution_store import institutions
from registry.store.public_role import grant_public_role

DATABASE = "kezheng.db"
READ_BYTES = 16 * 1024 * 1024
_HOME, _FILLED, _NEXT_PERSON = "home", "filled", "next-person"


class OnServer(NamedTuple):
    """An empty database on PostgreSQL: its address for its owner and for the public side, and the server's process."""

    own: str
    public: str
    process: int


class GrownHome:
    """The home of one size in a folder. ``server`` None: with SQLite in it."""

    def __init__(self, folder: Path, size: int, server: OnServer | None = None) -> None:
        self.size = size
        self.server = server
        self.folder = folder / str(size) / _HOME
        self._beside = folder / str(size)
        if not (self._beside / _FILLED).exists() or self._added() >= size // 2:
            self._make()

    @cached_property
    def code(self) -> str:
        """The institution that has issued nothing but what runs add."""
        with opened(self.folder) as home, home.store.reading() as tx:
            return max(facts.institution.code for facts in institutions(tx))

    def new_people(self, count: int) -> range:
        """The numbers of people who were never in this home's register; nobody gets them again."""
        first = self._added()
        (self._beside / _NEXT_PERSON).write_text(str(first + count), "ascii")
        return range(first, first + count)

    def bring_into_memory(self) -> None:
        """Read the database's file through, as far as memory reaches: it lies there where it is used all day."""
        database = self.folder / DATABASE
        if database.exists():
            with database.open("rb") as file:
                while file.read(READ_BYTES):
                    pass

    def _added(self) -> int:
        kept = self._beside / _NEXT_PERSON
        return int(kept.read_text("ascii")) if kept.exists() else 0

    def _make(self) -> None:
        shutil.rmtree(self._beside, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.server is not None:
            lines = f'database_url = "{self.server.own}"\npublic_database_url = "{self.server.public}"\n'
            (self.folder / SETTINGS_FILE).write_text(lines, "utf-8")
        codes = make_home(load_settings(self.folder, {}), institutions_for(self.size) + 1)
        if self.server is not None:
            grant_public_role(self.server.own, self.server.public)
        with opened(self.folder) as home:
            fill(home, codes[:-1], self.size, self._say)
        (self._beside / _FILLED).touch()

    def _say(self, done: int) -> None:
        print(f"growth: {done:,} of {self.size:,}", end="\r", file=sys.stderr, flush=True)
