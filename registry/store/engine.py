"""Opening the database: who may write, who may read everything, who may read the public views only.

The three kinds of store hand out three kinds of transaction, so that the type checker refuses a write on a
read path and any look at a table from the public side; the database itself refuses both as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from certs.errors import KezhengError
from registry.store.access import Access
from registry.store.conflicts import conflicts_as_errors, error_code
from registry.store.database_url import parse_database_url
from registry.store.postgres_engine import postgres_engine
from registry.store.schema_names import SCHEMA_REVISION
from registry.store.sqlite_engine import allow_public_views_only, sqlite_engine

AWAY = frozenset({"store_unavailable", "store_busy", "database_missing"})
"""The codes of a database that may be there later."""


@dataclass(frozen=True, slots=True)
class ReadTransaction:
    """One consistent snapshot of everything stored. Cannot write."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class WriteTransaction(ReadTransaction):
    """All or nothing, and alone: store functions that change something take this and never commit.

    ``noted`` counts what is worth telling operations of; it counts once the transaction has committed.
    """

    noted: Counter[str] = field(default_factory=Counter)


class Committed:
    """What the transactions of this process have noted and committed, whichever store they went through."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._alone = Lock()

    def add(self, noted: Counter[str]) -> None:
        """Count what a transaction noted that has committed."""
        if noted:
            with self._alone:
                self._counts.update(noted)

    def count(self, what: str) -> int:
        """How many of something so far."""
        return self._counts[what]


COMMITTED = Committed()


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
        """A snapshot, given back at the end. Raises KezhengError ``store_unavailable``, ``store_busy``."""
        with conflicts_as_errors(), self._engine.connect() as connection, connection.begin():
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

        The write lock is taken at the start: what the block reads cannot change before it writes.
        Raises KezhengError for what must be unique (``already_certified``, ``successor_exists``,
        ``row_already_has_certificate``, ``key_id_taken``, ``store_conflict``), ``store_busy`` after 30 s,
        ``store_read_only`` on a standby, ``store_unavailable`` when the server is gone. The last one may come after
        the commit was sent: whether it was kept is then seen by reading.
        """
        with conflicts_as_errors(), self._writer.begin() as connection:
            tx = WriteTransaction(connection)
            yield tx
        COMMITTED.add(tx.noted)

    @contextmanager
    def reading(self) -> Iterator[ReadTransaction]:
        """A snapshot that waits for no writer."""
        with self._reader.reading() as tx:
            yield tx

    def close(self) -> None:
        """Close every pooled connection. The writer's last: SQLite then takes up its write-ahead log and removes it."""
        self._reader.close()
        self._writer.dispose()


class PublicStore:
    """The database opened for the public side.

    It may be away when this is opened: then whatever is read is refused until it is there, and its schema is looked
    at when it first answers.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_checked = False
        self._checking = Lock()

    @contextmanager
    def reading(self) -> Iterator[PublicTransaction]:
        """A snapshot of the public views.

        Raises KezhengError ``store_unavailable``, ``store_busy``, ``database_missing``, ``schema_out_of_date``.
        """
        self.check()
        with conflicts_as_errors(), self._engine.connect() as connection, connection.begin():
            yield PublicTransaction(connection)

    def check(self) -> None:
        """Look at the schema, once it can be seen; nothing afterwards. Raises KezhengError as `reading` does."""
        if self._is_checked:
            return
        with self._checking:
            if not self._is_checked:
                _checked(self._engine)
                # On SQLite what was opened before this has no such limit: it is closed.
                if self._engine.dialect.name == "sqlite":
                    allow_public_views_only(self._engine)
                self._is_checked = True

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


def open_write_store(url: str) -> WriteStore:
    """Open for writing. Waits for no other writer before it writes. Raises as `open_read_store` does."""
    reader = _checked(open_engine(url, Access.READ))
    return WriteStore(open_engine(url), reader)


def open_read_store(url: str) -> ReadStore:
    """Open for reading.

    Raises KezhengError ``schema_out_of_date``, ``database_missing`` (no file) or ``store_unavailable`` (no server).
    """
    return ReadStore(_checked(open_engine(url, Access.READ)))


def open_public_store(url: str) -> PublicStore:
    """Open for the public side: on SQLite every statement that touches more than the public views is refused.

    On PostgreSQL the URL names a role that was granted SELECT on the public views and alembic_version alone
    (`registry.store.public_role`); it may be one of a hot standby. A database that is not there is no hindrance: pages
    that need none are answered meanwhile. Raises KezhengError ``schema_out_of_date`` for one that is there.
    """
    store = PublicStore(open_engine(url, Access.PUBLIC))
    try:
        store.check()
    except KezhengError as error:
        if error.code not in AWAY:
            raise
    return store


def open_engine(url: str, access: Access = Access.WRITE) -> Engine:
    """An engine with this register's settings; stores are built on it, nothing else should be.

    Values never appear in its errors: they hold names and, on a mistake, whatever was passed in.
    """
    parsed = parse_database_url(url)
    settings = {"json_serializer": _to_json, "json_deserializer": orjson.loads, "hide_parameters": True}
    if parsed.get_backend_name() == "sqlite":
        return sqlite_engine(parsed, access, **settings)
    return postgres_engine(parsed, access, **settings)


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _checked(engine: Engine) -> Engine:
    try:
        found = stored_revision(engine)
    except OperationalError as error:
        engine.dispose()
        raise KezhengError(_closed_code(engine, error)) from error
    if found != SCHEMA_REVISION:
        engine.dispose()
        raise KezhengError("schema_out_of_date", found=found or "—", expected=SCHEMA_REVISION)
    return engine


def _closed_code(engine: Engine, error: OperationalError) -> str:
    """What a database that does not open is: a file that is not there, one that is locked, or a server that is away."""
    if engine.dialect.name != "sqlite":
        return "store_unavailable"
    code = error_code(error.orig)
    return code if code == "store_busy" else "database_missing"


def stored_revision(engine: Engine) -> str | None:
    """The migration the database was last brought to; None for an empty database."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found
