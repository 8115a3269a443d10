"""Records to rows and back. A record is a NamedTuple whose fields are named like columns of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import JSON, Connection, Dialect, LargeBinary, Row, Select, Table, select
from sqlalchemy.types import TypeEngine

from registry.store.column_types import JsonTuple

CHUNK = 5_000
"""Values in one IN list: far below what SQLite (32,766) and PostgreSQL (65,535) take as parameters."""
INSERT_CHUNK = 500
"""Rows handed to the driver at once: few enough to be gone before the garbage collector runs."""
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
    """Insert records of one type with the driver's executemany; nothing for none.

    SQLAlchemy's own executemany handles each row as a dict, which costs several times the insert; here
    values are converted column by column and handed to the driver in one piece.
    """
    if not rows:
        return
    insert = _compiled_insert(table, rows[0]._fields, connection.dialect)
    for chunk in chunks(rows, INSERT_CHUNK):
        connection.exec_driver_sql(insert.statement, insert.parameters(chunk))


_Converter = Callable[[Sequence[Any]], Sequence[Any]]


class _CompiledInsert(NamedTuple):
    """An INSERT for one driver, with what turns a record's values into the driver's."""

    statement: str
    names: tuple[str, ...]
    positions: tuple[int, ...]
    converters: tuple[_Converter | None, ...]
    positional: bool

    def parameters(self, rows: Sequence[NamedTuple]) -> list[Any]:
        columns = list(zip(*rows, strict=True))
        converted = [
            columns[position] if convert is None else convert(columns[position])
            for position, convert in zip(self.positions, self.converters, strict=True)
        ]
        values = zip(*converted, strict=True)
        return (
            list(values) if self.positional else [dict(zip(self.names, row, strict=True)) for row in values]
        )


@lru_cache(maxsize=64)
def _compiled_insert(table: Table, fields: tuple[str, ...], dialect: Dialect) -> _CompiledInsert:
    compiled = table.insert().compile(dialect=dialect, column_keys=list(fields))
    names = tuple(compiled.positiontup or fields)
    types = (table.c[name].type for name in names)
    return _CompiledInsert(
        statement=str(compiled),
        names=names,
        positions=tuple(fields.index(name) for name in names),
        converters=tuple(_converter(column_type, dialect) for column_type in types),
        positional=bool(compiled.positional),
    )


def _converter(column_type: TypeEngine[Any], dialect: Dialect) -> _Converter | None:
    """What turns a column's values into the driver's; None where the driver takes them as they are."""
    process = column_type.dialect_impl(dialect).bind_processor(dialect)
    if process is None or isinstance(column_type, LargeBinary):
        return None
    if isinstance(column_type, JSON | JsonTuple):
        return lambda values: [process(value) for value in values]
    return lambda values: _convert_distinct(values, process)


def _convert_distinct(values: Sequence[Any], process: Callable[[Any], Any]) -> list[Any]:
    """Convert each distinct value once: a batch has few states, grades, days and instants."""
    converted = {value: process(value) for value in set(values)}
    return [converted[value] for value in values]


def chunks(values: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """The values in order, at most ``size`` at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def select_in_chunks(
    connection: Connection, values: Sequence[Item], statement: Callable[[Sequence[Item]], Select[Any]]
) -> Iterator[Row[Any]]:
    """Rows of a statement that holds an IN list, for any number of values."""
    for chunk in chunks(values):
        yield from connection.execute(statement(chunk))
