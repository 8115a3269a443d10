"""The people of a roster in the register: who is known, and how their documents are found and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certs.candidate import Candidate
from certs.errors import KezhengError
from registry.home import Home
from registry.store.counter_store import take_ids
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.person_store import PersonDocumentRecord, add_document, add_persons, persons_by_blind_index

PERSON = "person"
PERSON_TABLE = "person_document"
PERSON_COLUMN = "number_ciphertext"


@dataclass(frozen=True, slots=True)
class RosterPeople:
    """``blind`` holds the blind index of each candidate in their order, ``known`` the ids of people by it."""

    blind: Sequence[bytes]
    known: Mapping[bytes, int]

    def new(self, candidates: Sequence[Candidate]) -> dict[bytes, Candidate]:
        """Those whom the register does not know, by their blind index: one candidate for each."""
        pairs = zip(self.blind, candidates, strict=True)
        return {index: candidate for index, candidate in pairs if index not in self.known}


def look_up_people(home: Home, tx: ReadTransaction, candidates: Sequence[Candidate]) -> RosterPeople:
    """Find the candidates among the people of the register."""
    index_of = home.keyring.blind_index.of
    blind = [index_of(c.id_document.type.value, c.id_document.person_key) for c in candidates]
    return RosterPeople(blind, persons_by_blind_index(tx, blind))


def add_people(home: Home, tx: WriteTransaction, new: Mapping[bytes, Candidate], person_ids: Sequence[int]) -> None:
    """Store new people under their ids, each with a document. ``store_conflict`` when one is known already."""
    document_ids = take_ids(tx, PERSON_TABLE, len(new))
    add_persons(
        tx,
        [
            _document_record(home, document_id, person_id, index, candidate)
            for (index, candidate), person_id, document_id in zip(new.items(), person_ids, document_ids, strict=True)
        ],
    )


def adopt_document(home: Home, tx: WriteTransaction, person_id: int, candidate: Candidate) -> None:
    """Record a further document of a person. Raises KezhengError ``person_of_other_document`` when it is another's."""
    people = look_up_people(home, tx, [candidate])
    [index] = people.blind
    owner = people.known.get(index)
    if owner is not None and owner != person_id:
        raise KezhengError("person_of_other_document")
    if owner is None:
        document_id = take_ids(tx, PERSON_TABLE, 1).start
        add_document(tx, _document_record(home, document_id, person_id, index, candidate))


def _document_record(
    home: Home, document_id: int, person_id: int, index: bytes, candidate: Candidate
) -> PersonDocumentRecord:
    cipher, document = home.keyring.cipher, candidate.id_document
    sealed = cipher.seal(PERSON_TABLE, PERSON_COLUMN, document_id, document.number)
    return PersonDocumentRecord(document_id, person_id, document.type.value, index, sealed, cipher.current_key_id)
