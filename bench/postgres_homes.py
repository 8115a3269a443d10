"""Homes whose database is on a real PostgreSQL server: each a copy of one that was made once."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from psycopg import sql

from bench.sample_home import make_home
from registry.settings import Settings, load_settings
from tests.postgres_server import PostgresServer, postgres_server

_START = "start"


class PostgresHomes:
    """A server of one's own with a home of one institution, ``code``; use as a context."""

    def __init__(self) -> None:
        self.code = ""
        self.used = ""
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self._made = postgres_server()
        self._server: PostgresServer = self._made.__enter__()
        self._folder = TemporaryDirectory()
        self._server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_START)))
        [self.code] = make_home(self._settings(Path(self._folder.name, _START), _START))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._folder.cleanup()
        self._made.__exit__(kind, error, traceback)

    def fresh(self) -> Settings:
        """A home as it was at the start, in place of the last one."""
        folder = Path(self._folder.name, "used")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(self._folder.name, _START), folder)
        if self.used:
            self._server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.used)))
        self.used = self.copy_of_start()
        return self._settings(folder, self.used)

    def copy_of_start(self) -> str:
        """The name of a copy of the database."""
        name = f"register_{next(self._numbers)}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(_START))
        self._server.execute(copy)
        return name

    def address(self, database: str) -> str:
        """Where the driver finds a database."""
        return self._server.url(database)

    def _settings(self, folder: Path, database: str) -> Settings:
        return load_settings(folder, {"KEZHENG_DATABASE_URL": self._server.url(database)})
