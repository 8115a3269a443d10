"""Policy documents on what a certificate is worth for a title, as data: documents, clauses, rules.

A document says only what its text prints. A day or number that is not printed is None and excludes
nothing; ``not_before`` and ``not_after`` are the outermost days that the print allows (a year in a number or
a title) and serve only to leave a document out, never to claim when it came into force.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from certs.grades import CertificateKind, Grade


class Effect(StrEnum):
    """What a text says a certificate is worth. The words of each are in ``wording/effect.toml``."""

    DIRECT_RECOGNITION = "direct_recognition"
    MAY_RECOGNISE = "may_recognise"
    WITHIN_SCOPE = "within_scope"
    LINKABLE = "linkable"
    DIRECT_APPLY_REVIEW = "direct_apply_review"
    PERFORMANCE_CONDITION = "performance_condition"
    IMPORTANT_REFERENCE = "important_reference"
    NEXT_LEVEL_CONDITION = "next_level_condition"
    NO_RULE_KNOWN = "no_rule_known"
    TEXT_KNOWN_NOT_HELD = "text_known_not_held"
    HOURS_RECORDED = "hours_recorded"
    COUNTS_AS_EXPERIENCE = "counts_as_experience"
    SUBSIDY_CLAIM = "subsidy_claim"


ABSENCES = frozenset({Effect.NO_RULE_KNOWN, Effect.TEXT_KNOWN_NOT_HELD})
PROJECT_EFFECTS = frozenset({Effect.HOURS_RECORDED, Effect.COUNTS_AS_EXPERIENCE})
TITLE_EFFECTS = frozenset(Effect) - ABSENCES - PROJECT_EFFECTS - {Effect.SUBSIDY_CLAIM}


def kinds_with(effect: Effect) -> frozenset[CertificateKind]:
    """The kinds of certificate that may carry an effect: a training certificate never a title effect."""
    if effect in TITLE_EFFECTS:
        return frozenset({CertificateKind.ASSESSMENT})
    if effect is Effect.SUBSIDY_CLAIM:
        return frozenset({CertificateKind.TRAINING})
    return frozenset(CertificateKind)


class QuoteSource(StrEnum):
    """Where a quotation comes from: the full text held here, or somebody's report of it."""

    TEXT = "text"
    SECONDARY = "secondary"


class Confidence(StrEnum):
    """H: official or named major source with wording; M: a report without number; L: a lead."""

    HIGH = "H"
    MEDIUM = "M"
    LOW = "L"


class Standing(StrEnum):
    """Whether a document answers on a day."""

    ANSWERS = "answers"
    NOT_YET_ISSUED = "not_yet_issued"
    PERIOD_ENDED = "period_ended"


@dataclass(frozen=True, slots=True)
class Clause:
    """Where a sentence stands and what it says. All None where only its content has been reported.

    ``is_fragment`` marks a quotation that is a phrase and not the whole sentence (secondary sources only).
    """

    place: str | None = None
    quote: str | None = None
    is_fragment: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One effect of one clause. Conditions, open points and ``delegated_to`` are codes with words."""

    effect: Effect
    kinds: frozenset[CertificateKind]
    grades: frozenset[Grade]
    clause: Clause
    is_level_of_grade: bool
    title_names: tuple[tuple[Grade, str], ...]
    conditions: tuple[str, ...]
    open_points: tuple[str, ...]
    to_check: tuple[str, ...]
    delegated_to: str | None

    def covers(self, kind: CertificateKind, grade: Grade) -> bool:
        """Whether the rule speaks of this kind and grade."""
        return kind in self.kinds and grade in self.grades

    def title_level(self, grade: Grade) -> Grade | None:
        """The title level that the text gives for a grade; None where it gives none."""
        return grade if self.is_level_of_grade else None

    def title_name(self, grade: Grade) -> str | None:
        """The name of the title, only where the text itself gives one."""
        return dict(self.title_names).get(grade)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A document that rules nothing itself but says that a further text exists or is planned."""

    clause: Clause
    to_check: str


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One document of one place. ``file`` and ``version`` (SHA-256, 16 hex digits) name the data used.

    ``concerns``: the kinds of certificate that the document may speak of, as far as is known.
    """

    file: str
    version: str
    jurisdiction: str
    title: str
    is_title_verified: bool
    number: str | None
    issuer: str | None
    quote_source: QuoteSource
    confidence: Confidence
    issued_on: date | None
    in_force_from: date | None
    in_force_to: date | None
    not_before: date | None
    not_after: date | None
    period_zh: str | None
    listed_occupations: frozenset[str]
    concerns: frozenset[CertificateKind]
    rules: tuple[Rule, ...]
    announcements: tuple[Announcement, ...]

    @property
    def display_title(self) -> str:
        """The title in 《》, or bare where nobody has verified it."""
        return f"《{self.title}》" if self.is_title_verified else self.title

    @property
    def is_announcement_only(self) -> bool:
        """Whether the document only points to another text."""
        return bool(self.announcements) and not self.rules

    def standing_on(self, day: date) -> Standing:
        """Whether the document answers on a day in China, inclusive at both ends."""
        first = self.in_force_from or self.issued_on or self.not_before
        last = self.in_force_to or self.not_after
        if first is not None and day < first:
            return Standing.NOT_YET_ISSUED
        if last is not None and day > last:
            return Standing.PERIOD_ENDED
        return Standing.ANSWERS
