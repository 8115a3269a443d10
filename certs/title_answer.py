"""Puts an answer together: a rule, or the absence of one, becomes an effect with its words and citation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from certs.grades import CertificateKind, Grade
from certs.jurisdictions import Place
from certs.title_effect import Citation, Condition, Notice, OpenPoint, OpenPointKind, TitleEffect
from certs.title_policy import PROJECT_EFFECTS, TITLE_EFFECTS, Clause, Effect, PolicyDocument, Rule
from certs.wording import Words, words


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, at the place whose text may answer. ``on`` is the day of the application in China."""

    place: Place
    kind: CertificateKind
    grade: Grade
    on: date
    occupation: str | None = None


def ruled(
    question: Question,
    document: PolicyDocument,
    rule: Rule,
    announcing: tuple[tuple[str, Citation], ...],
) -> TitleEffect:
    """The effect of one rule. ``announcing``: points to check from documents that announce a further text."""
    heard = announcing if rule.effect in TITLE_EFFECTS else ()
    to_check = [*rule.to_check, *(code for code, _ in heard)]
    if _is_unlisted(question.occupation, document):
        to_check.append("occupation_not_listed")
    return TitleEffect(
        jurisdiction=document.jurisdiction,
        place=question.place.jurisdiction,
        answered_for=question.place.shown,
        effect=rule.effect,
        kind=question.kind,
        grade=question.grade,
        title_level=rule.title_level(question.grade),
        title_name=rule.title_name(question.grade),
        conditions=tuple(_condition(code, question.grade) for code in rule.conditions),
        open_points=_open_points(rule.open_points, to_check),
        citation=cite(document, rule.clause),
        delegated_to=words("effect_term", f"body_{rule.delegated_to}") if rule.delegated_to else None,
        label=_label(rule.effect, document),
        plain=_plain(rule.effect, document),
        cautions=_cautions(rule.effect),
        notices=(_still_in_force(),),
        see_also=tuple(citation for _, citation in heard),
    )


def text_not_held(question: Question, document: PolicyDocument) -> TitleEffect:
    """A document of the place is known by name, but no clause of it is held."""
    return TitleEffect(
        jurisdiction=document.jurisdiction,
        place=question.place.jurisdiction,
        answered_for=question.place.shown,
        effect=Effect.TEXT_KNOWN_NOT_HELD,
        kind=question.kind,
        grade=question.grade,
        title_level=None,
        title_name=None,
        conditions=(),
        open_points=_open_points((), () if document.is_title_verified else ("title_unverified",)),
        citation=cite(document, Clause()),
        delegated_to=None,
        label=_label(Effect.TEXT_KNOWN_NOT_HELD, document),
        plain=_plain(Effect.TEXT_KNOWN_NOT_HELD, document),
        cautions=(),
        notices=(_still_in_force(),),
    )


def no_rule(question: Question, notices: tuple[Notice, ...]) -> TitleEffect:
    """No text of the place is known, or none answers on the day; ``notices`` say which were left out."""
    return TitleEffect(
        jurisdiction=question.place.jurisdiction.code,
        place=question.place.jurisdiction,
        answered_for=question.place.shown,
        effect=Effect.NO_RULE_KNOWN,
        kind=question.kind,
        grade=question.grade,
        title_level=None,
        title_name=None,
        conditions=(),
        open_points=(),
        citation=None,
        delegated_to=None,
        label=_label(Effect.NO_RULE_KNOWN, None),
        plain=_plain(Effect.NO_RULE_KNOWN, None),
        cautions=(),
        notices=notices,
    )


def plain_without_national(kind: CertificateKind) -> Words:
    """The plain line of ``no_rule_known`` where no national text follows."""
    is_training = kind is CertificateKind.TRAINING
    return words("effect_term", "plain_no_rule_training" if is_training else "plain_no_rule_alone")


def cite(document: PolicyDocument, clause: Clause) -> Citation:
    """The citation of one clause of a document."""
    return Citation(
        document=document.title,
        is_title_verified=document.is_title_verified,
        document_number=document.number,
        issuer=document.issuer,
        issued_on=document.issued_on,
        period_zh=document.period_zh,
        clause=clause.place,
        quote_zh=clause.quote,
        is_fragment=clause.is_fragment,
        quote_source=document.quote_source,
        in_force_from=document.in_force_from,
        in_force_to=document.in_force_to,
        confidence=document.confidence,
        policy_file=document.file,
        policy_version=document.version,
    )


def notice(code: str, **params: str) -> Notice:
    """A notice with its words filled in."""
    said = words("effect_term", code, **params)
    return Notice(code, said.zh, said.en)


def _still_in_force() -> Notice:
    said = words("confidence", "still_in_force_unknown")
    return Notice("still_in_force_unknown", said.zh, said.en)


def _is_unlisted(occupation: str | None, document: PolicyDocument) -> bool:
    listed = document.listed_occupations
    return occupation is not None and bool(listed) and occupation not in listed


def _condition(code: str, grade: Grade) -> Condition:
    said = words("effect_condition", code, grade_zh=grade.zh, grade_en=grade.value)
    return Condition(code, said.zh, said.en, said.advice_zh, said.advice_en)


def _open_points(silent: Iterable[str], to_check: Iterable[str]) -> tuple[OpenPoint, ...]:
    points = [_open_point(code, OpenPointKind.SILENT) for code in silent]
    return (*points, *(_open_point(code, OpenPointKind.TO_CHECK) for code in to_check))


def _open_point(code: str, kind: OpenPointKind) -> OpenPoint:
    said = words("effect_open_point", code)
    return OpenPoint(code, kind, said.zh, said.en)


def _label(effect: Effect, document: PolicyDocument | None) -> Words:
    said = words("effect", effect.value, document=document.display_title if document else "")
    return Words(said.zh, said.en)


def _plain(effect: Effect, document: PolicyDocument | None) -> Words:
    said = words("effect", effect.value, document=document.display_title if document else "")
    return Words(said.advice_zh, said.advice_en)


def _cautions(effect: Effect) -> tuple[Words, ...]:
    if effect in PROJECT_EFFECTS:
        return (words("effect_term", "caution_project_effect"),)
    own = words("effect_term", f"caution_{effect.value}")
    if effect in TITLE_EFFECTS:
        return (own, words("effect_term", "caution_official_certificate"))
    return (own,)
