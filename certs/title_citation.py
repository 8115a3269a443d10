"""The paragraph that a title-office clerk pastes into a file: basis, conditions, open points, caution."""

from __future__ import annotations

from dataclasses import dataclass

from certs.title_effect import Citation, Condition, OpenPointKind, TitleEffect
from certs.title_policy import QuoteSource
from certs.wording import words

_CIRCLED = "①②③④⑤⑥⑦⑧⑨"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is known about the certificate at hand.

    ``is_verified``: this register has just found it valid. ``training_number``: the training certificate
    that the holder gave; None leaves a blank for the clerk.
    """

    is_verified: bool
    training_number: str | None = None


def citation_text_zh(effect: TitleEffect, certificate_facts: CertificateFacts | None = None) -> str:
    """The Chinese citation of an effect, one line per part; a part without items is left out.

    Where no text is known, or none of its clauses is held, one line says so and quotes nothing.
    """
    if effect.citation is None or not effect.conditions:
        return _no_basis(effect)
    lines = [
        _basis(effect.citation),
        _line("cite_conditions", _numbered_conditions(effect, certificate_facts)),
        _line("cite_silent", _points(effect, OpenPointKind.SILENT)),
        _line("cite_to_check", _points(effect, OpenPointKind.TO_CHECK)),
        _line("cite_caution", [caution.zh for caution in effect.cautions]),
    ]
    return "\n".join(line for line in lines if line)


def _no_basis(effect: TitleEffect) -> str:
    return words(
        "effect_term",
        "cite_no_basis",
        name_zh=effect.place.name_zh,
        name_en=effect.place.name_en,
        label_zh=effect.label.zh,
        label_en=effect.label.en,
        plain_zh=effect.plain.zh,
        plain_en=effect.plain.en,
    ).zh


def _basis(citation: Citation) -> str:
    return words(
        "effect_term",
        "cite_basis" if citation.is_title_verified else "cite_basis_unverified",
        document=citation.display_title,
        number=citation.document_number or _no_number(citation),
        clause=citation.clause or words("effect_term", "cite_no_clause").zh,
        quote=_quote(citation),
    ).zh


def _no_number(citation: Citation) -> str:
    if citation.quote_source is QuoteSource.TEXT:
        return words("confidence", "null_number").zh
    return words("effect_term", "cite_number_not_found").zh


def _quote(citation: Citation) -> str:
    if citation.quote_zh is None:
        return words("effect_term", "cite_no_quote").zh
    code = "cite_fragment" if citation.is_fragment else "cite_quote"
    return words("effect_term", code, sentence=citation.quote_zh).zh


def _numbered_conditions(effect: TitleEffect, facts: CertificateFacts | None) -> list[str]:
    return [
        f"{number}{condition.zh}{_proof(condition, facts)}"
        for number, condition in zip(_CIRCLED, effect.conditions, strict=False)
    ]


def _proof(condition: Condition, facts: CertificateFacts | None) -> str:
    if condition.code == "project_participation":
        return _training_proof(facts)
    if condition.code in {"grade_certificate", "training_certificate"}:
        code = "proof_verified" if facts and facts.is_verified else "proof_not_verified"
        return words("effect_term", code).zh
    return words("effect_term", "proof_to_check", proof_zh=condition.proof_zh, proof_en=condition.proof_en).zh


def _training_proof(facts: CertificateFacts | None) -> str:
    if facts is None or facts.training_number is None:
        return words("effect_term", "proof_training_blank").zh
    return words("effect_term", "proof_training_number", number=facts.training_number).zh


def _points(effect: TitleEffect, kind: OpenPointKind) -> list[str]:
    return [point.zh for point in effect.open_points if point.kind is kind]


def _line(code: str, items: list[str]) -> str:
    return words("effect_term", code, items="；".join(items)).zh if items else ""
