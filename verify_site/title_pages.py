"""The title desk: what a grade is worth under the texts of a place on a day, asked freely or from a scanned
certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

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
from verify_site.title_desk import EffectView, SheetView, certificate_lines, effect_views, question_lines

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


@dataclass(frozen=True, slots=True)
class TitleDesk:
    """One visit: what was asked with which parameters, in which language, with which certificate at hand."""

    question: TitleQuestion
    asked: Mapping[str, str]
    effects: list[TitleEffect]
    data: DataFiles
    language: Language
    scanned: Answer | None

    def address(self, **changed: str) -> dict[str, str]:
        """The parameters of this page with some changed; empty ones are left out."""
        kept = {name: value for name, value in self.asked.items() if value}
        return kept | ({"view": "titles"} if self.scanned else {}) | changed

    def certificate(self) -> tuple[Line, ...]:
        """The certificate at hand."""
        return certificate_lines(self.scanned, self.language) if self.scanned else ()

    def views(self) -> list[EffectView]:
        """The effects as pages show them."""
        return effect_views(self.effects, self.language, self.scanned)


class TitlePages:
    """Shows effects and sheets."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self._site = site
        self._pages = pages

    def respond(
        self, query: Mapping[str, str], data: DataFiles, language: Language, scanned: Answer | None = None
    ) -> Response:
        """The page of a question, or its sheet when an ``item`` is chosen.

        Raises KezhengError with the code of the parameter that is wrong.
        """
        asked = {name: query.get(name, "") for name in _ASKED}
        question = self._question(asked, data, scanned)
        desk = TitleDesk(question, asked, question.effects(data.policies), data, language, scanned)
        template, values = ("sheet.html", self._sheet(desk)) if asked["item"] else ("titles.html", _answers(desk))
        switch = other_language(language, **desk.address())
        return self._pages.page(template, language, switch, values, headers=NO_INDEX)

    def _question(self, asked: Mapping[str, str], data: DataFiles, scanned: Answer | None) -> TitleQuestion:
        on = day_of(asked["on"]) or shanghai_day(self._site.clock())
        division = asked["division"] or asked["jurisdiction"] or FIRST_PLACE
        genuine = scanned.verification.genuine if scanned else None
        if genuine is not None:
            return TitleQuestion(division, genuine.occupation, genuine.number.kind, genuine.claims.grade, on)
        name = asked["occupation"] or data.catalogue.occupations[0].id
        occupation = data.catalogue.find(name)
        if occupation is None:
            raise KezhengError("occupation_unknown", value=name[:32])
        kind = kind_of(asked["kind"]) or CertificateKind.ASSESSMENT
        return TitleQuestion(division, occupation, kind, grade_of(asked["grade"]) or Grade.INTERMEDIATE, on)

    def _sheet(self, desk: TitleDesk) -> dict[str, Any]:
        views = desk.views()
        chosen = _item(desk.asked["item"], len(views))
        sheet = SheetView(
            effect=views[chosen],
            others=tuple(view for view in views if view.position != chosen),
            question=_question_lines(desk.question, desk.language),
            certificate=desk.certificate(),
            checked_at=format_moment(desk.scanned.checked_at if desk.scanned else self._site.clock()),
            check_id=desk.scanned.check_id if desk.scanned else fresh_check_id(),
        )
        back = {name: value for name, value in desk.address().items() if name != "item"}
        return {"sheet": sheet, "back_link": desk.language.link("", **back) or "?"}


def _answers(desk: TitleDesk) -> dict[str, Any]:
    language, place = desk.language, parse_place(desk.question.division).jurisdiction.code
    sheet = desk.address(jurisdiction=place)
    numbers = range(1, len(desk.effects) + 1)
    return {
        "here": "/titles",
        "action": "" if desk.scanned else "/titles",
        "asked": _chosen(desk.question),
        "places": [(p.code, p.name_en if language.is_english else p.name_zh) for p in provinces()],
        "occupations": _occupations(desk.data, language),
        "grades": [(g.value, language.say(f"grade_{g.value}")) for g in Grade],
        "kinds": [(k.value, language.say(f"title_{k.value}")) for k in CertificateKind],
        "effects": desk.views(),
        "sheet_links": [language.link("", **(sheet | {"item": str(number)})) for number in numbers],
        "headline": _headline(desk.question, language),
        "certificate": desk.certificate(),
        "is_valid": desk.scanned is not None and desk.scanned.verification.verdict is Verdict.VALID,
        "back_link": language.link("") or "?",
    }


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
        question.place(language),
        question.occupation,
        question.kind,
        question.grade.value,
        question.on,
        language,
    )
