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


class Replacement(NamedTuple):
    """What a row replaces: the number of a released certificate, and the public reason."""

    number: str
    reason: str


def row_record(
    candidate: Candidate,
    row_id: int,
    batch_id: str,
    person_id: int,
    cipher: FieldCipher,
    replaces: Replacement | None = None,
) -> RosterRowRecord:
    """The row of a candidate, its private parts sealed for this row id."""
    direction = candidate.direction
    private = orjson.dumps(_private_parts(candidate)).decode("utf-8")
    return RosterRowRecord(
        id=row_id,
        batch_id=batch_id,
        sheet_row=candidate.row,
        person_id=person_id,
        name=candidate.name,
        id_type=candidate.id_document.type.value,
        number_ciphertext=cipher.seal(TABLE, NUMBER_COLUMN, row_id, candidate.id_document.number),
        private_ciphertext=cipher.seal(TABLE, PRIVATE_COLUMN, row_id, private),
        key_id=cipher.current_key_id,
        occupation_id=candidate.occupation_id,
        occupation_code=candidate.occupation_code,
        direction_number=direction if isinstance(direction, int) else None,
        direction_text=direction if isinstance(direction, str) else None,
        grade=candidate.grade,
        theory=candidate.theory,
        ability=candidate.ability,
        assessed_on=candidate.assessed_on,
        site_code=candidate.site_code or None,
        training_certificate_number=candidate.training_certificate or None,
        official_number=candidate.details.official_number or None,
        extra=None if replaces is None else replaces._asdict(),
        result=candidate.result.value,
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
    document = candidate.id_document
    return {
        "ordinal": candidate.ordinal,
        "id": [document.key, document.birth_date, document.is_male, document.nationality],
        "details": list(candidate.details._replace(official_number="")),
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
