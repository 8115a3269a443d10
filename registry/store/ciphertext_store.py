"""Everything that is stored as ciphertext, by the data key that sealed it: for sealing it again under another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, func, select

from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.schema import METADATA


class SealedTable(NamedTuple):
    """A table with sealed columns; all sealed fields of a row are under the key that ``key_column`` names."""

    name: str
    columns: tuple[str, ...]
    key_column: str


class SealedRow(NamedTuple):
    """The sealed fields of one row in the order of the table's columns; None where there is nothing."""

    id: int
    key_id: bytes
    fields: tuple[bytes | None, ...]


SEALED_TABLES = (
    SealedTable("person_document", ("number_ciphertext",), "key_id"),
    SealedTable("roster_row", ("number_ciphertext", "private_ciphertext"), "key_id"),
    SealedTable("status_event", ("note_ciphertext",), "note_key_id"),
    SealedTable("webhook", ("secret_ciphertext",), "key_id"),
)


def count_under_other_keys(tx: ReadTransaction, sealed: SealedTable, key_id: bytes) -> int:
    """How many rows of a table are sealed under another key."""
    table = _table(sealed)
    key = table.c[sealed.key_column]
    return tx.connection.scalar(select(func.count()).select_from(table).where(key != key_id)) or 0


def rows_under_other_keys(
    tx: ReadTransaction, sealed: SealedTable, key_id: bytes, limit: int, after_id: int = 0
) -> list[SealedRow]:
    """The next rows of a table, in order of id, that are sealed under another key."""
    table = _table(sealed)
    key = table.c[sealed.key_column]
    query = select(table.c.id, key, *(table.c[name] for name in sealed.columns))
    query = query.where(key != key_id, table.c.id > after_id).order_by(table.c.id).limit(limit)
    return [SealedRow(row[0], row[1], tuple(row[2:])) for row in tx.connection.execute(query)]


def store_sealed_again(
    tx: WriteTransaction, sealed: SealedTable, rows: Sequence[SealedRow], key_id: bytes
) -> None:
    """Put newly sealed fields in place; each row still names the key under which it was read."""
    if not rows:
        return
    table = _table(sealed)
    update = table.update().where(table.c.id == bindparam("row_id"), table.c[sealed.key_column] == bindparam("old_key"))
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sealed.columns}
    parameters = [
        {"row_id": row.id, "old_key": row.key_id}
        | {f"new_{name}": field for name, field in zip(sealed.columns, row.fields, strict=True)}
        for row in rows
    ]
    tx.connection.execute(update.values(values | {sealed.key_column: key_id}), parameters)


def _table(sealed: SealedTable) -> Table:
    return METADATA.tables[sealed.name]
