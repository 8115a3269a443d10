"""What a roster is judged against.

Everything from outside the file, handed in as values and pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from certs.authority import AuthorityLimits
from certs.grades import CertificateKind, Grade
from certs.institution import Site
from certs.occupations import Catalogue

ScopeFault = Callable[[str, str | None, Grade, str | None, date], str | None]
"""(occupation id, direction name, grade, region, day) to the code of why no scope covers it, or None."""


def _nothing_missing(_: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class RosterContext:
    """The institution, the day and the look-ups for one file.

    - ``sites``: the institution's sites, the main one first; they give the region of a scope.
    - ``missing_glyphs``: the characters of a text that no font of the certificate has.
    - ``photo_finding``: file name to ``photo_missing`` or ``photo_unreadable``; None: there are no photo
      files.
    - ``default_batch``: the batch of rows that name none, as a rule the name of the upload.
    """

    institution_code: str
    kind: CertificateKind
    today: date
    catalogue: Catalogue
    scope_fault: ScopeFault
    sites: tuple[Site, ...] = ()
    missing_glyphs: Callable[[str], str] = _nothing_missing
    photo_finding: Callable[[str], str | None] | None = None
    max_assessment_age_days: int = AuthorityLimits().assessment_window_days
    default_batch: str = ""
