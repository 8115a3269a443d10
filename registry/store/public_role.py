"""The database role of the public side on PostgreSQL: two views, the schema's revision, and nothing else."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL, Connection, text

from certs.errors import KezhengError
from registry.store.access import Access
from registry.store.conflicts import conflicts_as_errors
from registry.store.database_url import is_postgresql, parse_database_url
from registry.store.engine import open_engine
from registry.store.schema_names import PUBLIC_VIEWS

_READABLE = (*sorted(PUBLIC_VIEWS), "alembic_version")
# Superusers and owners may read everything whatever was granted: this asks what a role may do in the end, with any
# table or column of this database but those that are meant for it.
_MORE = text(
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE relkind IN ('r', 'v', 'm', 'p', 'f') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'"
    " AND NOT (nspname = current_schema() AND relname = ANY(:readable))"
    " AND (has_table_privilege(:role, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
    " OR has_any_column_privilege(:role, pg_class.oid, 'SELECT, INSERT, UPDATE'))"
)


def grant_public_role(url: str, public_url: str) -> str:
    """Let the user of ``public_url`` read the public views of the database at ``url``, and nothing else; its name.

    A user that is not there is created, with the password of its address; what a user may read beyond the views is
    not taken from it but refused. Safe to run again. Raises KezhengError ``public_role_needs_postgresql``,
    ``public_role_unnamed``, ``public_role_not_created`` (our own user may create none), ``public_role_reads_more``.
    """
    owner, public = parse_database_url(url), parse_database_url(public_url)
    if {owner.get_backend_name(), public.get_backend_name()} != {"postgresql"}:
        raise KezhengError("public_role_needs_postgresql")
    if not public.username or public.username == owner.username:
        raise KezhengError("public_role_unnamed")
    engine = open_engine(url)
    try:
        with conflicts_as_errors(), engine.begin() as connection:
            _create_if_missing(connection, public)
            _grant(connection, public.username)
            _refuse_more(connection, public.username)
    finally:
        engine.dispose()
    return public.username


def _create_if_missing(connection: Connection, public: URL) -> None:
    exists = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.scalar(exists, {"role": public.username}) is not None:
        return
    driver = _driver(connection)
    # The server is told a verifier and never the password, which would stand in its log.
    password = public.password and driver.pgconn.encrypt_password(
        str(public.password).encode(), str(public.username).encode(), b"scram-sha-256"
    )
    create = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(str(public.username)))
    try:
        driver.execute(create + sql.SQL(" PASSWORD {}").format(sql.Literal(password.decode())) if password else create)
    except psycopg.errors.InsufficientPrivilege:
        raise KezhengError("public_role_not_created", role=str(public.username)) from None


def _grant(connection: Connection, role: str) -> None:
    driver, name = _driver(connection), sql.Identifier(role)
    database = sql.Identifier(str(connection.scalar(text("SELECT current_database()"))))
    schema = sql.Identifier(str(connection.scalar(text("SELECT current_schema()"))))
    driver.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
    driver.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name))
    # Without temporary objects a stranger's statement has no place to keep a function that spies on a view.
    driver.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    tables = sql.SQL(", ").join(map(sql.Identifier, _READABLE))
    driver.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, name))


def refuse_wide_role(url: str) -> None:
    """Check that an address is one the public side may have in production.

    Nothing to check on SQLite, where the program itself refuses all but the views. Raises KezhengError
    ``public_role_reads_more`` when the user of a PostgreSQL address may read or write anything else.
    """
    if not is_postgresql(url):
        return
    engine = open_engine(url, Access.PUBLIC)
    try:
        with conflicts_as_errors(), engine.connect() as connection:
            _refuse_more(connection, str(connection.scalar(text("SELECT current_user"))))
    finally:
        engine.dispose()


def _refuse_more(connection: Connection, role: str) -> None:
    if connection.scalar(_MORE, {"role": role, "readable": list(_READABLE)}):
        raise KezhengError("public_role_reads_more", role=role)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
