"""What certificates share that an institution issues in one year for the same thing: found out once for all of them.

Certificates of a cohort differ in person, serial, times and status index. Whatever follows from the rest alone (what
it means in the published data, how the institution's scopes cover it) is the same for thousands.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from certs.authority import Coverage, Subject, coverage
from certs.certificate import CertificateClaims
from certs.certificate_number import CertificateNumber, LayoutSet, NumberSeries, number_series, parse_number
from certs.errors import KezhengError
from certs.grades import Grade
from certs.occupations import Catalogue, Occupation
from certs.trust_list import KeyOwner

COHORTS_KEPT = 4096
_Key = tuple[bytes, str, tuple[str, int | str | None, Grade, date]]
"""The key's id, the number up to its serial, and what the certificate certifies."""


class Cohort(NamedTuple):
    """What the signed numbers mean in the published data, and how the owner of the key may certify it."""

    subject: Subject
    occupation: Occupation
    coverage: Coverage
    series: NumberSeries | None


class Cohorts:
    """The cohorts that were met under one trust list and its data files."""

    def __init__(self) -> None:
        self._kept: dict[_Key, Cohort] = {}

    def find(
        self, claims: CertificateClaims, issued_year: int, owner: KeyOwner, layouts: LayoutSet, catalogue: Catalogue
    ) -> tuple[CertificateNumber, Cohort]:
        """The number of claims and the cohort that they belong to; trust list and data must be those of every call.

        Raises KezhengError as `parse_number`; ``number_claims_disagree``: the number is of a later year or of another
        grade; ``occupation_not_in_catalogue``, ``direction_not_in_catalogue``.
        """
        text = claims.number
        tail = layouts.tails.get(len(text))
        if tail is None:
            return _read(claims, issued_year, owner, layouts, catalogue)
        key = owner.key.kid, text[:-tail], claims[5:9]
        cohort = self._kept.get(key)
        series = None if cohort is None else cohort.series
        number = None if series is None else series.number(text)
        if cohort is not None and number is not None and number.year <= issued_year:
            return number, cohort
        number, cohort = _read(claims, issued_year, owner, layouts, catalogue)
        if len(self._kept) >= COHORTS_KEPT:
            self._kept.clear()
        self._kept[key] = cohort._replace(series=number_series(layouts, len(text), text[:-tail]))
        return number, cohort


def _read(
    claims: CertificateClaims, issued_year: int, owner: KeyOwner, layouts: LayoutSet, catalogue: Catalogue
) -> tuple[CertificateNumber, Cohort]:
    number = parse_number(claims.number, layouts)
    if number.year > issued_year or number.grade not in (None, claims.grade):
        raise KezhengError("number_claims_disagree")
    occupation, direction = _meaning(claims, catalogue)
    subject = Subject(number.kind, occupation.id, direction, claims.grade, None, claims.assessed_on)
    return number, Cohort(subject, occupation, coverage(owner.institution, subject), None)


def _meaning(claims: CertificateClaims, catalogue: Catalogue) -> tuple[Occupation, str | None]:
    """The occupation of a code exactly as it is written, and the direction of a number or as text."""
    occupation = catalogue.find(claims.occupation_code)
    if occupation is None or all(dated.code != claims.occupation_code for dated in occupation.codes):
        raise KezhengError("occupation_not_in_catalogue")
    direction = occupation.direction_name(claims.direction)
    if direction is None and claims.direction is not None:
        raise KezhengError("direction_not_in_catalogue")
    return occupation, direction
