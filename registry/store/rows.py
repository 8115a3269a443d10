"""Records to rows and back. A record is a NamedTuple whose fields are named like columns of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Row, Select, Table, Update, select

from certs.errors import KezhengError

CHUNK = 5_000
"""Values in one IN list: far below what SQLite (32,766) and PostgreSQL (65,535) take as parameters."""
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
    """One executemany over all rows; nothing for none."""
    if rows:
        connection.execute(table.insert(), [row._asdict() for row in rows])


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


def compare_and_set(
    connection: Connection, update: Update, parameters: Sequence[dict[str, Any]], code: str
) -> None:
    """Run an UPDATE whose WHERE names the expected state, once for each set of parameters.

    Raises KezhengError ``code`` unless each of them changed exactly one row; the transaction is then lost.
    """
    if not parameters:
        return
    changed = connection.execute(update, list(parameters)).rowcount
    if changed != len(parameters):
        raise KezhengError(code, expected=len(parameters), changed=changed)
