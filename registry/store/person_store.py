"""People and their identity documents, found by blind index: the number itself is only here as ciphertext."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import select

from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.roster_tables import PERSON, PERSON_DOCUMENT
from registry.store.rows import insert_records, records, select_among, select_record


class PersonDocumentRecord(NamedTuple):
    """A document of a person. ``number_ciphertext`` is bound to table, column, ``id`` and ``key_id``.

    ``id`` from ``take_ids(tx, "person_document", n)``, ``person_id`` from ``take_ids(tx, "person", n)``.
    """

    id: int
    person_id: int
    id_type: str
    blind_index: bytes
    number_ciphertext: bytes
    key_id: bytes


class _Person(NamedTuple):
    id: int


def add_persons(tx: WriteTransaction, documents: Sequence[PersonDocumentRecord]) -> None:
    """Store new people, each with one document. ``store_conflict`` when a blind index is known already."""
    insert_records(tx.connection, PERSON, [_Person(document.person_id) for document in documents])
    insert_records(tx.connection, PERSON_DOCUMENT, documents)


def add_document(tx: WriteTransaction, document: PersonDocumentRecord) -> None:
    """Store a further document of a person who is known."""
    insert_records(tx.connection, PERSON_DOCUMENT, [document])


def persons_by_blind_index(tx: ReadTransaction, blind_indexes: Iterable[bytes]) -> dict[bytes, int]:
    """Blind index to person id, for those that are known; any number of indexes."""
    columns = select(PERSON_DOCUMENT.c.blind_index, PERSON_DOCUMENT.c.person_id)
    found = select_among(tx.connection, columns, PERSON_DOCUMENT.c.blind_index, sorted(set(blind_indexes)))
    return {row.blind_index: row.person_id for row in found}


def documents_of_person(tx: ReadTransaction, person_id: int) -> list[PersonDocumentRecord]:
    """Every document of a person, oldest first."""
    query = select_record(PERSON_DOCUMENT, PersonDocumentRecord).where(
        PERSON_DOCUMENT.c.person_id == person_id
    )
    return records(tx.connection.execute(query.order_by(PERSON_DOCUMENT.c.id)), PersonDocumentRecord)
