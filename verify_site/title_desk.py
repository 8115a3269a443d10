"""The title desk's pages: the effects of one question as cards, one of them as a sheet to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from certs.certificate_number import grouped
from certs.finding import Verdict
from certs.grades import CertificateKind
from certs.occupations import Occupation
from certs.title_citation import CertificateFacts, citation_text_zh
from certs.title_effect import Condition, OpenPointKind, TitleEffect
from verify_site.answers import Answer
from verify_site.language import Language
from verify_site.record_view import Line, format_day

_WIDE = frozenset({"sheet_document", "sheet_issuer", "sheet_clause"})
_PROVED_BY_CERTIFICATE = {
    "grade_certificate": CertificateKind.ASSESSMENT,
    "training_certificate": CertificateKind.TRAINING,
}


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """A condition: ticked when this register has just verified what proves it, else still to be checked."""

    is_met: bool
    text: str
    proof: str


@dataclass(frozen=True, slots=True)
class EffectView:
    """One effect as pages show it; lines of the document say 文本未载明 where the text prints nothing."""

    position: int
    place: str
    scope: str
    is_national: bool
    is_title_effect: bool
    has_text: bool
    label: str
    plain: str
    title: str | None
    quote: str | None
    quote_is_fragment: bool
    document: tuple[Line, ...]
    summary: str
    conditions: tuple[ConditionLine, ...]
    silent: tuple[str, ...]
    to_check: tuple[str, ...]
    cautions: tuple[str, ...]
    notices: tuple[str, ...]
    delegated_to: str | None
    citation: str


def effect_views(effects: Sequence[TitleEffect], language: Language, scanned: Answer | None = None) -> list[EffectView]:
    """The effects of one question; ``scanned`` is the certificate that conditions are ticked from."""
    return [_effect_view(position, effect, language, scanned) for position, effect in enumerate(effects)]


def _effect_view(position: int, effect: TitleEffect, language: Language, scanned: Answer | None) -> EffectView:
    cited = effect.citation
    points = {kind: tuple(language.of(p) for p in effect.open_points if p.kind is kind) for kind in OpenPointKind}
    return EffectView(
        position=position,
        place=effect.place.name_en if language.is_english else effect.place.name_zh,
        scope=language.word("effect_term", "scope_national" if effect.is_national else "scope_local"),
        is_national=effect.is_national,
        is_title_effect=effect.is_title_effect,
        has_text=cited is not None and cited.quote_zh is not None,
        label=language.of(effect.label),
        plain=language.of(effect.plain),
        title=_title(effect, language),
        quote=cited.quote_zh if cited else None,
        quote_is_fragment=cited.is_fragment if cited else False,
        document=_document_lines(effect, language),
        summary=_summary(effect),
        conditions=tuple(_condition(condition, language, scanned) for condition in effect.conditions),
        silent=points[OpenPointKind.SILENT],
        to_check=points[OpenPointKind.TO_CHECK],
        cautions=tuple(language.of(caution) for caution in effect.cautions),
        notices=tuple(language.of(notice) for notice in effect.notices),
        delegated_to=language.of(effect.delegated_to) if effect.delegated_to else None,
        citation=citation_text_zh(effect, CertificateFacts(is_verified=_is_valid(scanned))),
    )


def _is_valid(scanned: Answer | None) -> bool:
    return scanned is not None and scanned.verification.verdict is Verdict.VALID


def _condition(condition: Condition, language: Language, scanned: Answer | None) -> ConditionLine:
    proof = condition.proof_en if language.is_english else condition.proof_zh
    genuine = scanned.verification.genuine if scanned else None
    proved_by = _PROVED_BY_CERTIFICATE.get(condition.code)
    is_met = _is_valid(scanned) and genuine is not None and genuine.number.kind is proved_by
    shown = language.say("condition_verified", number=genuine.number.text) if is_met and genuine else proof
    return ConditionLine(is_met, language.of(condition), shown)


def _title(effect: TitleEffect, language: Language) -> str | None:
    """The title level with its name, or the words for a text that gives no name."""
    if effect.title_level is None:
        return None
    level = language.word("effect_term", f"title_level_{effect.title_level.value}")
    name = effect.title_name or language.word("effect_term", "title_name_null")
    return f"{level}（{name}）" if not language.is_english else f"{level} ({name})"


def _summary(effect: TitleEffect) -> str:
    """Document and number in one line."""
    cited = effect.citation
    if cited is None:
        return ""
    return f"{cited.display_title}{f'（{cited.document_number}）' if cited.document_number else ''}"


def _document_lines(effect: TitleEffect, language: Language) -> tuple[Line, ...]:
    """What the sheet says about the document: nothing is inferred, an absent fact is said to be absent."""
    cited = effect.citation
    if cited is None:
        return ()
    absent = language.word("confidence", "null_date")
    facts = (
        ("sheet_document", cited.display_title),
        ("sheet_issuer", cited.issuer or absent),
        ("sheet_clause", cited.clause or absent),
        ("sheet_document_number", cited.document_number or absent),
        ("sheet_issued_on", _day(cited.issued_on, language) or absent),
        ("sheet_in_force_from", _day(cited.in_force_from, language) or absent),
        ("sheet_in_force_to", _day(cited.in_force_to, language) or cited.period_zh or absent),
        ("sheet_source", language.of(cited.confidence_words)),
        ("sheet_version", f"{cited.policy_file} · {cited.policy_version[:12]}"),
    )
    return tuple(Line(language.say(code), value, is_wide=code in _WIDE) for code, value in facts)


def _day(day: date | None, language: Language) -> str | None:
    return None if day is None else format_day(day, language)


@dataclass(frozen=True, slots=True)
class SheetView:
    """The 查询单: one effect with what was asked, when, and the certificate at hand if there is one."""

    effect: EffectView
    others: tuple[EffectView, ...]
    question: tuple[Line, ...]
    certificate: tuple[Line, ...]
    checked_at: str
    check_id: str


def question_lines(
    place: str, occupation: Occupation, kind: CertificateKind, grade: str, on: date, language: Language
) -> tuple[Line, ...]:
    """What was asked, as lines."""
    name = occupation.name_en if language.is_english else occupation.name_zh
    return (
        Line(language.say("sheet_place"), place),
        Line(language.say("sheet_subject"), f"{name} · {language.say(f'grade_{grade}')}"),
        Line(language.say("sheet_kind"), language.say(f"title_{kind.value}")),
        Line(language.say("sheet_as_of"), format_day(on, language)),
    )


def certificate_lines(scanned: Answer, language: Language) -> tuple[Line, ...]:
    """The certificate at hand, as lines; nothing unless its signature has passed."""
    genuine = scanned.verification.genuine
    if genuine is None:
        return ()
    official = genuine.facts.official_number or language.say("official_number_none")
    report = scanned.report()
    return (
        Line(language.say("sheet_holder"), genuine.claims.name),
        Line(language.say("sheet_result"), language.pick(report["headline"])),
        Line(language.say("record_number"), grouped(genuine.number)),
        Line(language.say("fact_official_number"), official),
        Line(language.say("institution_name_at_issue"), report["institution"]["name_at_issue"], is_wide=True),
    )
