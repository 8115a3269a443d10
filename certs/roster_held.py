"""What candidates hold already, judged for a whole roster at once so that the register is asked only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from certs.candidate import Candidate
from certs.grades import CertificateKind, Grade
from certs.roster_fault import Fault, shown_value

ALREADY = "already_certified"
OTHER_DIRECTION = "other_direction_held"
TRAINING_UNKNOWN = "training_certificate_unknown"
TRAINING_MISMATCH = "training_certificate_mismatch"


class Held(NamedTuple):
    """A live certificate of a person."""

    occupation: str
    direction_key: str
    grade: Grade
    kind: CertificateKind


class TrainingCertificate(NamedTuple):
    """A released completion certificate, by whom and for what. ``person`` is comparable with the candidate's."""

    person: object
    occupation: str
    grade: Grade


def held_finding(candidate: Candidate, direction_key: str, kind: CertificateKind, held: Iterable[Held]) -> str | None:
    """``already_certified`` (fault), ``other_direction_held`` (warning) or None. Never says which institution."""
    same = [h for h in held if (h.occupation, h.grade, h.kind) == (candidate.occupation_id, candidate.grade, kind)]
    if any(h.direction_key == direction_key for h in same):
        return ALREADY
    return OTHER_DIRECTION if same else None


def training_finding(candidate: Candidate, person: object, training: TrainingCertificate | None) -> str | None:
    """Whether the completion certificate that a row names fits its person, occupation and grade."""
    if training is None:
        return TRAINING_UNKNOWN
    fits = (training.person, training.occupation, training.grade) == (person, candidate.occupation_id, candidate.grade)
    return None if fits else TRAINING_MISMATCH


def candidate_faults(
    candidates: Iterable[Candidate], column: str, finding: Callable[[Candidate], str | None]
) -> list[Fault]:
    """A fault or warning at a column for each candidate that earns a certificate and has a finding."""
    found = ((candidate, finding(candidate)) for candidate in candidates if candidate.earns_certificate)
    return [_fault(candidate, column, code) for candidate, code in found if code is not None]


def _fault(candidate: Candidate, column: str, code: str) -> Fault:
    value = candidate.training_certificate if column == "training_certificate" else candidate.id_document.number
    return Fault(candidate.row, column, code, shown_value(column, value), {}, candidate.ordinal)
