"""S-09: the engine's tables and files hold no person, no ID number, nothing that runs when it is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from job_register import ASSESSOR, JobRegister, wait_until
from register_desk import APPROVER, OPERATOR, id_number, name_of, people

from certs.errors import KezhengError
from registry.jobs.foreground import work_here
from registry.jobs.job import JobKind
from registry.jobs.job_desk import job_database_of
from registry.jobs.job_text import FORMAT
from registry.store.database_url import is_postgresql, parse_database_url
from registry.store.job_database import JOB_FILE, JOB_SCHEMA

PLACES = (1, 2, 3)
SECRETS = [OPERATOR, APPROVER, *(name_of(place) for place in PLACES), *(id_number(place) for place in PLACES)]


def engine_tables(register: JobRegister) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of the engine."""
    url, is_server = job_database_of(register.settings), is_postgresql(register.settings.database_url)
    engine = sqlalchemy.create_engine(parse_database_url(url))
    schema = JOB_SCHEMA if is_server else None
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine, schema=schema)
    with engine.connect() as connection:
        found = {
            table.name: [dict(row._mapping) for row in connection.execute(table.select())]
            for table in metadata.tables.values()
        }
    engine.dispose()
    return found


def a_day(register: JobRegister) -> None:
    """A batch issued and drawn, a batch refused, a job cancelled, one taken from the queue."""
    batch = register.approved(len(PLACES))
    with register.opened() as desk:
        refused = desk.approve(desk.bring(people(4, 5), ASSESSOR)).id
        desk.tamper("UPDATE batch SET rows_digest = :digest WHERE id = :id", digest=b"x" * 32, id=refused)
    with register.engine() as engine:
        work_here(engine, *register.job(batch), lambda _: None)
        with pytest.raises(KezhengError, match="approval_stale"):
            work_here(engine, *register.job(refused), lambda _: None)
    cancelled = register.submit(refused)
    drawn = register.submit(batch, JobKind.RENDER)
    with register.engine() as engine:
        engine.desk.cancel(engine.desk.require(cancelled))
    with register.engine(takes_jobs=True) as engine:
        wait_until(lambda: not engine.desk.require(drawn).is_unfinished)


def test_the_engine_keeps_no_person_and_no_pickle(any_register: JobRegister) -> None:
    a_day(any_register)
    tables = engine_tables(any_register)
    assert len(tables["workflow_status"]) == 4
    assert len(tables["operation_outputs"]) >= 3
    for name, rows in tables.items():
        for row in rows:
            text = repr(row)
            assert [secret for secret in SECRETS if secret in text] == [], name
            assert "pickle" not in text
            assert row.get("serialization") in (None, FORMAT)


def files_of(register: JobRegister) -> Iterator[Path]:
    for folder, _, names in os.walk(register.settings.home):
        yield from (Path(folder) / name for name in names if name.startswith(JOB_FILE))


def test_the_engines_files_are_their_owners_and_hold_no_person(register: JobRegister) -> None:
    a_day(register)
    files = list(files_of(register))
    assert files
    for path in files:
        content = path.read_bytes()
        assert [secret for secret in SECRETS if secret.encode() in content] == []
        assert b"pickle" not in content
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_the_engines_tables_lie_in_a_schema_of_their_own(any_register: JobRegister) -> None:
    url = any_register.settings.database_url
    with any_register.engine():
        pass
    if not is_postgresql(url):
        assert (any_register.settings.home / JOB_FILE).exists()
        return
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name LIKE '%workflow%'"
        ).fetchall()
        assert found == [(JOB_SCHEMA,)]
        connection.execute("CREATE ROLE stranger")
        connection.execute("SET ROLE stranger")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {JOB_SCHEMA}.workflow_status")
        connection.rollback()
