"""PostgreSQL's COPY: many rows in one statement, in the binary form that the server keeps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Dialect, Table

from certs.errors import KezhengError
from registry.store.conflicts import error_code
from registry.store.driver_values import Converter, column_converters, driver_rows

# What the server calls the types of our columns.
_SERVER_TYPES = {
    **{"BIGINT": "int8", "INTEGER": "int4", "BOOLEAN": "bool", "DATE": "date", "BYTEA": "bytea"},
    **{"TIMESTAMP WITH TIME ZONE": "timestamptz", "VARCHAR": "text", "JSON": "json"},
}
_PIECE = 1_000
"""Rows converted at once: few enough to be gone before the garbage collector looks at them."""


class _Copy(NamedTuple):
    """A COPY statement for records of one type."""

    statement: sql.Composed
    types: tuple[str, ...]
    positions: range
    converters: tuple[Converter | None, ...]


def copy_records(connection: Connection, table: Table, rows: Sequence[NamedTuple]) -> None:
    """Insert records of one type. Raises KezhengError at once: the driver's own words hold values."""
    copy = _copy(table, rows[0]._fields, connection.dialect)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(copy.statement) as stream:
            stream.set_types(copy.types)
            for start in range(0, len(rows), _PIECE):
                for row in driver_rows(rows[start : start + _PIECE], copy.positions, copy.converters):
                    stream.write_row(row)
    except psycopg.Error as error:
        code = error_code(error)
        if code is None:
            raise
        raise KezhengError(code) from None


@lru_cache(maxsize=64)
def _copy(table: Table, fields: tuple[str, ...], dialect: Dialect) -> _Copy:
    columns = sql.SQL(", ").join(map(sql.Identifier, fields))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table.name), columns)
    types = tuple(_server_type(table.c[name].type.compile(dialect)) for name in fields)
    return _Copy(statement, types, range(len(fields)), column_converters(table, fields, dialect))


def _server_type(name: str) -> str:
    return _SERVER_TYPES[name.partition("(")[0]]
