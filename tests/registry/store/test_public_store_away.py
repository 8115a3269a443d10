"""The public side opens a database that is away, refuses what is read meanwhile, and reads once it is there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from postgres_server import PostgresServer, postgres_server
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from certs.errors import KezhengError
from registry.store import access
from registry.store.engine import PublicStore, open_engine, open_public_store
from registry.store.migrate import upgrade_schema
from registry.store.public_reader import public_document_versions, public_envelope


def look(store: PublicStore) -> object:
    with store.reading() as tx:
        return public_document_versions(tx), public_envelope(tx, "none")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A database with the schema, elsewhere."""
    path = tmp_path / "made.db"
    upgrade_schema(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


def test_a_file_that_comes_later(tmp_path: Path, made: Path) -> None:
    path = tmp_path / "register.db"
    with closing(open_public_store(f"sqlite:///{path}")) as store:
        for _ in range(2):
            with pytest.raises(KezhengError, match=r"^database_missing"):
                look(store)
        assert not path.exists()
        shutil.copy(made, path)
        assert look(store) == ({}, None)
        with pytest.raises(DatabaseError, match="prohibited"), store.reading() as tx:
            tx.connection.execute(text("SELECT * FROM person"))


def test_a_file_that_is_locked(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PUBLIC_SECONDS", 0)
    with locked(made):
        store = open_public_store(f"sqlite:///{made}")
        with pytest.raises(KezhengError, match=r"^store_busy"):
            look(store)
    with closing(store):
        assert look(store) == ({}, None)
        with locked(made), pytest.raises(KezhengError, match=r"^store_busy"):
            look(store)
        assert look(store) == ({}, None)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else may read the file meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def test_a_file_of_another_version_that_comes_later(tmp_path: Path, made: Path) -> None:
    path = tmp_path / "register.db"
    with closing(open_public_store(f"sqlite:///{path}")) as store:
        engine = open_engine(f"sqlite:///{made}")
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        shutil.copy(made, path)
        with pytest.raises(KezhengError, match=r"^schema_out_of_date"):
            look(store)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server("fsync=off") as started:
        started.execute(sql.SQL("CREATE DATABASE register"))
        upgrade_schema(started.url("register"))
        yield started


@pytest.mark.slow
def test_a_server_that_comes_later_and_goes_again(server: PostgresServer) -> None:
    server.stop()
    with closing(open_public_store(server.url("register"))) as store:
        for _ in range(2):
            with pytest.raises(KezhengError, match=r"^store_unavailable"):
                look(store)
            server.restart()
            assert look(store) == ({}, None)
            server.stop()
    server.restart()
