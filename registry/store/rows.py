"""Records to rows and back. A record is a NamedTuple whose fields are named like columns of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Connection, Dialect, Row, Select, Table, any_, bindparam, select

from registry.store.copy_rows import copy_records
from registry.store.driver_values import Converter, column_converters, driver_rows

CHUNK = 5_000
"""Values in one IN list: far below what SQLite (32,766) and PostgreSQL (65,535) take as parameters."""
INSERT_CHUNK = 500
"""Rows handed to the driver at once: few enough to be gone before the garbage collector runs."""
COPY_FROM = 10
"""Rows from which PostgreSQL's COPY is worth its three messages."""
Item = TypeVar("Item")


RecordType = TypeVar("RecordType", bound=NamedTuple)


def select_record(table: Table, record: type[NamedTuple]) -> Select[Any]:
    """A SELECT of exactly the record's columns, in its order; add WHERE and ORDER BY."""
    return _select_columns(table, record._fields)


@lru_cache(maxsize=256)
def _select_columns(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(*(table.c[name] for name in names))


def records(rows: Iterable[Row[Any]], record: type[RecordType]) -> list[RecordType]:
    """The records of rows selected by ``select_record``."""
    return [record._make(row) for row in rows]


def insert_records(connection: Connection, table: Table, rows: Sequence[NamedTuple]) -> None:
    """Insert records of one type by what the driver has for many rows; nothing for none.

    SQLAlchemy's own executemany handles each row as a dict, which costs several times the insert.
    """
    if connection.dialect.name == "postgresql" and len(rows) >= COPY_FROM:
        copy_records(connection, table, rows)
    elif rows:
        insert = _compiled_insert(table, rows[0]._fields, connection.dialect)
        for chunk in chunks(rows, INSERT_CHUNK):
            connection.exec_driver_sql(insert.statement, insert.parameters(chunk))


class _CompiledInsert(NamedTuple):
    """An INSERT for one driver, with what turns a record's values into the driver's."""

    statement: str
    names: tuple[str, ...]
    positions: tuple[int, ...]
    converters: tuple[Converter | None, ...]
    positional: bool

    def parameters(self, rows: Sequence[NamedTuple]) -> list[Any]:
        values = driver_rows(rows, self.positions, self.converters)
        return (
            list(values) if self.positional else [dict(zip(self.names, row, strict=True)) for row in values]
        )


@lru_cache(maxsize=64)
def _compiled_insert(table: Table, fields: tuple[str, ...], dialect: Dialect) -> _CompiledInsert:
    compiled = table.insert().compile(dialect=dialect, column_keys=list(fields))
    names = tuple(compiled.positiontup or fields)
    return _CompiledInsert(
        statement=str(compiled),
        names=names,
        positions=tuple(fields.index(name) for name in names),
        converters=column_converters(table, names, dialect),
        positional=bool(compiled.positional),
    )


def chunks(values: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """The values in order, at most ``size`` at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def among(connection: Connection, column: ColumnElement[Item], values: Sequence[Item]) -> ColumnElement[bool]:
    """That a column has one of some values: ids one after the other by their ends, else one array or an IN list.

    A list of a thousand parameters costs either engine more to read than the rows it finds.
    """
    if _are_neighbours(values):
        return column.between(values[0], values[-1])
    if connection.dialect.name != "postgresql":
        return column.in_(values)
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type), unique=True))


def _are_neighbours(values: Sequence[object]) -> bool:
    """Whether these are whole numbers without a gap, ascending: the rows of one chunk nearly always are."""
    first = values[0] if values else None
    return type(first) is int and list(values) == list(range(first, first + len(values)))


def select_among(
    connection: Connection, query: Select[Any], column: ColumnElement[Item], values: Sequence[Item]
) -> Iterator[Row[Any]]:
    """Rows of a query in which a column has one of any number of values."""
    return select_in_chunks(connection, values, lambda chunk: query.where(among(connection, column, chunk)))


def select_in_chunks(
    connection: Connection, values: Sequence[Item], statement: Callable[[Sequence[Item]], Select[Any]]
) -> Iterator[Row[Any]]:
    """Rows of a statement that holds an IN list, for any number of values.

    Those of one list are fetched together: one by one, the asking costs as much as the rows.
    """
    for chunk in chunks(values):
        yield from connection.execute(statement(chunk)).all()
