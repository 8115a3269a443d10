"""The rows of a batch as what was approved is checked against them: plain values, some thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import String, select, type_coerce

from certs.grades import Grade
from registry.store.engine import ReadTransaction
from registry.store.roster_tables import ROSTER_ROW

AT_ONCE = 2_000
"""Rows that are in memory at once while a batch is read."""


class StoredRow(NamedTuple):
    """A row as its columns hold it; ``grade`` and ``result`` are texts, for nothing is known of them yet."""

    id: int
    sheet_row: int
    person_id: int
    name: str
    id_type: str
    number_ciphertext: bytes
    private_ciphertext: bytes | None
    occupation_id: str
    occupation_code: str
    direction_number: int | None
    direction_text: str | None
    grade: str
    theory: int | None
    ability: int | None
    result: str
    assessed_on: date
    training_certificate_number: str | None
    site_code: str | None
    official_number: str | None
    extra: dict[str, str] | None


class RowSubject(NamedTuple):
    """What passed rows of a batch certify, apart from the person."""

    occupation_id: str
    direction_number: int | None
    direction_text: str | None
    grade: Grade
    assessed_on: date


_ROW = select(
    *(
        type_coerce(ROSTER_ROW.c.grade, String()) if name == "grade" else ROSTER_ROW.c[name]
        for name in StoredRow._fields
    )
)
_SUBJECTS = select(*(ROSTER_ROW.c[name] for name in RowSubject._fields)).distinct()


def stored_rows(tx: ReadTransaction, batch_id: str) -> Iterator[Sequence[Any]]:
    """The rows of a batch in the order of the sheet, piece by piece; each row has the fields of `StoredRow`."""
    query = _ROW.where(ROSTER_ROW.c.batch_id == batch_id).order_by(ROSTER_ROW.c.sheet_row)
    yield from tx.connection.execute(query).partitions(AT_ONCE)


def row_subjects(tx: ReadTransaction, batch_id: str, result: str) -> set[RowSubject]:
    """The different subjects of the rows of a batch with this result."""
    query = _SUBJECTS.where(ROSTER_ROW.c.batch_id == batch_id, ROSTER_ROW.c.result == result)
    return {RowSubject._make(row) for row in tx.connection.execute(query)}
