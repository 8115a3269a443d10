"""A scan's report as bytes, put together from parts: what many reports have in common is written once and kept.

The report itself is `certs.report.report_json`; what comes out here is the same JSON byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from certs.evidence import Evidence
from certs.finding import Genuine, Verdict
from certs.report import certificate_json, log_json
from certs.status_list import NO_FACTS
from certs.timestamps import format_instant, shanghai_day
from verify_site.answers import Answer
from verify_site.kept_parts import KeptParts, standing_of

_BEFORE = ("verdict", "headline", "summary", "next_step", "tone")
_CERTIFIED = ("occupation", "direction", "grade")
_REST = ("valid_until", "first_issued_on", "supersedes", "official_number", "site")


class _Around(NamedTuple):
    """What stands in a report before and between the certificate's own claims, and after them."""

    check_id: bytes
    number: bytes
    name: bytes
    id_tail: bytes
    assessed_on: bytes
    rest: bytes
    effects: bytes


class ReportWriter:
    """Writes reports. For one thread."""

    def __init__(self) -> None:
        self._kept = KeptParts()

    def scan_report(self, given: Answer, evidence: Evidence) -> tuple[bytes, ...]:
        """The whole report of an answer that was given on this evidence, in pieces.

        The title effects are one of them: 40 KB that all reports of a grade on a day share, and that nobody copies.
        """
        made = given.verification
        genuine = made.genuine
        if made.verdict is not Verdict.VALID or genuine is None or genuine.facts != NO_FACTS:
            return (orjson.dumps(given.report(given.effects_as_json)),)
        self._kept.begin(evidence)
        return self._valid_report(given, genuine)

    def _valid_report(self, given: Answer, genuine: Genuine) -> tuple[bytes, ...]:
        """Parts in the order of the report's members; the register's facts about this certificate are none."""
        made, claims, part, dumps = given.verification, genuine.claims, self._kept.part, orjson.dumps
        same = standing_of(given, genuine), genuine.number.kind, claims.grade, genuine.direction, claims.expires_at
        around = part(same, lambda: self._around(given, genuine))
        as_of = format_instant(made.at)
        checked_at = as_of if given.checked_at is made.at else format_instant(given.checked_at)
        dates = f'{claims.assessed_on.isoformat()}","issued_at":"{format_instant(claims.issued_at)}",'
        before = (
            around.check_id,
            f'{given.check_id}","checked_at":"{checked_at}","as_of":"{as_of}",'.encode("ascii"),
            part(made.checks, lambda: _members(given.report(), ("checks",))),
            around.number,
            dumps(claims.number),
            around.name,
            dumps(claims.name),
            around.id_tail,
            dumps(claims.id_tail),
            around.assessed_on,
            dates.encode("ascii"),
            around.rest,
        )
        logged = dumps(None if genuine.logged is None else log_json(genuine.logged))
        return b"".join(before), around.effects, b',"log":%b}' % logged

    def _around(self, given: Answer, genuine: Genuine) -> _Around:
        report, certificate = given.report(), certificate_json(genuine)
        key = ("effects", genuine.number.kind, genuine.claims.grade, shanghai_day(given.verification.at))
        return _Around(
            check_id=b'{%b,"check_id":"' % _members(report, _BEFORE),
            number=b',%b,"certificate":{"number":' % _members(report, ("notices",)),
            name=b',%b,"name":' % _members(certificate, ("kind", "title_zh")),
            id_tail=b',%b,"id_tail":' % _members(certificate, ("id_type",)),
            assessed_on=b',%b,"assessed_on":"' % _members(certificate, _CERTIFIED),
            rest=b"%b},%b" % (_members(certificate, _REST), _members(report, ("institution", "status"))),
            effects=self._kept.part(key, lambda: b',"equivalence":' + orjson.dumps(given.effects_as_json)),
        )


def _members(of: Mapping[str, Any], names: tuple[str, ...]) -> bytes:
    """Some members of an object as they stand in it, without the braces around them."""
    return orjson.dumps({name: of[name] for name in names})[1:-1]
