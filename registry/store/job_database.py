"""Where the job engine keeps its own tables: a file in the home, or a schema of its own on a PostgreSQL server."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from registry.store.database_url import is_postgresql, parse_database_url

JOB_FILE = "jobs.sqlite"
JOB_SCHEMA = "jobs"


def job_file_url(home: Path) -> str:
    """The file of a home, made for one writer beside its readers; a commit is on the disk when it returns."""
    path = home.resolve() / JOB_FILE
    if not path.exists():
        _make_job_file(path)
    return f"sqlite:///{path}"


def _make_job_file(path: Path) -> None:
    """Whole or not at all: where several processes begin at once, SQLite would refuse one of them its mode."""
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with closing(sqlite3.connect(own)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        own.chmod(0o600)
        with suppress(FileExistsError):
            os.link(own, path)
    finally:
        own.unlink(missing_ok=True)


def job_database_url(home: Path, database_url: str, own: str | None) -> str:
    """Where the jobs of a register are: at an address of their own, on the register's server, or in the home."""
    if own is not None:
        return own
    return database_url if is_postgresql(database_url) else job_file_url(home)


def library_url(url: str) -> str:
    """The address as the job engine's library takes it. Raises KezhengError ``settings_invalid``."""
    parsed = parse_database_url(url)
    plain = parsed.set(drivername="postgresql") if is_postgresql(url) else parsed
    return plain.render_as_string(hide_password=False)
