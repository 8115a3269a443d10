"""Opening the database: who may write, who may read everything, who may read the public views only.

The three kinds of store hand out three kinds of transaction, so that the type checker refuses a write on a
read path and any look at a table from the public side; on SQLite the engine itself refuses both as well.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import OperationalError

from certs.errors import KezhengError
from registry.store.conflicts import conflicts_as_errors
from registry.store.schema import PUBLIC_VIEWS, SCHEMA_REVISION

BUSY_SECONDS = 30
"""How long a writer waits for another one. Reserving 10,000 certificates holds the lock under a second."""
_PUBLIC_ACTIONS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_FUNCTION})


@dataclass(frozen=True, slots=True)
class ReadTransaction:
    """One consistent snapshot of everything stored. Cannot write."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class WriteTransaction(ReadTransaction):
    """All or nothing, and alone: store functions that change something take this and never commit."""


@dataclass(frozen=True, slots=True)
class PublicTransaction:
    """A snapshot of the public views. Not a ReadTransaction: no other store function accepts it."""

    connection: Connection


class ReadStore:
    """The database opened for reading."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def reading(self) -> Iterator[ReadTransaction]:
        """A snapshot, given back at the end."""
        with self._engine.connect() as connection, connection.begin():
            yield ReadTransaction(connection)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


class WriteStore:
    """The database opened for reading and writing, through two engines."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = ReadStore(reader)

    @contextmanager
    def transaction(self) -> Iterator[WriteTransaction]:
        """The only commit point: commits at the end of the block, rolls back on any exception.

        On SQLite the write lock is taken at the start: what the block reads cannot change before it writes.
        Raises KezhengError for what must be unique (``already_certified``, ``successor_exists``,
        ``row_already_has_certificate``, ``key_id_taken``, ``store_conflict``), ``store_busy`` after 30 s.
        """
        with conflicts_as_errors(), self._writer.begin() as connection:
            yield WriteTransaction(connection)

    @contextmanager
    def reading(self) -> Iterator[ReadTransaction]:
        """A snapshot that waits for no writer."""
        with self._reader.reading() as tx:
            yield tx

    def close(self) -> None:
        """Close every pooled connection."""
        self._writer.dispose()
        self._reader.close()


class PublicStore:
    """The database opened for the public side."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def reading(self) -> Iterator[PublicTransaction]:
        """A snapshot of the public views."""
        with self._engine.connect() as connection, connection.begin():
            yield PublicTransaction(connection)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


def open_write_store(url: str) -> WriteStore:
    """Open for writing. Raises KezhengError ``schema_out_of_date`` or ``database_missing``."""
    return WriteStore(_checked(open_engine(url)), open_engine(url, read_only=True))


def open_read_store(url: str) -> ReadStore:
    """Open for reading. Raises KezhengError ``schema_out_of_date`` or ``database_missing``."""
    return ReadStore(_checked(open_engine(url, read_only=True)))


def open_public_store(url: str) -> PublicStore:
    """Open for the public side: on SQLite every statement that touches more than the public views is refused.

    On PostgreSQL the URL names a role that was granted SELECT on the public views and alembic_version alone.
    Raises KezhengError ``schema_out_of_date`` or ``database_missing``.
    """
    engine = _checked(open_engine(url, read_only=True))
    if engine.dialect.name == "sqlite":
        engine.dispose()
        event.listen(engine, "connect", _allow_public_views_only)
    return PublicStore(engine)


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine with this register's settings; stores are built on it, nothing else should be.

    Values never appear in its errors: they hold names and, on a mistake, whatever was passed in.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed, read_only)
    options = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"} if read_only else {}
    return create_engine(
        parsed,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,
        execution_options=options,
    )


def _sqlite_engine(url: URL, read_only: bool) -> Engine:
    query = {"uri": "true", "mode": "ro" if read_only else "rwc"}
    address = url.set(database=f"file:{quote(url.database or '')}", query=query)
    engine = create_engine(
        address,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )
    event.listen(engine, "connect", _prepare_reader if read_only else _prepare_writer)
    event.listen(engine, "begin", _begin_read if read_only else _begin_write)
    return engine


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


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


def _allow_public_views_only(connection: sqlite3.Connection, _record: object) -> None:
    connection.set_authorizer(_judge_public_action)


def _judge_public_action(
    action: int, table: str | None, _column: str | None, _db: str | None, view: str | None
) -> int:
    """SQLite asks this for every column a statement reads; ``view`` is the view through which it is read."""
    is_public_read = action == sqlite3.SQLITE_READ and (table in PUBLIC_VIEWS or view in PUBLIC_VIEWS)
    return sqlite3.SQLITE_OK if is_public_read or action in _PUBLIC_ACTIONS else sqlite3.SQLITE_DENY


def _checked(engine: Engine) -> Engine:
    try:
        found = stored_revision(engine)
    except OperationalError as error:
        engine.dispose()
        raise KezhengError("database_missing") from error
    if found != SCHEMA_REVISION:
        engine.dispose()
        raise KezhengError("schema_out_of_date", found=found or "—", expected=SCHEMA_REVISION)
    return engine


def stored_revision(engine: Engine) -> str | None:
    """The migration the database was last brought to; None for an empty database."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found
