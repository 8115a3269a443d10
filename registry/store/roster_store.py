"""The rows of rosters, as imported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select

from certs.grades import Grade
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.roster_tables import ROSTER_ROW
from registry.store.rows import insert_records, records, select_among, select_record


class RosterRowRecord(NamedTuple):
    """A row. ``id`` from ``take_ids(tx, "roster_row", n)``; marks are hundredths (60.5 is 6050).

    ``number_ciphertext`` and ``private_ciphertext`` (JSON of telephone and the like) are bound to ``id``,
    their column and ``key_id``; ``extra`` holds the columns that the register does not know, by heading.
    """

    id: int
    batch_id: str
    sheet_row: int
    person_id: int
    name: str
    id_type: str
    number_ciphertext: bytes
    private_ciphertext: bytes | None
    key_id: bytes
    occupation_id: str
    occupation_code: str
    direction_number: int | None
    direction_text: str | None
    grade: Grade
    theory: int | None
    ability: int | None
    assessed_on: date
    site_code: str | None
    training_certificate_number: str | None
    official_number: str | None
    extra: dict[str, str] | None
    result: str


def add_roster_rows(tx: WriteTransaction, rows: Sequence[RosterRowRecord]) -> None:
    """Store the rows of a batch."""
    insert_records(tx.connection, ROSTER_ROW, rows)


def roster_rows(tx: ReadTransaction, batch_id: str) -> list[RosterRowRecord]:
    """The rows of a batch, in the order of the sheet."""
    query = select_record(ROSTER_ROW, RosterRowRecord).where(ROSTER_ROW.c.batch_id == batch_id)
    return records(tx.connection.execute(query.order_by(ROSTER_ROW.c.sheet_row)), RosterRowRecord)


def roster_rows_by_id(tx: ReadTransaction, row_ids: Sequence[int]) -> dict[int, RosterRowRecord]:
    """Rows by id, for any number of ids."""
    query = select_record(ROSTER_ROW, RosterRowRecord)
    found = select_among(tx.connection, query, ROSTER_ROW.c.id, row_ids)
    return {row.id: row for row in records(found, RosterRowRecord)}


def count_rows(tx: ReadTransaction, batch_id: str) -> int:
    """How many rows a batch has."""
    query = select(func.count()).select_from(ROSTER_ROW).where(ROSTER_ROW.c.batch_id == batch_id)
    return tx.connection.scalar(query) or 0
