"""The result page's content: an answer as lines of text, in the order in which a clerk asks.

Nothing here exists for an envelope whose signature has not passed: then there is a headline, a reason and a
next step.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from certs.certificate_number import grouped
from certs.finding import Genuine, Verdict
from certs.grades import CertificateKind
from certs.report import certificate_json
from certs.status import State, Status
from certs.timestamps import SHANGHAI, format_zh_day, shanghai_day
from verify_site.answers import Answer
from verify_site.kept_parts import KeptParts, standing_of
from verify_site.language import Language

USUAL_LINES = 6
"""Lines of the long parts up to which the first screen of 360 × 640 holds the record in large type."""

_MOMENT = len("2026-11-20 14:02:33")
LONG_NAME = 7
"""Characters of a name up to which it is set in the largest type."""


class Way(StrEnum):
    """How it was asked, which decides what may be shown."""

    SCAN = "scan"
    NAMED = "named"
    NUMBER = "number"


class Line(NamedTuple):
    """One labelled fact."""

    label: str
    value: str
    note: str = ""
    is_wide: bool = False


class Record(NamedTuple):
    """What the first screen says of a certificate."""

    name: str | None
    title: str
    subject: str
    direction: str | None
    issuer: str
    issuer_now: str | None
    id_tail: str | None
    number_groups: tuple[str, ...]
    is_long_name: bool

    @property
    def lines(self) -> int:
        """About how many lines the long parts take on the narrowest screen, in the large type."""
        name = math.ceil(_width(self.name or "") / 9)
        rows = (self.direction or "", self.issuer, self.issuer_now or "")
        return name + math.ceil(_width(self.subject) / 16) + sum(math.ceil(_width(row) / 15) for row in rows)


class CheckLine(NamedTuple):
    """One check with its outcome; ``outcome`` also chooses the icon."""

    outcome: str
    label: str
    outcome_text: str
    text: str
    advice: str


class ResultView(NamedTuple):
    """The whole page of one answer."""

    verdict: str
    tone: str
    headline: str
    second: str
    next_step: str
    checked_at: str
    check_id: str
    is_demo: bool
    is_dense: bool
    record: Record | None
    notices: tuple[str, ...]
    checks: tuple[CheckLine, ...]
    facts: tuple[Line, ...]
    institution: tuple[Line, ...]
    institution_code: str | None


def result_view(given: Answer, way: Way, language: Language, kept: KeptParts | None = None) -> ResultView:
    """The page of an answer. ``kept``: parts that other answers on the same evidence have given, or will use."""
    parts = kept or KeptParts()
    made, genuine = given.verification, given.verification.genuine
    says = _says(given, way, language, parts)
    record = None if genuine is None else _record(genuine, says, way, language)
    return ResultView(
        verdict=made.verdict.value,
        tone=says.tone,
        headline=says.headline,
        second=says.second,
        next_step=says.next_step,
        checked_at=format_moment(given.checked_at),
        check_id=given.check_id,
        is_demo=says.is_demo,
        is_dense=record is not None and (language.is_english or record.lines > USUAL_LINES),
        record=record,
        notices=says.notices,
        checks=parts.part(("checks", language, made.checks), lambda: _checks(given, language)),
        facts=() if genuine is None else _facts(genuine, way, language),
        institution=says.institution,
        institution_code=None if genuine is None else genuine.institution.code,
    )


class _Says(NamedTuple):
    """What a page says besides the certificate's own claims."""

    tone: str
    headline: str
    second: str
    next_step: str
    is_demo: bool
    notices: tuple[str, ...]
    institution: tuple[Line, ...]
    issuer: str
    issuer_now: str | None


def _says(given: Answer, way: Way, language: Language, parts: KeptParts) -> _Says:
    """Kept for valid certificates; others are few, and their words name what happened to them."""
    genuine = given.verification.genuine
    if genuine is None or given.verification.verdict is not Verdict.VALID:
        return _said_of(given, way, language)
    return parts.part(("says", way, language, standing_of(given, genuine)), lambda: _said_of(given, way, language))


def _said_of(given: Answer, way: Way, language: Language) -> _Says:
    report = given.report()
    institution = report["institution"]
    said = [(entry["code"], language.pick(entry)) for entry in report["notices"]]
    renamed = institution is not None and institution["name"] != institution["name_at_issue"]
    return _Says(
        tone=report["tone"],
        headline=language.pick(report["headline"]),
        second="" if report["verdict"] == "valid" else language.pick(report["summary"]),
        next_step=_next_step(report, way, language),
        is_demo=any(code == "demo_environment" for code, _ in said),
        notices=tuple(text for code, text in said if code not in ("superseded", "demo_environment")),
        institution=() if institution is None else _institution(institution, language),
        issuer="" if institution is None else institution["name_at_issue"],
        issuer_now=institution["name"] if renamed else None,
    )


def _checks(given: Answer, language: Language) -> tuple[CheckLine, ...]:
    return tuple(_check(entry, language) for entry in given.report()["checks"])


def format_moment(instant: datetime) -> str:
    """``2026-11-20 14:02:33`` in China's time."""
    return instant.astimezone(SHANGHAI).isoformat(" ", "seconds")[:_MOMENT]


def format_day(day: date, language: Language) -> str:
    """A day in running text."""
    return day.isoformat() if language.is_english else format_zh_day(day)


def _width(text: str) -> float:
    """Width in Chinese characters; a Latin letter takes about half of one."""
    return sum(0.55 if ord(character) < 0x2E80 else 1.0 for character in text)


def _next_step(report: dict[str, Any], way: Way, language: Language) -> str:
    if way is not Way.SCAN and report["verdict"] == "valid":
        return language.say("number_only_next_step" if way is Way.NUMBER else "compare_named")
    return language.pick(report["next_step"])


def _record(genuine: Genuine, says: _Says, way: Way, language: Language) -> Record:
    claims = genuine.claims
    return Record(
        name=None if way is Way.NUMBER else claims.name,
        title=language.say(f"title_{genuine.number.kind.value}"),
        subject=f"{occupation_name(genuine, language)} · {_level(genuine, language)}",
        direction=None if way is Way.NUMBER else genuine.direction,
        issuer=says.issuer,
        issuer_now=says.issuer_now,
        id_tail=claims.id_tail if way is Way.SCAN else None,
        number_groups=tuple(grouped(genuine.number).split(" ")),
        is_long_name=way is not Way.NUMBER and len(claims.name) > LONG_NAME,
    )


def _level(genuine: Genuine, language: Language) -> str:
    """The grade; of a training certificate the level of the training, which is no grade."""
    kind = "training" if genuine.number.kind is CertificateKind.TRAINING else "grade"
    return language.say(f"{kind}_{genuine.claims.grade.value}")


def occupation_name(genuine: Genuine, language: Language) -> str:
    """The occupation's name in the language of the page."""
    return genuine.occupation.name_en if language.is_english else genuine.occupation.name_zh


def _check(entry: dict[str, str], language: Language) -> CheckLine:
    return CheckLine(
        outcome=entry["outcome"],
        label=language.word("check", entry["name"]),
        outcome_text=language.word("outcome", entry["outcome"]),
        text=entry[language.code],
        advice=entry[f"advice_{language.code}"],
    )


def _facts(genuine: Genuine, way: Way, language: Language) -> tuple[Line, ...]:
    certificate = certificate_json(genuine)
    shown = (_year_line(genuine, language),) if way is Way.NUMBER else _dates(genuine, certificate, language)
    return (*_status_lines(genuine.status, language), *shown, *_origin(genuine, certificate, way, language))


def _year_line(genuine: Genuine, language: Language) -> Line:
    return Line(language.say("fact_year"), str(genuine.number.year))


def _dates(genuine: Genuine, certificate: dict[str, Any], language: Language) -> tuple[Line, ...]:
    issued_on = shanghai_day(genuine.claims.issued_at)
    first_issued_on = date.fromisoformat(certificate["first_issued_on"])
    lines = [Line(language.say("fact_assessed_on"), format_day(genuine.claims.assessed_on, language))]
    if first_issued_on != issued_on:
        lines.append(Line(language.say("fact_first_issued_on"), format_day(first_issued_on, language)))
    lines.append(Line(language.say("fact_issued_on"), format_day(issued_on, language)))
    until = certificate["valid_until"]
    shown = format_day(date.fromisoformat(until), language) if until else language.say("fact_no_end")
    return (*lines, Line(language.say("fact_valid_until"), shown))


def _status_lines(status: Status | None, language: Language) -> tuple[Line, ...]:
    """The state where it is not simply valid: since when, until when, why."""
    if status is None or status.state is State.VALID:
        return ()
    lines = [Line(language.say("fact_state"), language.word("status", status.state.value))]
    if status.since is not None:
        lines.append(Line(language.say("fact_since"), format_day(shanghai_day(status.since), language)))
    event = status.event
    if event is not None and event.reason_code != "not_stated":
        lines.append(Line(language.say("fact_reason"), language.word("status_reason", event.reason_code)))
    if event is not None and event.successor:
        lines.append(Line(language.say("fact_successor"), event.successor))
    return tuple(lines)


def _origin(genuine: Genuine, certificate: dict[str, Any], way: Way, language: Language) -> tuple[Line, ...]:
    layout = genuine.number.layout
    edition = certificate["occupation"]["code_edition"] or ""
    lines = [Line(language.say("fact_occupation_code"), certificate["occupation"]["code"], edition)]
    if way is not Way.NUMBER:
        for member in ("supersedes", "official_number", "site"):
            if certificate[member]:
                lines.append(Line(language.say(f"fact_{member}"), certificate[member]))
    note = layout.note_en if language.is_english else layout.note_zh
    return (*lines, Line(language.say("record_number"), genuine.number.text, note))


def _institution(institution: dict[str, Any], language: Language) -> tuple[Line, ...]:
    """Facts from the trust list: the name then and now, the code, listed then and now."""
    lines = [Line(language.say("institution_name_at_issue"), institution["name_at_issue"])]
    if institution["name"] != institution["name_at_issue"]:
        lines.append(Line(language.say("institution_name_now"), institution["name"]))
    if institution["successor"]:
        lines.append(Line(language.say("institution_successor"), institution["successor"]))
    listed = {True: language.say("listed_yes"), False: language.say("listed_no")}
    return (
        *lines,
        Line(language.say("institution_code"), institution["code"]),
        Line(language.say("listed_at_assessment"), listed[institution["accredited_at_assessment"]]),
        Line(language.say("listed_now"), listed[institution["accredited_now"]]),
    )
