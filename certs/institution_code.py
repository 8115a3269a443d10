"""Institution codes (赋码): kind, registration number, province, sequence; 13 characters.

``P000115000001``: ``P`` 评价 or ``T`` 培训 · registration ``0001`` · province ``15`` (GB/T 2260, or 66) ·
``000001``.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from certs.errors import KezhengError
from certs.grades import CertificateKind
from certs.jurisdictions import provinces

INSTITUTION_CODE_LENGTH = 13
_FORM = re.compile(r"([PT])([0-9]{4})([0-9]{2})([0-9]{6})")
_KINDS = {kind.letter: kind for kind in CertificateKind}


class InstitutionCode(NamedTuple):
    """The parts of an institution code: registration 0–9999, sequence 0–999999, province of two digits."""

    kind: CertificateKind
    registration: int
    province: str
    sequence: int

    @property
    def text(self) -> str:
        """The 13 characters."""
        return f"{self.kind.letter}{self.registration:04}{self.province}{self.sequence:06}"


@lru_cache(maxsize=4096)
def parse_institution_code(text: str) -> InstitutionCode:
    """The parts of 13 characters. Raises KezhengError ``institution_code_malformed``."""
    match = _FORM.fullmatch(text)
    if match is None or match[3] not in _province_codes():
        raise KezhengError("institution_code_malformed")
    return InstitutionCode(_KINDS[match[1]], int(match[2]), match[3], int(match[4]))


def make_institution_code(
    kind: CertificateKind, registration: int, province: str, sequence: int
) -> InstitutionCode:
    """A code from its parts.

    Raises KezhengError ``institution_code_malformed`` when one does not fit its place.
    """
    code = InstitutionCode(kind, registration, province, sequence)
    if parse_institution_code(code.text) != code:
        raise KezhengError("institution_code_malformed")
    return code


@cache
def _province_codes() -> frozenset[str]:
    return frozenset(place.code for place in provinces())
