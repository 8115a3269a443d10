"""What answers on the same evidence have in common, made once and kept, in bounded number.

Of a valid certificate everything but its own claims depends on few things: its institution, kind, grade and occupation,
the day, and what the evidence says. Nothing that belongs to one certificate is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from certs.evidence import Evidence
from certs.finding import Genuine
from certs.timestamps import shanghai_day
from verify_site.answers import Answer

MAX_PARTS = 4096
"""About 1 KB each; the effects of a grade 40 KB."""
T = TypeVar("T")


class KeptParts:
    """Parts by key, as long as the evidence stays the same. For one thread."""

    def __init__(self) -> None:
        self._evidence: Evidence | None = None
        self._parts: dict[Hashable, object] = {}

    def begin(self, evidence: Evidence) -> None:
        """Forget what rests on other evidence, or what has become too many."""
        if evidence is not self._evidence or len(self._parts) > MAX_PARTS:
            self._evidence, self._parts = evidence, {}

    def part(self, key: Hashable, make: Callable[[], T]) -> T:
        """The part with this key; what it is made of has to follow from the key and the evidence."""
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = make()
        return cast(T, found)


def standing_of(given: Answer, genuine: Genuine) -> Hashable:
    """A key for what one evidence says of a certificate besides its own claims: institution, status, notices."""
    made, claims = given.verification, genuine.claims
    return (
        made.verdict,
        made.notices,
        genuine.status,
        genuine.institution.code,
        genuine.accredited_at_assessment,
        claims.occupation_code,
        shanghai_day(claims.issued_at),
        shanghai_day(made.at),
    )
