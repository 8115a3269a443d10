"""Stored institutions as the records that the rules and the trust list are written for."""

from __future__ import annotations

from datetime import datetime

from certs.grades import Grade
from certs.institution import (
    DatedName,
    EventKind,
    InstitutionEvent,
    InstitutionRecord,
    Scope,
    SigningKey,
    Site,
)
from registry.store.institution_store import InstitutionFacts, ScopeRecord


def institution_record(facts: InstitutionFacts) -> InstitutionRecord:
    """One institution with its dated facts. Times are whole seconds, as published."""
    institution = facts.institution
    return InstitutionRecord(
        code=institution.code,
        kind=institution.kind,
        credit_code=institution.credit_code,
        province=institution.province,
        names=tuple(DatedName(entry.name, entry.from_day) for entry in facts.names),
        scopes=tuple(_scope(scope) for scope in facts.scopes),
        sites=tuple(Site(s.code, s.name, s.division, s.from_day, s.to_day) for s in facts.sites),
        events=tuple(
            InstitutionEvent(EventKind(event.kind.value), event.on_day, event.reason_code, _whole(event.recorded_at))
            for event in facts.events
        ),
        keys=tuple(
            SigningKey(key.kid, key.public_key, _whole(key.not_before), key.retired_at and _whole(key.retired_at))
            for key in facts.keys
        ),
        successor=institution.successor_code,
    )


def _scope(scope: ScopeRecord) -> Scope:
    return Scope(
        occupation=scope.occupation_id,
        directions=None if scope.directions is None else frozenset(str(name) for name in scope.directions),
        grades=frozenset(Grade(grade) for grade in scope.grades),
        regions=None if scope.regions is None else frozenset(scope.regions),
        valid_from=scope.valid_from,
        valid_to=scope.valid_to,
        granted_at=_whole(scope.granted_at),
        batch=scope.batch,
        document=scope.document,
    )


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
