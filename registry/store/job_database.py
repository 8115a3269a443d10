"""Where the job engine keeps its own tables: a file in the home, or a schema of its own on a PostgreSQL server."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from registry.store.database_url import is_postgresql, parse_database_url

JOB_FILE = "jobs.sqlite"
JOB_SCHEMA = "jobs"


def job_file_url(home: Path) -> str:
    """The file of a home, made for one writer beside its readers; a commit is on the disk when it returns."""
    path = home.resolve() / JOB_FILE
    is_new = not path.exists()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    if is_new:
        path.chmod(0o600)
    return f"sqlite:///{path}"


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
