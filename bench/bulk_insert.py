"""The rows of issued certificates put into empty tables by what the database's driver has for many rows.

The limit of whatever stores them: the same values in the same tables with the same indexes, each table in one go,
with nothing made, looked up or changed afterwards.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

TABLES = (
    *("person", "person_document", "batch", "roster_row", "certificate", "certificate_prepared"),
    *("certificate_sealed", "log_entry", "certificate_logged", "log_tile"),
)
"""What a batch fills, in an order that foreign keys allow."""


class Filled(NamedTuple):
    """The rows of a table, with the names of its columns and what PostgreSQL calls their types."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def sqlite_rows(database: Path | str) -> list[Filled]:
    """Everything in the tables of a SQLite database."""
    with sqlite3.connect(database) as connection:
        return [_of_sqlite(connection, table) for table in TABLES]


def insert_into_sqlite(database: Path | str, filled: Sequence[Filled]) -> None:
    """Insert into a database whose tables are empty, with the settings that the register has."""
    connection = sqlite3.connect(database, isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("BEGIN IMMEDIATE")
    for table, columns, _, rows in filled:
        places = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
    connection.execute("COMMIT")
    connection.close()


def copy_sqlite(database: Path | str, copy: Path | str) -> None:
    """A copy of a database, with what it has not brought to its own file yet."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def empty_sqlite(database: Path | str) -> None:
    """Empty the tables, and give the space back, so that the next insertion finds what the first one found."""
    connection = sqlite3.connect(database, isolation_level=None)
    for table in reversed(TABLES):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def rows_of_batches(filled: Sequence[Filled], batches: Collection[Any]) -> list[Filled]:
    """The rows that belong to some batches: of the other tables what their certificates and rows refer to."""
    tables = {each.table: each for each in filled}
    kept = {"batch": _where(tables["batch"], "id", batches)}
    kept["roster_row"] = _where(tables["roster_row"], "batch_id", batches)
    kept["certificate"] = _where(tables["certificate"], "batch_id", batches)
    persons = _values(kept["roster_row"], "person_id")
    kept["person"] = _where(tables["person"], "id", persons)
    kept["person_document"] = _where(tables["person_document"], "person_id", persons)
    ids = _values(kept["certificate"], "id")
    for table in ("certificate_prepared", "certificate_sealed", "certificate_logged"):
        kept[table] = _where(tables[table], "certificate_id", ids)
    kept["log_entry"] = _where(tables["log_entry"], "leaf_index", _values(kept["certificate_logged"], "leaf_index"))
    return [kept[name] for name in TABLES if name in kept]


def _where(table: Filled, column: str, values: Collection[Any]) -> Filled:
    place = table.columns.index(column)
    return table._replace(rows=[row for row in table.rows if row[place] in values])


def _values(table: Filled, column: str) -> set[Any]:
    place = table.columns.index(column)
    return {row[place] for row in table.rows}


def postgresql_rows(address: str) -> list[Filled]:
    """Everything in the tables of a PostgreSQL database."""
    with psycopg.connect(address) as connection:
        return [_of_postgresql(connection, table) for table in TABLES]


def insert_into_postgresql(address: str, filled: Sequence[Filled]) -> None:
    """Copy into a database whose tables are empty, in the binary form."""
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        for table, columns, types, rows in filled:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
            with cursor.copy(copy) as stream:
                stream.set_types(types)
                for row in rows:
                    stream.write_row(row)


def empty_postgresql(address: str) -> None:
    """Empty the tables."""
    with psycopg.connect(address) as connection:
        names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))


def _of_sqlite(connection: sqlite3.Connection, table: str) -> Filled:
    cursor = connection.execute(f"SELECT * FROM {table}")
    return Filled(table, tuple(column[0] for column in cursor.description), (), cursor.fetchall())


def _of_postgresql(connection: psycopg.Connection[Any], table: str) -> Filled:
    cursor = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
    assert cursor.description is not None
    kinds = [connection.adapters.types.get(column.type_code) for column in cursor.description]
    types = tuple("" if kind is None else kind.name for kind in kinds)
    return Filled(table, tuple(column.name for column in cursor.description), types, cursor.fetchall())
