"""One answered check: the verification, its title effects, and the report in the shape each way of asking may
see.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from certs.equivalence import PolicySet, effects_for_all
from certs.evidence import Evidence
from certs.finding import Verification
from certs.grades import CertificateKind, Grade
from certs.report import ReportContext, format_check_id, report_json
from certs.timestamps import shanghai_day
from certs.unavailable import Unavailable
from certs.wording import Words, words

_CHECK_ID_BYTES = 8


class Answer(NamedTuple):
    """A verification made at ``checked_at`` with its check id, and the policies known then (None: none at
    hand).
    """

    verification: Verification
    check_id: str
    checked_at: datetime
    policies: PolicySet | None

    @property
    def effects_as_json(self) -> tuple[orjson.Fragment, ...]:
        """The effects, serialised once: they are the longest part of a report and the same for all of a
        grade.
        """
        asked = self.effect_question()
        return () if asked is None else _effects_as_json(*asked)

    def report(self, equivalence: Sequence[Any] = ()) -> dict[str, Any]:
        """The report with these title effects."""
        return report_json(self.verification, ReportContext(self.check_id, self.checked_at, equivalence))

    def effect_question(self) -> tuple[PolicySet, CertificateKind, Grade, date] | None:
        """What the title effects depend on: the same for all certificates of a grade on a day."""
        genuine = self.verification.genuine
        if genuine is None or self.policies is None:
            return None
        return self.policies, genuine.number.kind, genuine.claims.grade, shanghai_day(self.verification.at)


def fresh_check_id() -> str:
    """A new check id: random, so that nothing can be learned from it."""
    return format_check_id(secrets.token_bytes(_CHECK_ID_BYTES))


def answer(verification: Verification, evidence: Evidence, checked_at: datetime) -> Answer:
    """The answer to a verification just made."""
    data = evidence.data
    return Answer(verification, fresh_check_id(), checked_at, None if isinstance(data, Unavailable) else data.policies)


def scan_report(given: Answer) -> bytes:
    """The whole report as JSON: what a scan shows, with the last four characters of the ID."""
    return orjson.dumps(given.report(given.effects_as_json))


def named_report(given: Answer) -> bytes:
    """The report of number and name: the ID's last characters are shown to scans alone."""
    report = given.report(given.effects_as_json)
    without_id_tail(report)
    say_next_step(report, words("page", "compare_named"))
    return orjson.dumps(report)


def without_id_tail(report: dict[str, Any]) -> None:
    """Take the last four characters of the ID out of a report."""
    if report["certificate"] is not None:
        report["certificate"]["id_tail"] = None


_SHOWN_BY_NUMBER_ALONE = frozenset({"number", "kind", "title_zh", "occupation", "grade", "year"})


def say_next_step(report: dict[str, Any], next_step: Words) -> None:
    """Of a valid certificate: what can be compared depends on what was asked."""
    if report["verdict"] == "valid":
        report["next_step"] = {"zh": next_step.zh, "en": next_step.en}


def number_only(report: dict[str, Any], year: int) -> None:
    """Reduce a report to what a number alone may show: state, occupation, grade, institution, year."""
    certificate = report["certificate"]
    if certificate is None:
        return
    certificate["year"] = year
    for member in certificate.keys() - _SHOWN_BY_NUMBER_ALONE:
        certificate[member] = None
    say_next_step(report, words("page", "number_only_next_step"))


@lru_cache(maxsize=64)
def _effects_as_json(
    policies: PolicySet, kind: CertificateKind, grade: Grade, day: date
) -> tuple[orjson.Fragment, ...]:
    effects = effects_for_all(policies, kind, grade, day)
    return tuple(orjson.Fragment(orjson.dumps(effect.to_json())) for effect in effects)
