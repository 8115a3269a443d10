"""Lints: what must hold before anything is signed. One small rule each, with its reason; the first broken refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from certs.certificate import CertificateClaims
from certs.certificate_number import CertificateNumber
from certs.errors import KezhengError
from certs.occupations import Occupation
from certs.person_name import read_name
from certs.timestamps import shanghai_day


class LintSubject(NamedTuple):
    """The claims about to be signed, with what they refer to, and the first day of a number that had a paper before."""

    claims: CertificateClaims
    number: CertificateNumber
    occupation: Occupation
    first_issued_on: date | None = None


def _name_in_stored_form(subject: LintSubject) -> bool:
    """The page shows the signed name as it is: letters, middle dots and single spaces in NFC only."""
    reading = read_name(subject.claims.name)
    return reading.fault is None and reading.name == subject.claims.name


def _id_tail_is_four_characters(subject: LintSubject) -> bool:
    """No more of an ID number than its last four characters is ever signed."""
    tail = subject.claims.id_tail
    return len(tail) == 4 and tail.isprintable() and " " not in tail


def _number_agrees(subject: LintSubject) -> bool:
    """The verifier refuses a number whose grade is not that of the claims, and whose year not that of any paper."""
    claims, number, first = subject.claims, subject.number, subject.first_issued_on
    right_year = number.year in (shanghai_day(claims.issued_at).year, first and first.year)
    return number.text == claims.number and right_year and number.grade in (None, claims.grade)


def _occupation_code_known(subject: LintSubject) -> bool:
    """The code is one that the occupation has or had, letter for letter as the catalogue writes it."""
    return any(dated.code == subject.claims.occupation_code for dated in subject.occupation.codes)


def _direction_as_number(subject: LintSubject) -> bool:
    """A catalogued direction is signed as its number, so that the QR code stays small and spelling cannot differ."""
    direction = subject.claims.direction
    if isinstance(direction, str):
        return subject.occupation.directions_open and subject.occupation.direction(direction) is None
    return direction is None or subject.occupation.direction(direction) is not None


def _issued_in_whole_seconds(subject: LintSubject) -> bool:
    """``iat`` is whole seconds; a fraction would be lost between claims and report."""
    return subject.claims.issued_at.microsecond == 0


def _ends_after_issue(subject: LintSubject) -> bool:
    """A certificate that has an end ends after it begins."""
    expires_at = subject.claims.expires_at
    return expires_at is None or expires_at > subject.claims.issued_at


Lints = dict[str, Callable[[LintSubject], bool]]

OWN_LINTS: Lints = {
    "lint_name": _name_in_stored_form,
    "lint_id_tail": _id_tail_is_four_characters,
    "lint_number": _number_agrees,
}
"""About what every certificate has for itself."""
LINTS: Lints = OWN_LINTS | {
    "lint_occupation_code": _occupation_code_known,
    "lint_direction": _direction_as_number,
    "lint_issue_time": _issued_in_whole_seconds,
    "lint_expiry": _ends_after_issue,
}


def check_lints(subject: LintSubject, lints: Lints = LINTS) -> None:
    """Raises KezhengError with the code of the first broken lint."""
    for code, holds in lints.items():
        if not holds(subject):
            raise KezhengError(code, number=subject.number.text)
