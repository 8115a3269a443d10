"""The pages of one answered check: the record, its printable form, and the title rules asked from it."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from certs.equivalence import PolicySet, effects_for_all
from certs.evidence import Evidence
from certs.grades import CertificateKind, Grade
from certs.log_evidence import LoggedCertificate, LogReader
from certs.timestamps import shanghai_day
from certs.title_policy import PROJECT_EFFECTS
from certs.unavailable import Unavailable
from verify_site.answers import Answer
from verify_site.kept_parts import KeptParts
from verify_site.language import Language
from verify_site.page_mould import PageContent, PageMoulds
from verify_site.page_renderer import CONTENT_TYPE, NO_INDEX, Pages, other_language
from verify_site.record_view import Line, Way, format_moment, result_view
from verify_site.title_desk import effect_views

RESULT = "result.html"
QUOTED_PLACES = ("15", "45", "37")
"""Inner Mongolia, Guangxi, Shandong: the rules that the result page quotes; the title desk has all others."""


class ResultPages:
    """Shows answers. For one thread."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._kept = KeptParts()
        self._moulds = PageMoulds(lambda content: pages.render(RESULT, content.values()))

    def scanned(self, given: Answer, language: Language, evidence: Evidence) -> bytes:
        """The result page of a scan at its own address."""
        return self._moulds.page(self._content(given, Way.SCAN, language, evidence, "", other_language(language)))

    def record(self, given: Answer, way: Way, language: Language, evidence: Evidence, base: str) -> Response:
        """The result page of a form; ``base`` is the address of the scan, or ``/`` where there is none."""
        content = self._content(given, way, language, evidence, base, "")
        return Response(self._pages.render(RESULT, content.values()), headers=NO_INDEX, media_type=CONTENT_TYPE)

    def _content(
        self, given: Answer, way: Way, language: Language, evidence: Evidence, base: str, switch: str
    ) -> PageContent:
        self._kept.begin(evidence)
        frame = self._kept.part(
            ("frame", way, language, base, switch, _titles_asked(given, way)),
            lambda: self._frame(given, way, language, evidence, base, switch),
        )
        view = result_view(given, way, language, self._kept)
        return PageContent(view, technical_lines(given, evidence, language, self._kept), frame)

    def _frame(
        self, given: Answer, way: Way, language: Language, evidence: Evidence, base: str, switch: str
    ) -> dict[str, Any]:
        """Links and quotations: the same for all certificates of a grade on a day."""
        return self._pages.frame(language, switch, evidence) | {
            "way": way.value,
            "effects": quoted_effects(given, language),
            "titles_link": titles_link(given, way, language, base),
            "print_link": language.link(base, view="print") if way is Way.SCAN else "",
            "receipt_action": language.link(base, view="receipt") if _can_be_saved(way, evidence, base) else "",
            "again_link": language.link(base) or "?",
        }

    def printed(self, given: Answer, language: Language) -> Response:
        """The record as one printable sheet."""
        values = {"view": result_view(given, Way.SCAN, language), "back_link": language.link("") or "?"}
        switch = other_language(language, view="print")
        return self._pages.page("print.html", language, switch, values, headers=NO_INDEX)


def _can_be_saved(way: Way, evidence: Evidence, base: str) -> bool:
    """Whether a receipt can be made: of a scan that has an address, while there is something that proves it."""
    is_at_hand = not isinstance(evidence.trust, Unavailable) and not isinstance(evidence.log, Unavailable)
    return way is Way.SCAN and base != "/" and is_at_hand


def _titles_asked(given: Answer, way: Way) -> Hashable:
    """What the title rules are asked with."""
    genuine = given.verification.genuine
    if genuine is None:
        return None
    occupation = None if way is Way.SCAN else genuine.occupation.id
    return genuine.number.kind, genuine.claims.grade, occupation, shanghai_day(given.verification.at)


def titles_link(given: Answer, way: Way, language: Language, base: str) -> str:
    """Where the title rules are: from a scan with the certificate at hand, else with occupation and grade
    alone.
    """
    genuine = given.verification.genuine
    if way is Way.SCAN or genuine is None:
        return language.link(base, view="titles")
    query = {
        "occupation": genuine.occupation.id,
        "grade": genuine.claims.grade.value,
        "kind": genuine.number.kind.value,
    }
    return language.link("/titles", **query)


def quoted_effects(given: Answer, language: Language) -> Markup:
    """The part of the result page that quotes effects: the same for all certificates of a grade on a day."""
    asked = given.effect_question()
    return Markup() if asked is None else _quoted(*asked, language)


@lru_cache(maxsize=64)
def _quoted(policies: PolicySet, kind: CertificateKind, grade: Grade, day: date, language: Language) -> Markup:
    order = {code: position for position, code in enumerate(QUOTED_PLACES)}
    effects = [effect for effect in effects_for_all(policies, kind, grade, day) if effect.jurisdiction in order]
    chosen = [effect for effect in effects if effect.effect not in PROJECT_EFFECTS]
    views = effect_views(sorted(chosen, key=lambda effect: order[effect.jurisdiction]), language)
    return Pages.fragment("quoted_effects.html", language, effects=views)


def technical_lines(given: Answer, evidence: Evidence, language: Language, kept: KeptParts) -> tuple[Line, ...]:
    """Versions and codes, for whoever wants to follow the check."""
    made, genuine = given.verification, given.verification.genuine
    logged = None if genuine is None else genuine.logged
    return (
        *kept.part(("codes", language, made.verdict, made.checks), lambda: _codes(given, language)),
        Line(language.say("technical_as_of"), format_moment(made.at)),
        *kept.part(("versions", language), lambda: _versions(evidence, language)),
        *(() if logged is None else (_log_entry(logged, language),)),
        *kept.part(("witnesses", language), lambda: _witnesses(evidence.log, language)),
    )


def _codes(given: Answer, language: Language) -> tuple[Line, ...]:
    made = given.verification
    codes = " · ".join(f"{check.name.value}: {check.code}" for check in made.checks)
    return (
        Line(language.say("technical_verdict"), made.verdict.value),
        Line(language.say("technical_codes"), codes),
    )


def _versions(evidence: Evidence, language: Language) -> tuple[Line, ...]:
    """The signed files, and how far the register goes."""
    facts = {}
    trust, status, log = evidence.trust, evidence.status, evidence.log
    if not isinstance(trust, Unavailable):
        issued = format_moment(trust.issued_at)
        version = f"{trust.epoch}.{trust.version}"
        facts["technical_trust_list"] = language.say("technical_issued", version=version, issued_at=issued)
        facts["technical_environment"] = trust.environment
    if not isinstance(status, Unavailable):
        issued = format_moment(status.issued_at)
        facts["technical_status"] = language.say("technical_issued", version=status.version, issued_at=issued)
    if not isinstance(log, Unavailable):
        newest_at = format_moment(log.newest_at)
        facts["technical_log"] = language.say("technical_log_tree", size=log.size, newest_at=newest_at)
    return tuple(Line(language.say(code), value) for code, value in facts.items())


def _log_entry(logged: LoggedCertificate, language: Language) -> Line:
    """Where the certificate stands in the register."""
    logged_at = format_moment(logged.logged_at)
    place = language.say("technical_log_place", place=logged.leaf_index, logged_at=logged_at)
    return Line(language.say("technical_log_entry"), place)


def _witnesses(log: LogReader | Unavailable, language: Language) -> tuple[Line, ...]:
    """Who else has seen the register."""
    if isinstance(log, Unavailable):
        return ()
    newest = max((seen for _, seen in log.witnesses), default=None)
    said = (
        language.say("technical_not_witnessed")
        if newest is None
        else language.say("technical_witnessed", count=len(log.witnesses), newest_at=format_moment(newest))
    )
    return (Line(language.say("technical_witnesses"), said),)
