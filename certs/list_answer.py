"""The answer to one line of a list, in the words that stand beside it when the list is handed back.

An unknown number and another name are one answer. The last characters of an ID are never in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from certs.certificate_number import normalise_typed_number, parse_number
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import CheckName, Genuine, Verdict, Verification
from certs.institution import InstitutionRecord
from certs.list_sheet import Asked
from certs.person_name import compared_name
from certs.report import ReportContext, report_json
from certs.status import State
from certs.timestamps import shanghai_day
from certs.unavailable import Unavailable
from certs.verification import verify, verify_qr_text
from certs.wording import words

_VALID, _VALID_RESULT = Verdict.VALID, Verdict.VALID.value
MALFORMED, NO_MATCH = "malformed", "no_match"
RESULTS = (
    Verdict.VALID.value,
    *(state.value for state in State if state is not State.VALID),
    Verdict.NOT_GENUINE.value,
    NO_MATCH,
    MALFORMED,
    Verdict.UNDETERMINED.value,
)
"""Every result that a line can have, in the order in which they are counted."""


class ListAnswer(NamedTuple):
    """What is written beside a line: one of `RESULTS`, the explanation, and what was certified; "" for what is not."""

    result: str
    said: str
    occupation: str = ""
    grade: str = ""
    direction: str = ""
    institution: str = ""
    issued_on: str = ""
    state: str = ""
    successor: str = ""


def answer_asked(asked: Asked, evidence: Evidence, at: datetime, envelopes: Mapping[str, bytes]) -> ListAnswer:
    """The answer to one line, judged for ``at``; ``envelopes`` are those of the released certificates by number."""
    if asked.name is None:
        return _of_code(asked.text, evidence, at)
    return _of_number(asked.text, asked.name, evidence, at, envelopes)


def typed_numbers(asked: Sequence[Asked]) -> list[str]:
    """The numbers that lines ask for, as a register would have them."""
    return [normalise_typed_number(each.text) for each in asked if each.name is not None]


def same_name(typed: str, signed: str) -> bool:
    """Whether a name is the signed one but for what typing changes: width, case, spaces, and which dot was taken."""
    return compared_name(typed) == compared_name(signed)


def _of_code(text: str, evidence: Evidence, at: datetime) -> ListAnswer:
    try:
        made = verify_qr_text(text, evidence, at)
    except KezhengError as error:
        return ListAnswer(MALFORMED, words("error", error.code, **error.params).zh)
    return _answer(made)


def _of_number(
    typed: str, name: str, evidence: Evidence, at: datetime, envelopes: Mapping[str, bytes]
) -> ListAnswer:
    data = evidence.data
    if isinstance(data, Unavailable):
        return ListAnswer(Verdict.UNDETERMINED.value, words("reason", data.code, **dict(data.params)).zh)
    try:
        number = parse_number(normalise_typed_number(typed), data.layouts)
    except KezhengError as error:
        return ListAnswer(MALFORMED, words("error", error.code, **error.params).zh)
    envelope = envelopes.get(number.text)
    made = None if envelope is None else verify(envelope, evidence, at)
    if made is not None and made.verdict is Verdict.UNDETERMINED and made.genuine is None:
        return _answer(made)
    if made is None or made.genuine is None or not same_name(name, made.genuine.claims.name):
        return ListAnswer(NO_MATCH, words("verdict", NO_MATCH).advice_zh)
    return _answer(made)


def _answer(made: Verification) -> ListAnswer:
    genuine = made.genuine
    if genuine is None:
        return ListAnswer(_result(made), _said(made))
    return ListAnswer(_result(made), _said(made), *_certified(genuine))


def _result(made: Verification) -> str:
    """The verdict, but for the state of one that is not in force; what holds no whole code says nothing of any."""
    if made.verdict is _VALID:
        return _VALID_RESULT
    if made.verdict is Verdict.NOT_IN_FORCE and made.genuine is not None and made.genuine.status is not None:
        return made.genuine.status.state.value
    is_code = made.deciding.name is not CheckName.FORM or not made.deciding.code.startswith("payload_")
    return made.verdict.value if is_code else MALFORMED


def _said(made: Verification) -> str:
    if made.verdict is _VALID:
        summary = words("verdict", "valid").advice_zh
    else:
        report = report_json(made, ReportContext("", made.at))
        summary = f"{report['headline']['zh']}：{report['summary']['zh']}"
    notices = [words("notice", notice.code, **dict(notice.params)).zh for notice in made.notices]
    return "；".join([summary, *notices]) if notices else summary


def _certified(genuine: Genuine) -> tuple[str, str, str, str, str, str, str]:
    claims, status = genuine.claims, genuine.status
    issued_on = shanghai_day(claims.issued_at)
    event = None if status is None else status.event
    return (
        genuine.occupation.name_zh,
        claims.grade.zh,
        genuine.direction or "",
        _name_on(genuine.institution, issued_on),
        issued_on.isoformat(),
        "" if status is None else words("status", status.state.value).zh,
        "" if event is None else event.successor or "",
    )


@lru_cache(maxsize=4096)
def _name_on(institution: InstitutionRecord, day: date) -> str:
    return institution.name_on(day)
