"""Two people, and the rows that they saw: a batch is approved by another person than its operator, for exact rows."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple
from unicodedata import normalize

from certs.errors import KezhengError

_UNSEEN = re.compile(
    "[\\s\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Spaces, and what is a letter, mark or symbol by category but shows nothing."""


class Approval(NamedTuple):
    """One approval. On the command line both names are declared, not proven; ``declared`` says so for ever."""

    operator: str
    approver: str
    rows_digest: bytes
    approved_at: datetime
    declared: bool


def comparable_name(name: str) -> str:
    """A declared name as it is compared: NFKC, case folded, without spaces and invisible characters."""
    folded = normalize("NFKC", normalize("NFKC", name).casefold())
    seen = "".join(character for character in _UNSEEN.sub("", folded) if character.isprintable())
    return normalize("NFKC", seen)


def check_two_people(operator: str, approver: str) -> None:
    """Whether two names may be two people. Raises KezhengError ``person_missing`` or ``approver_is_operator``."""
    if not comparable_name(operator) or not comparable_name(approver):
        raise KezhengError("person_missing")
    if comparable_name(operator) == comparable_name(approver):
        raise KezhengError("approver_is_operator")


def approve(
    operator: str, approver: str, rows_digest: bytes, approved_at: datetime, *, declared: bool = True
) -> Approval:
    """The approval of rows. Raises KezhengError ``person_missing`` or ``approver_is_operator``."""
    check_two_people(operator, approver)
    return Approval(operator.strip(), approver.strip(), rows_digest, approved_at, declared)


def check_still_approved(approved_digest: bytes, rows_digest: bytes) -> None:
    """Whether the rows are those that were approved. Raises KezhengError ``approval_stale``."""
    if approved_digest != rows_digest:
        raise KezhengError("approval_stale")
