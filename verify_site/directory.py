"""The public directory of institutions, out of the trust list: who is listed on a day, for what, and what
happened.

Whoever left or was removed stays visible with both dates and the reason category.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from certs.grades import CertificateKind, Grade
from certs.institution import EventKind, InstitutionEvent, InstitutionRecord, Scope
from certs.jurisdictions import jurisdiction_of
from certs.occupations import Catalogue, Occupation
from certs.trust_list import TrustList
from certs.wording import words


class Listing(StrEnum):
    """What a listing is on a day."""

    LISTED = "listed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    LAPSED = "lapsed"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class DirectoryQuery:
    """What is looked for; None means any. ``province`` has 2 digits, ``occupation`` is a catalogue id."""

    kind: CertificateKind | None
    province: str | None
    occupation: str | None
    as_of: date


def find_institutions(trust: TrustList, query: DirectoryQuery) -> list[InstitutionRecord]:
    """The institutions that match, listed ones first, then in the order of their codes."""
    found = [record for record in trust.institutions.values() if _matches(record, query)]
    return sorted(found, key=lambda record: (not record.listed_on(query.as_of), record.code))


def _matches(record: InstitutionRecord, query: DirectoryQuery) -> bool:
    return (
        (query.kind is None or record.kind is query.kind)
        and (query.province is None or record.province == query.province)
        and (query.occupation is None or any(scope.occupation == query.occupation for scope in record.scopes))
        and any(scope.valid_from <= query.as_of for scope in record.scopes)
    )


def listing_on(record: InstitutionRecord, day: date) -> Listing:
    """The state of a listing on a day."""
    end = record.ended_on()
    if end is not None and day >= end.on:
        return Listing.REMOVED if end.kind is EventKind.REMOVE else Listing.WITHDRAWN
    if record.suspended_on(day):
        return Listing.SUSPENDED
    if record.listed_on(day):
        return Listing.LISTED
    return Listing.NOT_YET if all(day < scope.valid_from for scope in record.scopes) else Listing.LAPSED


def listed_from(record: InstitutionRecord) -> date | None:
    """The first day of the first scope."""
    return min((scope.valid_from for scope in record.scopes), default=None)


def ended_by(record: InstitutionRecord, day: date) -> InstitutionEvent | None:
    """The withdrawal or removal in effect on a day."""
    end = record.ended_on()
    return end if end is not None and day >= end.on else None


def institution_entry(record: InstitutionRecord, catalogue: Catalogue, day: date) -> dict[str, Any]:
    """One institution as the directory lists it on a day."""
    listing, end = listing_on(record, day), ended_by(record, day)
    return {
        "code": record.code,
        "kind": record.kind.value,
        "name": record.name_on(day),
        "credit_code": record.credit_code,
        "province": record.province,
        "province_zh": jurisdiction_of(record.province).name_zh,
        "province_en": jurisdiction_of(record.province).name_en,
        "listing": listing.value,
        "listing_zh": words("page", f"listing_{listing.value}").zh,
        "listing_en": words("page", f"listing_{listing.value}").en,
        "listed": listing is Listing.LISTED,
        "listed_from": _iso(listed_from(record)),
        "listed_until": _iso(record.listed_until()),
        "ended_on": _iso(end.on if end else None),
        "reason": _reason(end) if end else None,
        "scopes": [_scope(scope, catalogue) for scope in record.scopes],
    }


def institution_detail(record: InstitutionRecord, catalogue: Catalogue, day: date) -> dict[str, Any]:
    """One institution with its names, sites and history."""
    return institution_entry(record, catalogue, day) | {
        "names": [{"name": entry.name, "valid_from": entry.valid_from.isoformat()} for entry in record.names],
        "sites": [
            {
                "code": site.code,
                "name": site.name,
                "division": site.division,
                "valid_from": site.valid_from.isoformat(),
                "valid_until": _iso(site.valid_until),
            }
            for site in record.sites
        ],
        "history": history(record),
        "successor": record.successor,
    }


def history(record: InstitutionRecord) -> list[dict[str, Any]]:
    """What happened to a listing, oldest first: grants of scopes, suspensions, reinstatements and ends."""
    grants = [(scope.valid_from, "grant", None) for scope in record.scopes]
    events = [(event.on, event.kind.value, _reason(event)) for event in record.events]
    happened = sorted({day: (day, kind, None) for day, kind, _ in grants}.values()) + events
    return [
        {
            "on": day.isoformat(),
            "act": act,
            "act_zh": words("page", f"act_{act}").zh,
            "act_en": words("page", f"act_{act}").en,
            "reason": reason,
        }
        for day, act, reason in sorted(happened, key=lambda entry: entry[0])
    ]


def occupations_listed(trust: TrustList, catalogue: Catalogue) -> list[Occupation]:
    """The occupations that any scope names, in the order of the catalogue."""
    named = {scope.occupation for record in trust.institutions.values() for scope in record.scopes}
    return [occupation for occupation in catalogue.occupations if occupation.id in named]


def provinces_listed(records: Iterable[InstitutionRecord]) -> list[str]:
    """The provinces of these institutions."""
    return sorted({record.province for record in records})


def _reason(event: InstitutionEvent) -> dict[str, str] | None:
    """The public reason category, None where it is not public."""
    if event.reason_code == "not_stated":
        return None
    said = words("status_reason", event.reason_code)
    return {"code": event.reason_code, "zh": said.zh, "en": said.en}


def _scope(scope: Scope, catalogue: Catalogue) -> dict[str, Any]:
    occupation = catalogue.find(scope.occupation)
    return {
        "occupation": scope.occupation,
        "occupation_zh": occupation.name_zh if occupation else scope.occupation,
        "occupation_en": occupation.name_en if occupation else scope.occupation,
        "directions": None if scope.directions is None else sorted(scope.directions),
        "grades": [grade.value for grade in Grade if grade in scope.grades],
        "regions": None if scope.regions is None else sorted(scope.regions),
        "valid_from": scope.valid_from.isoformat(),
        "valid_to": _iso(scope.valid_to),
        "batch": scope.batch,
        "document": scope.document,
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
