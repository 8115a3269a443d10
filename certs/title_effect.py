"""One answer about a certificate and a place: an effect with its citation, conditions and open points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from certs.grades import CertificateKind, Grade
from certs.jurisdictions import NATIONAL_CODE, Jurisdiction
from certs.title_policy import TITLE_EFFECTS, Confidence, Effect, QuoteSource
from certs.wording import Words, words


class OpenPointKind(StrEnum):
    """Whether the text is silent on a point, or a person still has to look something up."""

    SILENT = "silent"
    TO_CHECK = "to_check"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an effect, with what proves it. ``code`` is stable."""

    code: str
    zh: str
    en: str
    proof_zh: str
    proof_en: str

    def to_json(self) -> dict[str, str]:
        """The condition as the report shows it; ``proof`` is Chinese, ``proof_en`` English."""
        return {
            "code": self.code,
            "zh": self.zh,
            "en": self.en,
            "proof": self.proof_zh,
            "proof_en": self.proof_en,
        }


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Something that the text does not rule, or that must be looked up elsewhere."""

    code: str
    kind: OpenPointKind
    zh: str
    en: str

    def to_json(self) -> dict[str, str]:
        """The point as the report shows it."""
        return {"code": self.code, "kind": self.kind.value, "zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Notice:
    """A line beside the effect: which place answered, which text was left out for the day, and so on."""

    code: str
    zh: str
    en: str

    def to_json(self) -> dict[str, str]:
        """The notice as the report shows it."""
        return {"code": self.code, "zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Citation:
    """The document behind an effect. None means: not printed in the text held, or not known."""

    document: str
    is_title_verified: bool
    document_number: str | None
    issuer: str | None
    issued_on: date | None
    period_zh: str | None
    clause: str | None
    quote_zh: str | None
    is_fragment: bool
    quote_source: QuoteSource
    in_force_from: date | None
    in_force_to: date | None
    confidence: Confidence
    policy_file: str
    policy_version: str

    @property
    def display_title(self) -> str:
        """The title in 《》, or bare where nobody has verified it."""
        return f"《{self.document}》" if self.is_title_verified else self.document

    @property
    def confidence_words(self) -> Words:
        """How sure the register is, in words."""
        return words("confidence", _confidence_code(self.confidence, self.quote_source))

    def to_json(self) -> dict[str, Any]:
        """The citation's fields of an effect; days are ISO 8601."""
        return {
            "document": self.document,
            "document_number": self.document_number,
            "clause": self.clause,
            "quote_zh": self.quote_zh,
            "quote_source": self.quote_source.value,
            "in_force_from": _iso(self.in_force_from),
            "in_force_to": _iso(self.in_force_to),
            "confidence": self.confidence.value,
            "confidence_zh": self.confidence_words.zh,
            "confidence_en": self.confidence_words.en,
            "document_title_verified": self.is_title_verified,
            "issuer": self.issuer,
            "issued_on": _iso(self.issued_on),
            "period_zh": self.period_zh,
            "quote_is_fragment": self.is_fragment,
            "policy_file": self.policy_file,
            "policy_version": self.policy_version,
        }


_CITATION_FIELDS = (
    "document", "document_number", "clause", "quote_zh", "quote_source", "in_force_from",
    "in_force_to", "confidence", "confidence_zh", "confidence_en", "document_title_verified",
    "issuer", "issued_on", "period_zh", "quote_is_fragment", "policy_file", "policy_version",
)  # fmt: skip
_NO_CITATION: dict[str, Any] = dict.fromkeys(_CITATION_FIELDS)


@dataclass(frozen=True, slots=True)
class TitleEffect:
    """One effect under one text, or the honest absence of one (``citation`` None).

    ``jurisdiction`` is the place whose text answers; ``answered_for`` the code that was asked for.
    ``see_also`` are documents that announce a further text.
    """

    jurisdiction: str
    place: Jurisdiction
    answered_for: str
    effect: Effect
    kind: CertificateKind
    grade: Grade
    title_level: Grade | None
    title_name: str | None
    conditions: tuple[Condition, ...]
    open_points: tuple[OpenPoint, ...]
    citation: Citation | None
    delegated_to: Words | None
    label: Words
    plain: Words
    cautions: tuple[Words, ...]
    notices: tuple[Notice, ...]
    see_also: tuple[Citation, ...] = ()

    @property
    def is_national(self) -> bool:
        """Whether the text is national and so no local rule."""
        return self.jurisdiction == NATIONAL_CODE

    @property
    def is_title_effect(self) -> bool:
        """Whether the effect concerns a title, and not the project's hours, experience or subsidy."""
        return self.effect in TITLE_EFFECTS

    def to_json(self) -> dict[str, Any]:
        """The shape of the report's ``equivalence``, with further fields; every absent fact is null."""
        return {
            "jurisdiction": self.jurisdiction,
            "effect": self.effect.value,
            "title_level": self.title_level.value if self.title_level else None,
            "title_name": self.title_name,
            "conditions": [condition.to_json() for condition in self.conditions],
            "open_points": [point.to_json() for point in self.open_points],
            **(self.citation.to_json() if self.citation else _NO_CITATION),
            "delegated_to": self.delegated_to.zh if self.delegated_to else None,
            "delegated_to_en": self.delegated_to.en if self.delegated_to else None,
            **self._spoken(),
            "notices": [notice.to_json() for notice in self.notices],
            "see_also": [_pointer(citation) for citation in self.see_also],
        }

    def _spoken(self) -> dict[str, str]:
        scope = "national" if self.is_national else "local"
        return {
            "jurisdiction_zh": self.place.name_zh,
            "jurisdiction_en": self.place.name_en,
            "answered_for": self.answered_for,
            "scope": scope,
            "scope_zh": words("effect_term", f"scope_{scope}").zh,
            "scope_en": words("effect_term", f"scope_{scope}").en,
            "label_zh": self.label.zh,
            "label_en": self.label.en,
            "plain_zh": self.plain.zh,
            "plain_en": self.plain.en,
            "caution_zh": "；".join(caution.zh for caution in self.cautions),
            "caution_en": ". ".join(caution.en for caution in self.cautions),
        }


def _pointer(citation: Citation) -> dict[str, Any]:
    fields = ("document", "document_number", "issued_on", "clause", "quote_zh", "quote_source", "policy_file")
    return {name: value for name, value in citation.to_json().items() if name in fields}


def _confidence_code(confidence: Confidence, source: QuoteSource) -> str:
    if confidence is Confidence.HIGH:
        return "high_text" if source is QuoteSource.TEXT else "high_secondary"
    return "medium" if confidence is Confidence.MEDIUM else "low"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
