"""Records' values as the driver takes them, converted column by column and not row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import JSON, Dialect, LargeBinary, Table
from sqlalchemy.types import TypeEngine

from registry.store.column_types import JsonTuple

Converter = Callable[[Sequence[Any]], Sequence[Any]]


def column_converters(table: Table, names: Sequence[str], dialect: Dialect) -> tuple[Converter | None, ...]:
    """What turns each column's values into the driver's; None where the driver takes them as they are."""
    return tuple(_converter(table.c[name].type, dialect) for name in names)


def driver_rows(
    rows: Sequence[NamedTuple], positions: Sequence[int], converters: Sequence[Converter | None]
) -> Iterator[tuple[Any, ...]]:
    """The rows with their fields picked in an order of positions and converted."""
    columns = list(zip(*rows, strict=True))
    converted = [
        columns[position] if convert is None else convert(columns[position])
        for position, convert in zip(positions, converters, strict=True)
    ]
    return zip(*converted, strict=True)


def _converter(column_type: TypeEngine[Any], dialect: Dialect) -> Converter | None:
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
