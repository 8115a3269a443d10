"""SQLite: one file, one writer at a time, readers beside it."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from registry.store import access as waiting
from registry.store.access import Access
from registry.store.schema_names import PUBLIC_VIEWS

_PUBLIC_ACTIONS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


def sqlite_engine(url: URL, access: Access, **settings: Any) -> Engine:
    """An engine over a file; ``settings`` are those of every engine. Only a writer creates a missing file."""
    query = {"uri": "true", "mode": "rwc" if access is Access.WRITE else "ro"}
    address = url.set(database=f"file:{quote(url.database or '')}", query=query)
    patience = waiting.PUBLIC_SECONDS if access is Access.PUBLIC else waiting.BUSY_SECONDS
    arguments = {"timeout": patience, "isolation_level": None}
    engine = create_engine(address, connect_args=arguments, **settings)
    event.listen(engine, "connect", _prepare_writer if access is Access.WRITE else _prepare_reader)
    event.listen(engine, "begin", _begin_write if access is Access.WRITE else _begin_read)
    return engine


def allow_public_views_only(engine: Engine) -> None:
    """From now on the engine refuses every statement that touches more than the public views."""
    engine.dispose()
    event.listen(engine, "connect", _set_authorizer)


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    # FULL: a commit that returned survives a power cut, also in WAL mode; else a number is issued twice.
    # 64 MiB of cache: with the default 2 MiB a batch of 10,000 spills its own pages before it commits.
    settings = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536")
    for setting in settings:
        connection.execute(f"PRAGMA {setting}")


def _prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON")


def _begin_write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _set_authorizer(connection: sqlite3.Connection, _record: object) -> None:
    connection.set_authorizer(_judge_public_action)


def _judge_public_action(
    action: int, table: str | None, _column: str | None, _db: str | None, view: str | None
) -> int:
    """SQLite asks this for every column a statement reads; ``view`` is the view through which it is read."""
    is_public_read = action == sqlite3.SQLITE_READ and (table in PUBLIC_VIEWS or view in PUBLIC_VIEWS)
    return sqlite3.SQLITE_OK if is_public_read or action in _PUBLIC_ACTIONS else sqlite3.SQLITE_DENY
