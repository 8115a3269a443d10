"""A candidate: one checked row of a roster, everything a certificate may be made from.

And the digest that people approve.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import orjson

from certs.assessment import AssessmentResult
from certs.grades import Grade
from certs.id_document import IdDocument

DIGEST_FORM = "kezheng-roster-rows-1"
_AT_ONCE = 1_000
"""Rows that are written out together: few enough that their text needs little memory."""


class CandidateDetails(NamedTuple):
    """The optional columns; an empty text or None is a cell left empty.

    ``sex`` is 男 or 女; ``nationality`` an ISO 3166 two-letter code; ``hours`` are hundredths.
    """

    batch: str = ""
    admission_number: str = ""
    photo: str = ""
    phone: str = ""
    employer: str = ""
    sex: str = ""
    birth_date: date | None = None
    nationality: str = ""
    education: str = ""
    eligibility: str = ""
    official_number: str = ""
    hours: int | None = None
    remark: str = ""
    others: tuple[str, ...] = ()


NO_DETAILS = CandidateDetails()


class Candidate(NamedTuple):
    """One examinee or trainee.

    ``row`` is the sheet's row, ``ordinal`` its 序号. ``occupation_code`` is what the certificate prints,
    ``occupation_id`` what scopes and duplicates are about. ``direction`` is a catalogue number, or text where
    the catalogue has none. Marks are hundredths, None when an examinee has none. ``site_code`` is empty where
    no site is registered.
    """

    row: int
    ordinal: str
    name: str
    id_document: IdDocument
    occupation_id: str
    occupation_code: str
    direction: int | str | None
    direction_name: str | None
    grade: Grade
    theory: int | None
    ability: int | None
    result: AssessmentResult
    assessed_on: date
    training_certificate: str
    site_code: str
    details: CandidateDetails = NO_DETAILS

    @property
    def earns_certificate(self) -> bool:
        """Whether a certificate is to be issued for this row."""
        return self.result.earns_certificate

    @property
    def duplicate_key(self) -> tuple[str, str, int | str | None, Grade]:
        """Person, occupation, direction and grade: one such certificate is enough."""
        return self.id_document.person_key, self.occupation_id, self.direction, self.grade


class RowsDigest:
    """The digest of rows that come piece by piece, in the order of the sheet; see `rows_digest`."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(orjson.dumps([DIGEST_FORM])[:-1])

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Add rows, each the array of its fields as `digested_row` makes it."""
        if rows:
            self._hash.update(b"," + orjson.dumps(rows)[1:-1])

    def value(self) -> bytes:
        """The digest of what was added so far."""
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.digest()


def rows_digest(candidates: Iterable[Candidate]) -> bytes:
    """SHA-256 of what an approver has seen; any change of any field of any row is another digest.

    The input is one JSON array ``[form, row, row, …]`` in UTF-8 without spaces, rows in the order of the
    sheet, each an array of the fields of ``Candidate`` in their order: the ID document and the details as
    arrays of theirs, days as ISO 8601, enumerations as their values, marks as integers, what is absent as
    null.
    """
    ordered = sorted(candidates, key=lambda candidate: candidate.row)
    digest = RowsDigest()
    for start in range(0, len(ordered), _AT_ONCE):
        digest.add([digested_row(candidate) for candidate in ordered[start : start + _AT_ONCE]])
    return digest.value()


def digested_row(candidate: Candidate) -> list[object]:
    """The array that stands for a candidate in the digest."""
    row = list[object](candidate)
    row[_DOCUMENT], row[_DETAILS] = tuple(candidate.id_document), tuple(candidate.details)
    return row


_DOCUMENT, _DETAILS = Candidate._fields.index("id_document"), Candidate._fields.index("details")
