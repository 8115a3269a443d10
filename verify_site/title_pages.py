"""The title desk: what a grade is worth under the texts of a place on a day, asked freely or from a scanned certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from certs.equivalence import PolicySet, title_effects
from certs.errors import KezhengError
from certs.evidence import DataFiles
from certs.finding import Verdict
from certs.grades import CertificateKind, Grade
from certs.jurisdictions import parse_place, provinces
from certs.occupations import Occupation
from certs.timestamps import shanghai_day
from certs.title_effect import TitleEffect
from verify_site.answers import Answer, fresh_check_id
from verify_site.language import Language
from verify_site.page_renderer import NO_INDEX, Pages, other_language
from verify_site.query_values import day_of, grade_of, kind_of
from verify_site.record_view import Line, format_day, format_moment
from verify_site.site import Site
from verify_site.title_desk import SheetView, certificate_lines, effect_views, question_lines

FIRST_PLACE = "15"
_ASKED = ("jurisdiction", "division", "occupation", "grade", "kind", "on", "item")


@dataclass(frozen=True, slots=True)
class TitleQuestion:
    """One question to the title desk. ``division`` is the place as it was asked: 2, 4 or 6 digits."""

    division: str
    occupation: Occupation
    kind: CertificateKind
    grade: Grade
    on: date

    def effects(self, policies: PolicySet) -> list[TitleEffect]:
        """The answer. Raises KezhengError ``jurisdiction_unknown``."""
        return title_effects(policies, self.division, self.kind, self.grade, self.on, self.occupation.id)

    def place(self, language: Language) -> str:
        """The place in words, with its code where it is below a province."""
        place = parse_place(self.division)
        name = place.jurisdiction.name_en if language.is_english else place.jurisdiction.name_zh
        return name if len(place.shown) == 2 else f"{name} {place.shown}"


class TitlePages:
    """Shows effects and sheets."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self._site = site
        self._pages = pages

    def respond(
        self, query: Mapping[str, str], data: DataFiles, language: Language, scanned: Answer | None = None
    ) -> Response:
        """The page of a question, or its sheet when an ``item`` is chosen. Raises KezhengError for what is not one."""
        asked = {name: query.get(name, "") for name in _ASKED}
        question = self._question(asked, data, scanned)
        if asked["item"]:
            return self._sheet(question, asked, data, language, scanned)
        return self._answers(question, asked, data, language, scanned)

    def _question(self, asked: Mapping[str, str], data: DataFiles, scanned: Answer | None) -> TitleQuestion:
        on = day_of(asked["on"]) or shanghai_day(self._site.clock())
        division = asked["division"] or asked["jurisdiction"] or FIRST_PLACE
        genuine = scanned.verification.genuine if scanned else None
        if genuine is not None:
            return TitleQuestion(division, genuine.occupation, genuine.number.kind, genuine.claims.grade, on)
        occupation = data.catalogue.find(asked["occupation"]) if asked["occupation"] else data.catalogue.occupations[0]
        if occupation is None:
            raise KezhengError("occupation_unknown", value=asked["occupation"][:32])
        kind = kind_of(asked["kind"]) or CertificateKind.ASSESSMENT
        return TitleQuestion(division, occupation, kind, grade_of(asked["grade"]) or Grade.INTERMEDIATE, on)

    def _answers(
        self,
        question: TitleQuestion,
        asked: Mapping[str, str],
        data: DataFiles,
        language: Language,
        scanned: Answer | None,
    ) -> Response:
        effects = question.effects(data.policies)
        base = {name: asked[name] for name in _ASKED if asked[name]} | ({"view": "titles"} if scanned else {})
        base |= {"jurisdiction": parse_place(question.division).jurisdiction.code}
        values = {
            "here": "/titles",
            "action": "" if scanned else "/titles",
            "asked": _chosen(question),
            "places": [(p.code, p.name_en if language.is_english else p.name_zh) for p in provinces()],
            "occupations": _occupations(data, language),
            "grades": [(g.value, language.say(f"grade_{g.value}")) for g in Grade],
            "kinds": [(k.value, language.say(f"title_{k.value}")) for k in CertificateKind],
            "effects": effect_views(effects, language, scanned),
            "sheet_links": [language.link("", **base, item=str(n)) for n in range(1, len(effects) + 1)],
            "headline": _headline(question, language),
            "certificate": certificate_lines(scanned, language) if scanned else (),
            "is_valid": scanned is not None and scanned.verification.verdict is Verdict.VALID,
            "back_link": language.link("") or "?",
        }
        return self._pages.page("titles.html", language, other_language(language, **base), values, headers=NO_INDEX)

    def _sheet(
        self,
        question: TitleQuestion,
        asked: Mapping[str, str],
        data: DataFiles,
        language: Language,
        scanned: Answer | None,
    ) -> Response:
        views = effect_views(question.effects(data.policies), language, scanned)
        chosen = _item(asked["item"], len(views))
        sheet = SheetView(
            effect=views[chosen],
            others=tuple(view for view in views if view.position != chosen),
            question=_question_lines(question, language),
            certificate=certificate_lines(scanned, language) if scanned else (),
            checked_at=format_moment(scanned.checked_at if scanned else self._site.clock()),
            check_id=scanned.check_id if scanned else fresh_check_id(),
        )
        base = {name: asked[name] for name in _ASKED if asked[name]} | ({"view": "titles"} if scanned else {})
        back = {name: value for name, value in base.items() if name != "item"}
        values = {"sheet": sheet, "back_link": language.link("", **back) or "?"}
        return self._pages.page("sheet.html", language, other_language(language, **base), values, headers=NO_INDEX)


def _item(text: str, count: int) -> int:
    """The position of the chosen effect; people count from one."""
    if not text.isdecimal() or not 1 <= int(text[:4]) <= count:
        raise KezhengError("request_malformed")
    return int(text[:4]) - 1


def _chosen(question: TitleQuestion) -> dict[str, str]:
    place = parse_place(question.division)
    return {
        "jurisdiction": place.jurisdiction.code,
        "division": place.shown if len(place.shown) > 2 else "",
        "occupation": question.occupation.id,
        "grade": question.grade.value,
        "kind": question.kind.value,
        "on": question.on.isoformat(),
    }


def _occupations(data: DataFiles, language: Language) -> list[tuple[str, str]]:
    return [(o.id, o.name_en if language.is_english else o.name_zh) for o in data.catalogue.occupations]


def _headline(question: TitleQuestion, language: Language) -> str:
    occupation = question.occupation
    return language.say(
        "titles_asked",
        place=question.place(language),
        occupation=occupation.name_en if language.is_english else occupation.name_zh,
        grade=language.say(f"grade_{question.grade.value}"),
        day=format_day(question.on, language),
    )


def _question_lines(question: TitleQuestion, language: Language) -> tuple[Line, ...]:
    return question_lines(
        question.place(language), question.occupation, question.kind, question.grade.value, question.on, language
    )
