"""A candidate as a stored row and back, losslessly: what was approved is what is read again before anything is signed.

The ID number and everything that is nobody's business are ciphertext; the rest stands in columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import orjson

from certs.assessment import AssessmentResult
from certs.candidate import Candidate, CandidateDetails
from certs.id_document import IdDocument, IdType
from certs.occupations import Catalogue
from keys.data_protection import FieldCipher
from registry.store.roster_store import RosterRowRecord

TABLE = "roster_row"
NUMBER_COLUMN = "number_ciphertext"
PRIVATE_COLUMN = "private_ciphertext"
_OFFICIAL_NUMBER = CandidateDetails._fields.index("official_number")


class Replacement(NamedTuple):
    """What a row replaces: the number of a released certificate, and the public reason."""

    number: str
    reason: str


def row_records(
    candidates: Sequence[Candidate],
    row_ids: Sequence[int],
    batch_id: str,
    person_ids: Sequence[int],
    cipher: FieldCipher,
    replaces: Replacement | None = None,
) -> list[RosterRowRecord]:
    """The rows of candidates under these ids, of these people."""
    return [
        row_record(candidate, row_id, batch_id, person_id, cipher, replaces)
        for candidate, row_id, person_id in zip(candidates, row_ids, person_ids, strict=True)
    ]


def row_record(
    candidate: Candidate,
    row_id: int,
    batch_id: str,
    person_id: int,
    cipher: FieldCipher,
    replaces: Replacement | None = None,
) -> RosterRowRecord:
    """The row of a candidate, its private parts sealed for this row id."""
    direction, document = candidate.direction, candidate.id_document
    # By position: a hundred thousand of them are made one after the other.
    return RosterRowRecord(
        row_id,
        batch_id,
        candidate.row,
        person_id,
        candidate.name,
        document.type.value,
        cipher.seal(TABLE, NUMBER_COLUMN, row_id, document.number),
        cipher.seal_bytes(TABLE, PRIVATE_COLUMN, row_id, orjson.dumps(_private_parts(candidate))),
        cipher.current_key_id,
        candidate.occupation_id,
        candidate.occupation_code,
        direction if isinstance(direction, int) else None,
        direction if isinstance(direction, str) else None,
        candidate.grade,
        candidate.theory,
        candidate.ability,
        candidate.assessed_on,
        candidate.site_code or None,
        candidate.training_certificate or None,
        candidate.details.official_number or None,
        None if replaces is None else replaces._asdict(),
        candidate.result.value,
    )


def candidate_of(row: RosterRowRecord, cipher: FieldCipher, catalogue: Catalogue) -> Candidate:
    """The candidate of a stored row. Raises KezhengError ``data_damaged`` for a sealed part of another row."""
    number = cipher.open(TABLE, NUMBER_COLUMN, row.id, row.number_ciphertext)
    private = orjson.loads(cipher.open(TABLE, PRIVATE_COLUMN, row.id, row.private_ciphertext or b""))
    direction: int | str | None = row.direction_text if row.direction_number is None else row.direction_number
    return Candidate(
        row=row.sheet_row,
        ordinal=private["ordinal"],
        name=row.name,
        id_document=_document(row.id_type, number, private["id"]),
        occupation_id=row.occupation_id,
        occupation_code=row.occupation_code,
        direction=direction,
        direction_name=catalogue.by_id(row.occupation_id).direction_name(direction),
        grade=row.grade,
        theory=row.theory,
        ability=row.ability,
        result=AssessmentResult(row.result),
        assessed_on=row.assessed_on,
        training_certificate=row.training_certificate_number or "",
        site_code=row.site_code or "",
        details=_details(private["details"], row.official_number or ""),
    )


def replacement_of(row: RosterRowRecord) -> Replacement | None:
    """What a row replaces, if it is a correction."""
    return Replacement(**row.extra) if row.extra else None


def candidates_of(rows: Sequence[RosterRowRecord], cipher: FieldCipher, catalogue: Catalogue) -> list[Candidate]:
    """The candidates of many rows, in their order."""
    return [candidate_of(row, cipher, catalogue) for row in rows]


def _private_parts(candidate: Candidate) -> dict[str, object]:
    document, details = candidate.id_document, list(candidate.details)
    details[_OFFICIAL_NUMBER] = ""
    return {
        "ordinal": candidate.ordinal,
        "id": [document.key, document.birth_date, document.is_male, document.nationality],
        "details": details,
    }


def _document(id_type: str, number: str, parts: list[str | bool | None]) -> IdDocument:
    key, birth_date, is_male, nationality = parts
    return IdDocument(
        type=IdType(id_type),
        number=number,
        key=str(key),
        birth_date=None if birth_date is None else date.fromisoformat(str(birth_date)),
        is_male=None if is_male is None else bool(is_male),
        nationality=str(nationality),
    )


def _details(parts: list[object], official_number: str) -> CandidateDetails:
    fields = dict(zip(CandidateDetails._fields, parts, strict=True))
    birth_date, others = fields["birth_date"], fields["others"]
    fields["birth_date"] = None if birth_date is None else date.fromisoformat(str(birth_date))
    fields["others"] = tuple(others) if isinstance(others, list) else ()
    return CandidateDetails(**(fields | {"official_number": official_number}))  # type: ignore[arg-type]  # JSON parts
