"""The JSON form of an institution's record in the trust list: write and read as a pair."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.institution import (
    DatedName,
    EventKind,
    InstitutionEvent,
    InstitutionRecord,
    Scope,
    SigningKey,
    Site,
)
from certs.signing_key import base64url, from_base64url, kid_of
from certs.timestamps import epoch_seconds, instant_from_epoch, instant_from_ms, ms_of


def institution_to_json(record: InstitutionRecord) -> dict[str, Any]:
    """The record as canonical-JSON material: days as ISO text, instants as epoch seconds."""
    return {
        "code": record.code,
        "kind": record.kind.value,
        "credit_code": record.credit_code,
        "province": record.province,
        "names": [{"name": entry.name, "valid_from": entry.valid_from.isoformat()} for entry in record.names],
        "scopes": [scope_to_json(scope) for scope in record.scopes],
        "sites": [_site_to_json(site) for site in record.sites],
        "events": [_event_to_json(event) for event in record.events],
        "keys": [_key_to_json(key) for key in record.keys],
        "successor": record.successor,
    }


def institution_from_json(entry: dict[str, Any]) -> InstitutionRecord:
    """The record of one entry. Raises KeyError, TypeError, ValueError on what is not one, KezhengError on a bad key."""
    return InstitutionRecord(
        code=text_of(entry["code"]),
        kind=CertificateKind(entry["kind"]),
        credit_code=text_of(entry["credit_code"]),
        province=text_of(entry["province"]),
        names=_names_from_json(entry["names"]),
        scopes=tuple(_scope_from_json(scope) for scope in list_of(entry["scopes"])),
        sites=tuple(_site_from_json(site) for site in list_of(entry["sites"])),
        events=tuple(_event_from_json(event) for event in list_of(entry["events"])),
        keys=tuple(_key_from_json(key) for key in list_of(entry["keys"])),
        successor=_text_or_none(entry["successor"]),
    )


def _names_from_json(entries: Any) -> tuple[DatedName, ...]:
    names = tuple(DatedName(text_of(e["name"]), date.fromisoformat(e["valid_from"])) for e in list_of(entries))
    if not names:
        raise ValueError("an institution without a name")
    return names


def scope_to_json(scope: Scope) -> dict[str, Any]:
    """One scope, as in the trust list and in the public directory."""
    return scope_content(scope) | {"granted_at_ms": ms_of(scope.granted_at), "log_index": scope.log_index}


def scope_content(scope: Scope) -> dict[str, Any]:
    """What a grant says, without its place in the public register: what that entry holds the digest of."""
    return {
        "occupation": scope.occupation,
        "directions": _sorted_or_none(scope.directions),
        "grades": [grade.value for grade in Grade if grade in scope.grades],
        "regions": _sorted_or_none(scope.regions),
        "valid_from": scope.valid_from.isoformat(),
        "valid_to": _iso(scope.valid_to),
        "batch": scope.batch,
        "document": scope.document,
    }


def _scope_from_json(entry: dict[str, Any]) -> Scope:
    return Scope(
        occupation=text_of(entry["occupation"]),
        directions=_set_or_none(entry["directions"]),
        grades=frozenset(Grade(grade) for grade in list_of(entry["grades"])),
        regions=_set_or_none(entry["regions"]),
        valid_from=date.fromisoformat(entry["valid_from"]),
        valid_to=_day(entry["valid_to"]),
        granted_at=_instant_of_ms(entry["granted_at_ms"]),
        batch=_text_or_none(entry["batch"]),
        document=_text_or_none(entry["document"]),
        log_index=_index(entry["log_index"]),
    )


def _site_to_json(site: Site) -> dict[str, Any]:
    days = {"valid_from": site.valid_from.isoformat(), "valid_until": _iso(site.valid_until)}
    return {"code": site.code, "name": site.name, "division": site.division} | days


def _site_from_json(entry: dict[str, Any]) -> Site:
    first, end = date.fromisoformat(entry["valid_from"]), _day(entry["valid_until"])
    return Site(text_of(entry["code"]), text_of(entry["name"]), text_of(entry["division"]), first, end)


def _event_to_json(event: InstitutionEvent) -> dict[str, Any]:
    return event_content(event) | {"recorded_at_ms": ms_of(event.recorded_at), "log_index": event.log_index}


def event_content(event: InstitutionEvent) -> dict[str, Any]:
    """What a change of a listing says, without its place in the public register."""
    return {"kind": event.kind.value, "reason_code": event.reason_code, "on": event.on.isoformat()}


def _event_from_json(entry: dict[str, Any]) -> InstitutionEvent:
    return InstitutionEvent(
        kind=EventKind(entry["kind"]),
        on=date.fromisoformat(entry["on"]),
        reason_code=text_of(entry["reason_code"]),
        recorded_at=_instant_of_ms(entry["recorded_at_ms"]),
        log_index=_index(entry["log_index"]),
    )


def _key_to_json(key: SigningKey) -> dict[str, Any]:
    return {
        "x": base64url(key.public_key),
        "not_before": epoch_seconds(key.not_before),
        "log_index": key.log_index,
        "retired_at": None if key.retired_at is None else epoch_seconds(key.retired_at),
        "retired_log_index": key.retired_log_index,
        "compromised_at_ms": None if key.compromised_at is None else ms_of(key.compromised_at),
        "compromised_log_index": key.compromised_log_index,
    }


def _key_from_json(entry: dict[str, Any]) -> SigningKey:
    public_key = from_base64url(entry["x"])
    if len(public_key) != 32:
        raise KezhengError("key_malformed")
    retired_at, compromised_ms = entry["retired_at"], entry["compromised_at_ms"]
    return SigningKey(
        kid=kid_of(public_key),
        public_key=public_key,
        not_before=instant_from_epoch(entry["not_before"]),
        retired_at=None if retired_at is None else instant_from_epoch(retired_at),
        compromised_at=None if compromised_ms is None else _instant_of_ms(compromised_ms),
        log_index=_index(entry["log_index"]),
        retired_log_index=_index_or_none(entry["retired_log_index"]),
        compromised_log_index=_index_or_none(entry["compromised_log_index"]),
    )


def _instant_of_ms(value: Any) -> datetime:
    if type(value) is not int:
        raise ValueError("not an instant")
    instant_from_epoch(value // 1000)
    return instant_from_ms(value)


def _index(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("not a place in the log")
    return value


def _index_or_none(value: Any) -> int | None:
    return None if value is None else _index(value)


def text_of(value: Any) -> str:
    """The value when it is a text of any length but none. Raises ValueError."""
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value


def list_of(value: Any) -> list[Any]:
    """The value when it is a list. Raises ValueError: a text would be read as a list of its characters."""
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else text_of(value)


def _sorted_or_none(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _set_or_none(values: Any) -> frozenset[str] | None:
    return None if values is None else frozenset(map(text_of, list_of(values)))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
