"""What a roster was checked against, and whether anything of it has come since: a large one is checked beforehand."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select

from registry.store.certificate_tables import CERTIFICATE
from registry.store.engine import ReadTransaction
from registry.store.roster_tables import PERSON_DOCUMENT


class RegisterMark(NamedTuple):
    """How far people's documents and certificates went, 0 for none. Both get their ids where they are inserted."""

    document_id: int
    certificate_id: int


def register_mark(tx: ReadTransaction) -> RegisterMark:
    """The mark of now."""
    return RegisterMark(
        tx.connection.scalar(select(func.max(PERSON_DOCUMENT.c.id))) or 0,
        tx.connection.scalar(select(func.max(CERTIFICATE.c.id))) or 0,
    )


def is_touched_since(
    tx: ReadTransaction, mark: RegisterMark, blind_indexes: Collection[bytes], person_ids: Collection[int]
) -> bool:
    """Whether one of these documents was entered, or one of these people got a number, after a mark was taken."""
    entered = select(PERSON_DOCUMENT.c.blind_index).where(PERSON_DOCUMENT.c.id > mark.document_id)
    numbered = select(CERTIFICATE.c.person_id).where(CERTIFICATE.c.id > mark.certificate_id)
    return any(index in blind_indexes for index in tx.connection.scalars(entered)) or any(
        person_id in person_ids for person_id in tx.connection.scalars(numbered)
    )
