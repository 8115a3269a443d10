"""A copy of an embedded database while it is written to: whole, of one moment, checked before it takes its name."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from certs.errors import KezhengError
from registry.store.access import Access
from registry.store.database_url import is_postgresql
from registry.store.engine import open_engine

_FILE_MODE = 0o600


def copy_database(url: str, target: Path) -> None:
    """Copy an SQLite database into a file, which is replaced whole.

    Raises KezhengError ``backup_needs_sqlite`` for a database server, which has means of its own, ``store_damaged``
    for a copy that fails the engine's own check.
    """
    if is_postgresql(url):
        raise KezhengError("backup_needs_sqlite")
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE))
        _copy(url, part)
        os.replace(part, target)
    finally:
        for rest in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
            with suppress(FileNotFoundError):
                rest.unlink()


def _copy(url: str, part: Path) -> None:
    engine = open_engine(url, Access.READ)
    try:
        with closing(sqlite3.connect(part)) as copy, engine.connect() as connection:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
            # A copy that is moved to another disk is one file.
            copy.execute("PRAGMA journal_mode = DELETE")
            if not _is_whole(copy):
                raise KezhengError("store_damaged")
    finally:
        engine.dispose()
    with part.open("rb") as file:
        os.fsync(file.fileno())


def _is_whole(copy: sqlite3.Connection) -> bool:
    """Whether the engine finds every page in order; of some damage it does not tell, but stops."""
    try:
        return bool(copy.execute("PRAGMA quick_check").fetchall() == [("ok",)])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
