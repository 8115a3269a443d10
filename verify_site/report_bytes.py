"""A scan's report as bytes, put together from parts: what many reports have in common is written once and kept.

The report itself is `certs.report.report_json`; what comes out here is the same JSON byte for byte.
"""

from __future__ import annotations

from typing import Any

import orjson

from certs.evidence import Evidence
from certs.finding import Genuine, Verdict
from certs.report import certificate_json, log_json
from certs.timestamps import format_instant, shanghai_day
from verify_site.answers import Answer
from verify_site.kept_parts import KeptParts, standing_of

_BEFORE = ("verdict", "headline", "summary", "next_step", "tone")


class ReportWriter:
    """Writes reports. For one thread."""

    def __init__(self) -> None:
        self._kept = KeptParts()

    def scan_report(self, given: Answer, evidence: Evidence) -> tuple[bytes, ...]:
        """The whole report of an answer that was given on this evidence, in pieces.

        The title effects are one of them: 40 KB that all reports of a grade on a day share, and that nobody copies.
        """
        genuine = given.verification.genuine
        if given.verification.verdict is not Verdict.VALID or genuine is None:
            return (orjson.dumps(given.report(given.effects_as_json)),)
        self._kept.begin(evidence)
        return self._valid_report(given, genuine)

    def _valid_report(self, given: Answer, genuine: Genuine) -> tuple[bytes, ...]:
        """Parts in the order of the report's members."""
        made, part = given.verification, self._kept.part
        standing = standing_of(given, genuine)
        as_of = format_instant(made.at)
        checked_at = as_of if given.checked_at is made.at else format_instant(given.checked_at)
        before = (
            part("valid", lambda: b"{" + _members(given.report(), _BEFORE)),
            f',"check_id":"{given.check_id}","checked_at":"{checked_at}","as_of":"{as_of}",'.encode("ascii"),
            part(made.checks, lambda: _members(given.report(), ("checks",))),
            part(("before", standing), lambda: b"," + _members(given.report(), ("notices",))),
            b',"certificate":',
            orjson.dumps(certificate_json(genuine)),
            part(("after", standing), lambda: b"," + _members(given.report(), ("institution", "status"))),
        )
        logged = orjson.dumps(None if genuine.logged is None else log_json(genuine.logged))
        return b"".join(before), self._effects(given, genuine), b',"log":%b}' % logged

    def _effects(self, given: Answer, genuine: Genuine) -> bytes:
        """The title effects: the longest part, the same for all of a grade on a day."""
        key = ("effects", genuine.number.kind, genuine.claims.grade, shanghai_day(given.verification.at))
        return self._kept.part(key, lambda: b',"equivalence":' + orjson.dumps(given.effects_as_json))


def _members(report: dict[str, Any], names: tuple[str, ...]) -> bytes:
    """Some members of an object as they stand in it, without the braces around them."""
    return orjson.dumps({name: report[name] for name in names})[1:-1]
