"""The report: a verification in words, in the JSON shape that pages, scripts and other programs rely on.

Days are ``YYYY-MM-DD`` (China), instants ISO 8601 with +08:00. ``certificate`` and ``institution`` are null unless
the signature passed. Institution facts come from the trust list, never from the certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certs.errors import Param
from certs.finding import Check, Genuine, Notice, Verdict, Verification
from certs.log_evidence import LoggedCertificate
from certs.status import State, Status
from certs.timestamps import format_instant, format_zh_day, shanghai_day
from certs.wording import Words, all_codes, words

TONES = {
    Verdict.VALID: "ok",
    Verdict.NOT_IN_FORCE: "stop",
    Verdict.NOT_GENUINE: "stop",
    Verdict.UNDETERMINED: "unknown",
}
CHECK_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0/O, 1/I/L: a check id is read aloud and typed."""
_LETTER_OF_BYTE = bytes(ord(CHECK_ALPHABET[byte % len(CHECK_ALPHABET)]) for byte in range(256))


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What the moment of the check adds: its id, the time it was made, and the title effects looked up."""

    check_id: str
    checked_at: datetime
    equivalence: Sequence[Mapping[str, Any]] = ()


def format_check_id(random_bytes: bytes) -> str:
    """``7K3F-92QD`` from at least eight random bytes."""
    letters = random_bytes[:8].translate(_LETTER_OF_BYTE).decode("ascii")
    return f"{letters[:4]}-{letters[4:]}"


def report_json(verification: Verification, context: ReportContext) -> dict[str, Any]:
    """The report of one verification."""
    headline = _headline(verification)
    summary = _summary(verification, headline)
    genuine = verification.genuine
    return {
        "verdict": verification.verdict.value,
        "headline": {"zh": headline.zh, "en": headline.en},
        "summary": summary,
        "next_step": _next_step(verification),
        "tone": _tone(verification),
        "check_id": context.check_id,
        "checked_at": format_instant(context.checked_at),
        "as_of": format_instant(verification.at),
        "checks": [_check(check) for check in verification.checks],
        "notices": [_notice(notice) for notice in _all_notices(verification)],
        "certificate": None if genuine is None else certificate_json(genuine),
        "institution": None if genuine is None else _institution(genuine, verification.at),
        "status": None if genuine is None or genuine.status is None else _status(genuine.status),
        "equivalence": list(context.equivalence) if genuine is not None else [],
        "log": None if genuine is None or genuine.logged is None else log_json(genuine.logged),
    }


def _tone(verification: Verification) -> str:
    if _state(verification) is State.SUPERSEDED:
        return "notice"
    return TONES[verification.verdict]


def _state(verification: Verification) -> State | None:
    """The state that decides a verdict ``not_in_force``."""
    status = verification.genuine.status if verification.genuine else None
    return status.state if status is not None and verification.verdict is Verdict.NOT_IN_FORCE else None


def _headline(verification: Verification) -> Words:
    if verification.verdict is Verdict.VALID:
        return words("verdict", "valid")
    if verification.verdict is Verdict.UNDETERMINED:
        return words("verdict", "undetermined")
    if verification.verdict is Verdict.NOT_GENUINE:
        return words("verdict", verification.deciding.name.value)
    assert verification.genuine is not None
    assert verification.genuine.status is not None
    return _state_headline(verification.genuine.status)


def _state_headline(status: Status) -> Words:
    """Headline and second line of a state, with its days in running text."""
    event = status.event
    code: str = status.state.value
    params: dict[str, Param] = {"since": _zh_day(status.since), "until": _zh_day(_last_valid_day(status.until))}
    if status.state is State.SUSPENDED and status.until is None:
        code = "suspended_open"
    if status.state is State.REVOKED and event is not None and event.void_from_start:
        code = "revoked_from_start"
    params["successor"] = event.successor if event is not None and event.successor else "–"
    params["valid_until"] = _zh_day(_last_valid_day(status.since))
    said = words("verdict", code, **params)
    english = {"since": _iso(status.since), "until": _last_iso(status.until), "valid_until": _last_iso(status.since)}
    return said._replace(advice_en=words("verdict", code, **(params | english)).advice_en)


def _summary(verification: Verification, headline: Words) -> dict[str, str]:
    deciding = verification.deciding
    generic = deciding.code in ("signature_mismatch", "payload_truncated", "payload_malformed", "payload_too_large")
    if verification.verdict in (Verdict.VALID, Verdict.NOT_IN_FORCE) or generic:
        return {"zh": headline.advice_zh, "en": headline.advice_en}
    reason = words("reason", deciding.code, **dict(deciding.params))
    if verification.verdict is Verdict.UNDETERMINED:
        calm = words("verdict", "undetermined")
        return {"zh": f"{reason.zh}。{calm.advice_zh}", "en": f"{reason.en}. {calm.advice_en}"}
    return {"zh": reason.zh, "en": reason.en}


def _next_step(verification: Verification) -> dict[str, str]:
    if verification.verdict is Verdict.VALID:
        said = words("term", "compare_with_card")
        return {"zh": said.zh, "en": said.en}
    reason = words("reason", verification.deciding.code, **dict(verification.deciding.params))
    return {"zh": reason.advice_zh, "en": reason.advice_en}


def _check(check: Check) -> dict[str, str]:
    said = words("reason", check.code, **dict(check.params))
    return {
        "name": check.name.value,
        "outcome": check.outcome.value,
        "code": check.code,
        "zh": said.zh,
        "en": said.en,
        "advice_zh": said.advice_zh,
        "advice_en": said.advice_en,
    }


def _notice(notice: Notice) -> dict[str, str]:
    said = words("notice", notice.code, **dict(notice.params))
    return {"code": notice.code, "zh": said.zh, "en": said.en}


def _all_notices(verification: Verification) -> list[Notice]:
    """The notices of the verification and those that only matter where words are shown."""
    said = list(verification.notices)
    genuine = verification.genuine
    if genuine is None:
        return said
    today = shanghai_day(verification.at)
    name_now = genuine.institution.name_on(today)
    if name_now != genuine.institution.name_on(shanghai_day(genuine.claims.issued_at)):
        said.append(Notice("institution_renamed", (("name", name_now),)))
    present = genuine.occupation.code_on(today).code
    if present != genuine.claims.occupation_code:
        said.append(Notice("occupation_code_changed", (("code", present),)))
    return said


def certificate_json(genuine: Genuine) -> dict[str, Any]:
    """The report's ``certificate``: what was signed, and the register's dated facts about it."""
    claims, number, facts = genuine.claims, genuine.number, genuine.facts
    return {
        "number": claims.number,
        "kind": number.kind.value,
        "title_zh": number.kind.title_zh,
        "name": claims.name,
        "id_type": None,
        "id_tail": claims.id_tail,
        "occupation": _occupation(genuine),
        "direction": genuine.direction,
        "grade": claims.grade.value,
        "assessed_on": claims.assessed_on.isoformat(),
        "issued_at": format_instant(claims.issued_at),
        "valid_until": None if claims.expires_at is None else _last_iso(claims.expires_at),
        "first_issued_on": (facts.first_issued_on or shanghai_day(claims.issued_at)).isoformat(),
        "supersedes": facts.supersedes,
        "official_number": facts.official_number,
        "site": facts.site,
    }


def _occupation(genuine: Genuine) -> dict[str, Any]:
    occupation, code = genuine.occupation, genuine.claims.occupation_code
    dated = occupation.code(code)
    return {
        "code": code,
        "name_zh": occupation.name_zh,
        "name_en": occupation.name_en,
        "code_edition": None if dated is None else dated.edition,
    }


def _institution(genuine: Genuine, at: datetime) -> dict[str, Any]:
    record = genuine.institution
    today = shanghai_day(at)
    until = record.listed_until()
    return {
        "code": record.code,
        "name": record.name_on(today),
        "name_at_issue": record.name_on(shanghai_day(genuine.claims.issued_at)),
        "accredited_at_assessment": genuine.accredited_at_assessment,
        "accredited_now": record.listed_on(today),
        "listed_until": None if until is None else until.isoformat(),
        "successor": record.successor,
    }


def _status(status: Status) -> dict[str, Any]:
    event = status.event
    reason = None if event is None or event.reason_code not in _public_reasons() else event.reason_code
    said = None if reason is None else words("status_reason", reason)
    return {
        "state": status.state.value,
        "since": None if status.since is None else format_instant(status.since),
        "until": None if status.until is None else format_instant(status.until),
        "reason_code": reason,
        "reason_zh": said.zh if said else None,
        "reason_en": said.en if said else None,
        "void_from_start": event.void_from_start if event is not None else False,
        "superseded_by": event.successor if event is not None else None,
    }


def log_json(logged: LoggedCertificate) -> dict[str, Any]:
    """The report's ``log``: where and when the register took it in."""
    return {
        "tree_size": logged.tree_size,
        "leaf_index": logged.leaf_index,
        "logged_at": format_instant(logged.logged_at),
    }


def _public_reasons() -> list[str]:
    """The reasons that are said: not the one that means not public, nor one of a newer register without words here."""
    return [code for code in all_codes("status_reason") if code != "not_stated"]


def _last_valid_day(end: datetime | None) -> datetime | None:
    """The last moment of validity before an end instant, for naming its day."""
    return None if end is None else end - timedelta(seconds=1)


def _last_iso(end: datetime | None) -> str:
    return _iso(_last_valid_day(end))


def _iso(instant: datetime | None) -> str:
    return "–" if instant is None else shanghai_day(instant).isoformat()


def _zh_day(instant: datetime | None) -> str:
    return "–" if instant is None else format_zh_day(shanghai_day(instant))
