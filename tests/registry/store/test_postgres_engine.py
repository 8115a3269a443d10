"""What is PostgreSQL's own: sessions that give up in time, servers that go away, errors by their SQLSTATE."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer, postgres_server, shared_server
from psycopg import sql
from sqlalchemy import text

from certs.errors import KezhengError
from registry.store import postgres_engine
from registry.store.audit_store import acts_on, record_act
from registry.store.conflicts import error_code
from registry.store.database_url import is_postgresql, parse_database_url
from registry.store.engine import (
    WriteStore,
    open_public_store,
    open_read_store,
    open_write_store,
)
from registry.store.migrate import upgrade_schema

NOW = datetime(2026, 5, 20, 2, 11, 7, tzinfo=UTC)
UNAVAILABLE = r"^store_unavailable$"


@pytest.fixture
def store(postgres_url: str) -> Iterator[WriteStore]:
    opened = open_write_store(postgres_url)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgresql://u:p@h:5433/d", "postgresql+psycopg://u:p@h:5433/d"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require"),
        ("sqlite:////srv/kezheng.db", "sqlite:////srv/kezheng.db"),
    ],
)
def test_addresses_name_one_driver(given: str, taken: str) -> None:
    assert parse_database_url(given).render_as_string(hide_password=False) == taken
    assert is_postgresql(given) == taken.startswith("postgresql")


@pytest.mark.parametrize(
    "address", ["", "kezheng.db", "mysql://h/secret", "postgresql+asyncpg://h/secret", "postgresql://h:secret:1/d"]
)
def test_other_addresses_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(KezhengError, match=r"^settings_invalid") as caught:
        open_write_store(address)
    assert "secret" not in str(caught.value)


def test_sessions_say_what_they_are_for_and_end_in_time(postgres_url: str, store: WriteStore) -> None:
    names = ("application_name", "lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout")
    with store.transaction() as tx:
        assert settings(tx, *names) == ["kezheng write", "30s", "20s", "0"]
        assert settings(tx, "transaction_isolation", "transaction_read_only") == ["read committed", "off"]
    with store.reading() as reading:
        assert settings(reading, *names) == ["kezheng read", "0", "0", "0"]
        assert settings(reading, "transaction_isolation", "transaction_read_only") == ["repeatable read", "on"]
    with closing(open_public_store(postgres_url)) as public, public.reading() as looking:
        assert settings(looking, *names) == ["kezheng public", "0", "0", "5s"]


def settings(tx: object, *names: str) -> list[str]:
    connection = getattr(tx, "connection")  # noqa: B009
    return [connection.scalar(text(f"SHOW {name}")) for name in names]


def test_an_address_may_say_more(postgres_url: str) -> None:
    address = f"{postgres_url}&application_name=drill&options=-c%20work_mem%3D5MB"
    with closing(open_read_store(address)) as reader, reader.reading() as tx:
        assert settings(tx, "application_name", "work_mem", "transaction_read_only") == ["drill", "5MB", "on"]


def test_several_servers_are_tried_in_turn(postgres_url: str) -> None:
    folder = shared_server().folder
    several = postgres_url.replace(f"host={folder}", f"host={folder / 'none'}:5432&host={folder}:5432")
    with closing(open_read_store(several)) as reader, reader.reading() as tx:
        assert settings(tx, "transaction_read_only") == ["on"]


def test_a_writer_that_stops_moving_is_ended(monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> None:
    """A stopped or cut-off machine holds the lock for twenty seconds at the most, and nothing of it is kept."""
    monkeypatch.setattr(postgres_engine, "_IDLE_SECONDS", 0.1)
    with closing(open_write_store(postgres_url)) as stopped, closing(open_write_store(postgres_url)) as other:
        with pytest.raises(KezhengError, match=UNAVAILABLE), stopped.transaction() as tx:
            record_act(tx, NOW, "李明", "of the stopped", "x")
            with other.transaction() as going_on:
                record_act(going_on, NOW, "李明", "of the other", "x")
        with stopped.transaction() as again:
            assert [act.action for act in acts_on(again, "x")] == ["of the other"]


def test_a_session_that_the_server_ends(store: WriteStore) -> None:
    end = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'kezheng %'")
    with pytest.raises(KezhengError, match=UNAVAILABLE), store.transaction() as tx:
        shared_server().execute(end)
        record_act(tx, NOW, "李明", "lost", "x")
    with pytest.raises(KezhengError, match=UNAVAILABLE), store.reading() as reading:
        shared_server().execute(end)
        acts_on(reading, "x")
    # Between two uses nobody notices: a pooled connection is asked before it is given out.
    shared_server().execute(end)
    with store.transaction() as tx:
        assert acts_on(tx, "x") == []


def test_deadlocks_and_late_locks_are_busy(store: WriteStore) -> None:
    for state in ("40001", "40P01", "55P03"):
        raising = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
        with pytest.raises(KezhengError, match=r"^store_busy$"), store.transaction() as tx:
            tx.connection.execute(text(raising))


@pytest.mark.parametrize("state", ["08006", "53100", "53300", "57014", "57P01", "57P03", "25P03"])
def test_a_server_that_cannot_is_out_of_reach(store: WriteStore, state: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(KezhengError, match=UNAVAILABLE), store.reading() as tx:
        tx.connection.execute(text(raising))


def test_values_that_do_not_fit_are_refused(store: WriteStore) -> None:
    for name in ("zero\0", "很长" * 20):
        with pytest.raises(KezhengError, match=r"^store_refused$") as caught, store.transaction() as tx:
            statement = text("INSERT INTO serial_counter VALUES (:prefix, 1)")
            tx.connection.execute(statement, {"prefix": name})
        assert name not in repr(caught.value)


def test_an_error_without_an_answer_is_a_lost_server() -> None:
    assert error_code(psycopg.OperationalError("the connection is lost")) == "store_unavailable"
    assert error_code(psycopg.InterfaceError("the connection is closed")) == "store_unavailable"
    assert error_code(psycopg.ProgrammingError("a mistake of ours")) is None
    assert error_code(ValueError("not a driver's")) is None


def test_no_server(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as unused:
        unused.bind(("127.0.0.1", 0))
        addresses = [
            f"postgresql://u:secret@127.0.0.1:{unused.getsockname()[1]}/d",
            f"postgresql:///d?host={tmp_path}",
            shared_server().url("no_such_database"),
        ]
        for address in addresses:
            for opening in (open_write_store, open_read_store):
                with pytest.raises(KezhengError, match=UNAVAILABLE):
                    opening(address)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        server.execute(sql.SQL("CREATE DATABASE register"))
        upgrade_schema(server.url("register"))
        yield server


WRITER = """
import os, sys
from datetime import datetime, UTC
from registry.store.audit_store import record_act
from registry.store.engine import open_write_store
store = open_write_store(sys.argv[1])
while True:
    with store.transaction() as tx:
        record_act(tx, datetime.now(UTC), "李明", "done", "x")
    print("kept", flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_crash_of_the_server(own_server: PostgresServer) -> None:
    """kill -9 of every process of the server in the middle of commits; the writer says what happened to it."""
    url = own_server.url("register")
    command = (sys.executable, "-c", WRITER, url)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        kept = sum(1 for _, _line in zip(range(50), writer.stdout, strict=False))
        own_server.crash()
        rest, said = writer.communicate(timeout=60)
    kept += rest.count("kept")
    assert said.strip().endswith("KezhengError: store_unavailable")
    own_server.restart()
    with closing(open_read_store(url)) as reader, reader.reading() as tx:
        # One more than was acknowledged may be there: the commit arrived and its answer did not.
        assert len(acts_on(tx, "x")) - kept in (0, 1)


def test_a_stopped_process_does_not_stop_the_others(own_server: PostgresServer) -> None:
    """SIGSTOP of a writer, at whatever it is doing: the next one waits no longer than the server's patience."""
    url = own_server.url("register")
    patience = f"{url}&options=-c%20idle_in_transaction_session_timeout%3D300"
    with subprocess.Popen((sys.executable, "-c", WRITER, patience), stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        os.kill(writer.pid, signal.SIGSTOP)
        started = time.monotonic()
        with closing(open_write_store(url)) as store, store.transaction() as tx:
            record_act(tx, NOW, "李明", "after", "y")
        assert time.monotonic() - started < 10
        writer.kill()
