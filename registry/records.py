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
from registry.store.signing_key_store import SigningKeyRecord


def institution_record(facts: InstitutionFacts) -> InstitutionRecord:
    """One institution with its dated facts, as published."""
    institution = facts.institution
    return InstitutionRecord(
        code=institution.code,
        kind=institution.kind,
        credit_code=institution.credit_code,
        province=institution.province,
        names=tuple(DatedName(entry.name, entry.from_day) for entry in facts.names),
        scopes=tuple(scope_of_record(scope) for scope in facts.scopes),
        sites=tuple(Site(s.code, s.name, s.division, s.from_day, s.to_day) for s in facts.sites),
        events=tuple(
            InstitutionEvent(
                EventKind(event.kind.value), event.on_day, event.reason_code, event.recorded_at, event.log_index
            )
            for event in facts.events
        ),
        keys=tuple(key_of_record(key) for key in facts.keys),
        successor=institution.successor_code,
    )


def scope_of_record(scope: ScopeRecord) -> Scope:
    """A stored scope as the rules judge it."""
    return Scope(
        occupation=scope.occupation_id,
        directions=None if scope.directions is None else frozenset(str(name) for name in scope.directions),
        grades=frozenset(Grade(grade) for grade in scope.grades),
        regions=None if scope.regions is None else frozenset(scope.regions),
        valid_from=scope.valid_from,
        valid_to=scope.valid_to,
        granted_at=scope.granted_at,
        batch=scope.batch,
        document=scope.document,
        log_index=scope.log_index,
    )


def key_of_record(key: SigningKeyRecord) -> SigningKey:
    """A stored key as it is published: from and until whole seconds, its compromise to the millisecond."""
    return SigningKey(
        kid=key.kid,
        public_key=key.public_key,
        not_before=_whole(key.not_before),
        retired_at=key.retired_at and _whole(key.retired_at),
        compromised_at=key.compromised_at,
        log_index=key.log_index or 0,
        retired_log_index=key.retired_log_index,
        compromised_log_index=key.compromised_log_index,
    )


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
