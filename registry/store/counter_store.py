"""Serials, status places and row ids: counters that two writers can never read as the same value.

Each is moved by one ``UPDATE … RETURNING``, never by reading first and writing later.
"""

from __future__ import annotations

from sqlalchemy import Column, Table
from sqlalchemy.exc import IntegrityError

from registry.store.certificate_tables import COUNTER, SERIAL_COUNTER
from registry.store.engine import WriteTransaction

STATUS_PLACES = "status_place"
FIRST_SERIAL = 1


def take_serials(tx: WriteTransaction, prefix: str, count: int) -> range:
    """The next ``count`` serials of a number prefix, from 1 upwards.

    Insert their certificates in this same transaction: then every serial below the counter is accounted for.
    """
    return _take(tx, SERIAL_COUNTER.c.prefix, SERIAL_COUNTER.c.next_serial, prefix, count)


def take_status_places(tx: WriteTransaction, count: int) -> range:
    """The next ``count`` values of the one status counter, from 0 upwards; permute them before use."""
    taken = _take(tx, COUNTER.c.name, COUNTER.c.next_value, STATUS_PLACES, count)
    return range(taken.start - 1, taken.stop - 1)


def take_ids(tx: WriteTransaction, table: str, count: int) -> range:
    """Row ids for ``count`` new rows of a table, known before they are inserted.

    They are in order, so inserts append to the table's tree; a rolled back transaction's come again.
    """
    return _take(tx, COUNTER.c.name, COUNTER.c.next_value, table, count)


def _take(tx: WriteTransaction, key: Column[str], value: Column[int], name: str, count: int) -> range:
    if count < 0:
        raise ValueError("a count is not negative")
    end = _advance(tx, key, value, name, count)
    if end is None:
        _insert_if_missing(tx, key.table, {key.name: name, value.name: FIRST_SERIAL})
        end = _advance(tx, key, value, name, count)
    if end is None:
        raise LookupError(f"counter {name} was deleted")
    return range(end - count, end)


def _advance(tx: WriteTransaction, key: Column[str], value: Column[int], name: str, count: int) -> int | None:
    update = key.table.update().where(key == name).values({value: value + count}).returning(value)
    end: int | None = tx.connection.scalar(update)
    return end


def _insert_if_missing(tx: WriteTransaction, table: Table, row: dict[str, object]) -> None:
    try:
        with tx.connection.begin_nested():
            tx.connection.execute(table.insert().values(row))
    except IntegrityError:
        # Another writer made it first (PostgreSQL; SQLite has one writer at a time): the UPDATE now finds it.
        return
