"""What a certificate is worth for a title, under the texts of a place on a day. Information, never a verdict.

The place and the day are those of the application, never those of issue. A place answers with its own text;
a city without one answers with its province's and says so; a place without any answers ``no_rule_known``,
which is no refusal. National texts are appended as such and are never presented as a local rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from typing import Any

from certs.grades import CertificateKind, Grade
from certs.jurisdictions import NATIONAL_CODE, Place, parse_place
from certs.package_data import list_files, read_bytes
from certs.title_answer import Question, cite, no_rule, notice, plain_without_national, ruled, text_not_held
from certs.title_effect import Citation, Notice, TitleEffect
from certs.title_policy import PROJECT_EFFECTS, Effect, PolicyDocument, QuoteSource, Standing
from certs.title_policy_file import read_policy

_FOLDER = "title_policies"


@dataclass(frozen=True, slots=True, eq=False)
class PolicySet:
    """All policy documents, by the place they rule. Compared by identity, so that answers can be cached."""

    documents: tuple[PolicyDocument, ...]
    of_place: Mapping[str, tuple[PolicyDocument, ...]]


@cache
def load_policies() -> PolicySet:
    """The policy files of the package, each checked. Raises KezhengError ``policy_…`` for a faulty file."""
    return policies_from(
        {name: read_bytes(_FOLDER, name) for name in list_files(_FOLDER, ".toml")}, policy_text
    )


def policy_text(name: str) -> str:
    """A policy text held in the package, by its file name (``guangxi-2022-15.txt``)."""
    return read_bytes(_FOLDER, "texts", name).decode("utf-8")


def policies_from(files: Mapping[str, bytes], text_of: Callable[[str], str]) -> PolicySet:
    """A policy set from TOML files by name. Raises KezhengError ``policy_…`` for a faulty file."""
    documents = [read_policy(name, raw, text_of) for name, raw in files.items()]
    documents.sort(key=_held_texts_first)
    places = {document.jurisdiction for document in documents}
    return PolicySet(
        tuple(documents),
        {place: tuple(doc for doc in documents if doc.jurisdiction == place) for place in places},
    )


def title_effects(
    policies: PolicySet,
    jurisdiction: str,
    kind: CertificateKind,
    grade: Grade,
    on: date,
    occupation: str | None = None,
) -> list[TitleEffect]:
    """The effects of a certificate where and when somebody applies: the place's own, then national ones.

    ``jurisdiction`` is a division code of 2, 4 or 6 digits (``00`` for the nation), ``on`` the day of the
    application in China, ``occupation`` a code that a text with a list of fields is checked for. Never empty.
    A text that was not yet issued on the day, or whose printed period had ended, does not answer: the place
    then answers ``no_rule_known`` with a notice naming that text.
    Raises KezhengError ``jurisdiction_unknown``.
    """
    return list(_effects_at(policies, Question(parse_place(jurisdiction), kind, grade, on, occupation)))


@lru_cache(maxsize=512)
def effects_for_all(
    policies: PolicySet, kind: CertificateKind, grade: Grade, on: date
) -> tuple[TitleEffect, ...]:
    """The effects of every place whose text rules this kind and grade on a day, then the national ones.

    For the report, where no place is asked for: places without a known rule are left out. Cached, immutable.
    """
    codes = [*sorted(policies.of_place.keys() - {NATIONAL_CODE}), NATIONAL_CODE]
    questions = [Question(parse_place(code), kind, grade, on) for code in codes]
    return tuple(effect for question in questions for effect in _ruled(policies, question))


@lru_cache(maxsize=512)
def effects_json_for_all(
    policies: PolicySet, kind: CertificateKind, grade: Grade, on: date
) -> tuple[Mapping[str, Any], ...]:
    """``effects_for_all`` as JSON objects, made once for a batch of reports: shared, never to be changed."""
    return tuple(effect.to_json() for effect in effects_for_all(policies, kind, grade, on))


@lru_cache(maxsize=4096)
def _effects_at(policies: PolicySet, question: Question) -> tuple[TitleEffect, ...]:
    national: list[TitleEffect] = []
    if not question.place.is_national:
        nation = replace(question, place=parse_place(NATIONAL_CODE))
        national = [replace(found, answered_for=question.place.shown) for found in _ruled(policies, nation)]
    local = [_placed(effect, question) for effect in _local(policies, question)]
    if not national:
        local = [_without_national(effect) for effect in local]
    return (*local, *national)


def _local(policies: PolicySet, question: Question) -> list[TitleEffect]:
    """The nearest place that rules, else the nearest known to have a text, else the absence of any."""
    places = [Place(code, question.place.jurisdiction) for code in question.place.lookup_order]
    levels = [replace(question, place=place) for place in places]
    for answer in (_ruled, _known_texts):
        for level in levels:
            if found := answer(policies, level):
                return found
    return [no_rule(question, tuple(left for level in levels for left in _left_out(policies, level)))]


def _ruled(policies: PolicySet, question: Question) -> list[TitleEffect]:
    """The effects that the documents of exactly this place give, titles before the project's own effects."""
    answering = _answering(policies, question)
    announcing = _announcing(answering)
    effects = [
        ruled(question, document, rule, announcing)
        for document in answering
        for rule in document.rules
        if rule.covers(question.kind, question.grade)
    ]
    return sorted(effects, key=lambda effect: effect.effect in PROJECT_EFFECTS)


def _announcing(documents: list[PolicyDocument]) -> tuple[tuple[str, Citation], ...]:
    return tuple(
        (announcement.to_check, cite(document, announcement.clause))
        for document in documents
        for announcement in document.announcements
    )


def _known_texts(policies: PolicySet, question: Question) -> list[TitleEffect]:
    """One answer for each document of the place that may speak of this kind but whose clause is not held.

    Not for the nation: its texts leave the rest to each place, which is what ``no_rule_known`` then says.
    """
    if question.place.is_national:
        return []
    return [
        text_not_held(question, document)
        for document in _answering(policies, question)
        if _may_hold_more(document) and question.kind in document.concerns
    ]


def _may_hold_more(document: PolicyDocument) -> bool:
    return document.quote_source is QuoteSource.SECONDARY and not document.is_announcement_only


def _left_out(policies: PolicySet, question: Question) -> list[Notice]:
    """A notice for each document of the place that does not answer because of the day."""
    return [
        notice(
            standing.value,
            document=document.display_title,
            number=f"（{document.number}）" if document.number else "",
            period=document.period_zh or "",
        )
        for document in policies.of_place.get(question.place.code, ())
        if not document.is_announcement_only
        and (standing := document.standing_on(question.on)) is not Standing.ANSWERS
    ]


def _answering(policies: PolicySet, question: Question) -> list[PolicyDocument]:
    documents = policies.of_place.get(question.place.code, ())
    return [document for document in documents if document.standing_on(question.on) is Standing.ANSWERS]


def _placed(effect: TitleEffect, question: Question) -> TitleEffect:
    """The effect with what must be said about the place that was asked for."""
    place, province = question.place, question.place.jurisdiction
    said = list(effect.notices)
    if effect.jurisdiction != place.code:
        said.append(_answered_by(Place(effect.jurisdiction, province), place))
    if not province.is_addressed:
        said.append(notice("addressee_unclear"))
    said.append(notice("application_place_decides"))
    return replace(effect, answered_for=place.shown, notices=tuple(said))


def _answered_by(answering: Place, asked: Place) -> Notice:
    is_province = answering.code == answering.jurisdiction.code
    return notice(
        "answered_by_province",
        asked=asked.shown,
        name_zh=answering.jurisdiction.name_zh if is_province else answering.shown,
        name_en=answering.jurisdiction.name_en if is_province else answering.shown,
    )


def _without_national(effect: TitleEffect) -> TitleEffect:
    if effect.effect is not Effect.NO_RULE_KNOWN:
        return effect
    return replace(effect, plain=plain_without_national(effect.kind))


def _held_texts_first(document: PolicyDocument) -> tuple[bool, date, str]:
    is_secondary = document.quote_source is QuoteSource.SECONDARY
    return is_secondary, document.issued_on or document.not_before or date.min, document.file
