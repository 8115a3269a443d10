"""The public side's database user on PostgreSQL: two views, and a refusal by the server for everything else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from postgres_server import shared_server
from psycopg import sql
from small_register import SmallRegister
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from certs.errors import KezhengError
from registry.store.document_store import PublishedDocument, add_document
from registry.store.engine import PublicStore, open_public_store, open_write_store
from registry.store.public_reader import public_document, public_envelope
from registry.store.public_role import grant_public_role, refuse_wide_role

NOW = datetime(2026, 5, 20, 2, 11, 7, tzinfo=UTC)
ROLES = itertools.count(1)
OWNER, PASSWORD = "registry_owner", "p@ss:/w?rd"


@pytest.fixture
def public_url(postgres_url: str) -> Iterator[str]:
    """The address of a user that is not there yet; it is dropped at the end with all that it was granted."""
    role = f"kezheng_public_{next(ROLES)}"
    yield make_url(postgres_url).set(username=role, password=PASSWORD).render_as_string(hide_password=False)
    _drop(postgres_url, role)


def _drop(postgres_url: str, role: str) -> None:
    name = sql.Identifier(role)
    with shared_server().connect(str(make_url(postgres_url).database)) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.fixture
def public(postgres_url: str, public_url: str) -> Iterator[PublicStore]:
    grant_public_role(postgres_url, public_url)
    opened = open_public_store(public_url)
    yield opened
    opened.close()


def test_the_public_user_reads_the_views(postgres_url: str, public: PublicStore) -> None:
    with closing(open_write_store(postgres_url)) as store, store.transaction() as tx:
        add_document(tx, PublishedDocument("trust-list.jws", 1, b"v1", NOW, None))
    with public.reading() as reading:
        found = public_document(reading, "trust-list.jws")
        assert found is not None
        assert (found.content, public_envelope(reading, "none")) == (b"v1", None)


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
        "SELECT * FROM audit_event",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY roster_row TO STDOUT",
        "LOCK TABLE certificate",
    ],
)
def test_anything_else_is_refused_by_the_server(public: PublicStore, statement: str) -> None:
    with public.reading() as tx, pytest.raises(ProgrammingError, match="permission denied"):
        tx.connection.execute(text(statement)).all()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM certificate",
        "UPDATE public_document SET version = 9",
        "CREATE TABLE public.copied AS SELECT 1",
        "CREATE TEMP VIEW stolen AS SELECT * FROM roster_row",
        "CREATE FUNCTION pg_temp.spy(text) RETURNS bool LANGUAGE sql COST 0.0001 AS 'SELECT true'",
        "SET ROLE postgres",
    ],
)
def test_nothing_is_written_even_in_a_session_of_its_own(public: PublicStore, statement: str) -> None:
    with public.reading() as tx, pytest.raises(DBAPIError, match="permission denied"):
        tx.connection.execute(text("ROLLBACK"))
        tx.connection.execute(text("SET default_transaction_read_only = off"))
        tx.connection.execute(text("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"))
        tx.connection.execute(text(statement))


def test_the_step_may_be_repeated(postgres_url: str, public_url: str) -> None:
    names = {grant_public_role(postgres_url, public_url) for _ in range(2)}
    assert names == {make_url(public_url).username}
    refuse_wide_role(public_url)


def test_the_password_is_kept_as_a_verifier(postgres_url: str, public_url: str) -> None:
    role = grant_public_role(postgres_url, public_url)
    with shared_server().connect() as connection:
        [kept] = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,)).fetchall()
    assert str(kept[0]).startswith("SCRAM-SHA-256$")
    assert PASSWORD not in (shared_server().folder / "log").read_text()


def test_a_user_without_a_password_is_created_as_it_is(postgres_url: str, public_url: str) -> None:
    role = str(make_url(public_url).username)
    assert grant_public_role(postgres_url, postgres_url.replace("postgres@", f"{role}@")) == role
    with shared_server().connect() as connection:
        query = "SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = %s"
        assert connection.execute(query, (role,)).fetchall() == [(True, None)]


@pytest.mark.parametrize(
    "grant",
    [
        "GRANT SELECT ON roster_row TO {}",
        "GRANT SELECT (name) ON roster_row TO {}",
        "GRANT pg_read_all_data TO {}",
        "GRANT INSERT ON certificate TO {}",
        "ALTER ROLE {} SUPERUSER",
    ],
)
def test_a_user_who_may_do_more_is_refused(postgres_url: str, public_url: str, grant: str) -> None:
    role = grant_public_role(postgres_url, public_url)
    statement = sql.SQL(grant).format(sql.Identifier(role))  # type: ignore[arg-type]
    shared_server().execute(statement, database=str(make_url(postgres_url).database))
    for refused in (lambda: grant_public_role(postgres_url, public_url), lambda: refuse_wide_role(public_url)):
        with pytest.raises(KezhengError, match=r"^public_role_reads_more"):
            refused()


def test_the_registry_s_own_user_is_not_one_for_the_public(postgres_url: str) -> None:
    for public_url in (postgres_url, postgres_url.replace("postgres@", "")):
        with pytest.raises(KezhengError, match=r"^public_role_unnamed$"):
            grant_public_role(postgres_url, public_url)
    with pytest.raises(KezhengError, match=r"^public_role_reads_more"):
        refuse_wide_role(postgres_url)


def test_sqlite_needs_no_user(sqlite_url: str, postgres_url: str) -> None:
    for owner, public in ((sqlite_url, postgres_url), (postgres_url, sqlite_url)):
        with pytest.raises(KezhengError, match=r"^public_role_needs_postgresql$"):
            grant_public_role(owner, public)
    refuse_wide_role(sqlite_url)


def test_an_owner_who_may_create_no_users(postgres_url: str, public_url: str) -> None:
    """Such an owner of the tables says what to ask the administrator for, and grants what exists already."""
    database, owner = str(make_url(postgres_url).database), sql.Identifier(OWNER)
    server = shared_server()
    server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(owner))
    server.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), owner))
    with server.connect(database) as connection:
        named = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
        tables = [str(row[0]) for row in connection.execute(named).fetchall()]
    change = sql.SQL("ALTER TABLE {} OWNER TO {}")
    server.execute(*(change.format(sql.Identifier(table), owner) for table in tables), database=database)
    own_url = postgres_url.replace("postgres@", f"{OWNER}@")
    with pytest.raises(KezhengError, match=r"^public_role_not_created"):
        grant_public_role(own_url, public_url)
    role = str(make_url(public_url).username)
    server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    assert grant_public_role(own_url, public_url) == role
    server.execute(sql.SQL("REASSIGN OWNED BY {} TO postgres").format(owner), database=database)
    server.execute(sql.SQL("DROP OWNED BY {}").format(owner), database=database)
    server.execute(sql.SQL("DROP ROLE {}").format(owner))


def test_an_unreleased_certificate_is_in_no_view(postgres_url: str, public: PublicStore) -> None:
    with closing(open_write_store(postgres_url)) as store:
        [reserved] = SmallRegister.founded(store).reserve(1)
    with public.reading() as reading:
        assert public_envelope(reading, reserved.number) is None
