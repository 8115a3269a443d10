"""What is SQLite's own: durable files, a public side that its authorizer holds back, failures of the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from registry.store.conflicts import error_code
from registry.store.engine import PublicStore, WriteStore, open_public_store, open_write_store


@pytest.fixture
def store(sqlite_url: str) -> Iterator[WriteStore]:
    opened = open_write_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def public(sqlite_url: str) -> Iterator[PublicStore]:
    opened = open_public_store(sqlite_url)
    yield opened
    opened.close()


def test_writer_is_durable_and_checks_references(store: WriteStore) -> None:
    with store.transaction() as tx:
        settings = {
            name: tx.connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT number FROM certificate",
        "SELECT name FROM roster_row",
        "SELECT number_ciphertext FROM person_document",
        "SELECT blind_index FROM person_document",
        "SELECT public_certificate.number FROM public_certificate, roster_row",
        "SELECT number FROM public_certificate WHERE number IN (SELECT number FROM certificate)",
        "SELECT count(*) FROM person",
        "PRAGMA query_only = OFF",
        "ATTACH DATABASE ':memory:' AS other",
        "CREATE TEMP VIEW stolen AS SELECT * FROM roster_row",
        "DELETE FROM certificate",
    ],
)
def test_public_side_is_refused_by_the_engine(public: PublicStore, statement: str) -> None:
    with public.reading() as tx, pytest.raises(DatabaseError, match=r"not authorized|prohibited"):
        tx.connection.execute(text(statement)).all()


def test_closing_takes_up_the_write_ahead_log(database: Path, sqlite_url: str) -> None:
    opened = open_write_store(sqlite_url)
    with opened.transaction() as tx:
        tx.connection.execute(text("CREATE TABLE something (id INTEGER)"))
    with opened.reading() as tx:
        assert tx.connection.scalar(text("SELECT count(*) FROM something")) == 0
    assert database.with_name("register.db-wal").stat().st_size > 0
    opened.close()
    assert [path.name for path in database.parent.iterdir()] == ["register.db"]


def test_a_new_database_is_for_its_folder_alone(database: Path, store: WriteStore) -> None:
    with store.transaction():
        assert {path.name for path in database.parent.iterdir()} <= {
            *("register.db", "register.db-wal", "register.db-shm")
        }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_BUSY", "store_busy"),
        ("SQLITE_BUSY_SNAPSHOT", "store_busy"),
        ("SQLITE_IOERR_FSYNC", "store_unavailable"),
        ("SQLITE_FULL", "store_unavailable"),
        ("SQLITE_READONLY_DBMOVED", "store_read_only"),
        ("SQLITE_CORRUPT", None),
    ],
)
def test_failures_by_their_name(name: str, code: str | None) -> None:
    error = sqlite3.OperationalError("words of the driver")
    error.sqlite_errorname = name
    assert error_code(error) == code
