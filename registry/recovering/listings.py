"""Institutions, their scopes, events and keys, as the newest trust list that was entered into the register has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from certs.canonical import encode_json
from certs.evidence import ROOT_CHAIN_FILE, TRUST_LIST_FILE
from certs.institution import InstitutionEvent, InstitutionRecord, Scope, SigningKey
from certs.institution_code import parse_institution_code
from certs.jws import unverified_header
from certs.root_chain import root_to_jwk
from keys.key_record import KeyRole
from registry.publishing.documents import DELEGATION_FILE, ROOT_FILE, store_if_changed
from registry.recovering.known_history import NewestTrust
from registry.store.counter_store import take_ids
from registry.store.document_store import PublishedDocument, add_document, note_public_url
from registry.store.engine import WriteTransaction
from registry.store.institution_store import (
    InstitutionEventRecord,
    InstitutionFacts,
    InstitutionNameRecord,
    ScopeRecord,
    SiteRecord,
    add_event,
    add_institution,
    add_name,
    add_scopes,
    add_sites,
    institution_by_code,
    set_successor,
)
from registry.store.institution_store import InstitutionRecord as StoredInstitution
from registry.store.recovery_reads import newest_version
from registry.store.signing_key_store import (
    SigningKeyRecord,
    add_signing_key,
    declare_compromised,
    retire_signing_key,
)
from registry.store.states import InstitutionEventKind

RECORDED_BY = "kezheng recover"
"""Who is said to have recorded what is brought back, where nothing else says it."""


class RestoredListings(NamedTuple):
    """What was brought back: codes of institutions that were new or had news, and how many keys were new or changed."""

    institutions: tuple[str, ...]
    keys: int


def restore_listings(tx: WriteTransaction, newest: NewestTrust, now: datetime) -> RestoredListings:
    """Bring the directory to what the trust list says; nothing happens when the database has that list or a newer one.

    Who recorded what, and exact times of day where the list has whole seconds, are not in it.
    """
    if newest_version(tx, TRUST_LIST_FILE) >= newest.trust.version:
        return RestoredListings((), 0)
    _restore_documents(tx, newest, now)
    changed, keys = [], 0
    for record in newest.trust.institutions.values():
        facts = institution_by_code(tx, record.code)
        news = _restore_institution(tx, record, facts)
        restored = sum(_restore_key(tx, record.code, key, facts) for key in record.keys)
        changed += [record.code] if news or restored else []
        keys += restored
    for record in newest.trust.institutions.values():
        if record.successor is not None:
            set_successor(tx, record.code, record.successor)
    return RestoredListings(tuple(changed), keys)


def _restore_documents(tx: WriteTransaction, newest: NewestTrust, now: datetime) -> None:
    """The list under its own version, so that the next one is higher; delegation and roots that it was signed under."""
    trust = newest.trust
    document = PublishedDocument(TRUST_LIST_FILE, trust.version, newest.token, trust.issued_at, trust.expires_at)
    add_document(tx, document)
    store_if_changed(tx, DELEGATION_FILE, str(unverified_header(newest.token)["delegation"]).encode("ascii"), now)
    store_if_changed(tx, ROOT_FILE, encode_json(root_to_jwk(newest.root)), now)
    for url in sorted(trust.public_urls):
        note_public_url(tx, url, now)
    if newest.chain is not None:
        store_if_changed(tx, ROOT_CHAIN_FILE, newest.chain, now)


def _restore_institution(tx: WriteTransaction, record: InstitutionRecord, facts: InstitutionFacts | None) -> bool:
    """Whether something of an institution was missing."""
    known = facts or _add_institution(tx, record)
    has_news = _restore_sites(tx, record, known.sites) or facts is None
    days = {name.from_day for name in known.names}
    for name in record.names:
        if name.valid_from not in days:
            add_name(tx, InstitutionNameRecord(record.code, name.valid_from, name.name))
            has_news = True
    entered = {scope.log_index for scope in known.scopes}
    scopes = [scope for scope in record.scopes if scope.log_index not in entered]
    ids = take_ids(tx, "scope", len(scopes))
    add_scopes(tx, [_scope(place, record.code, scope) for place, scope in zip(ids, scopes, strict=True)])
    recorded = {event.log_index for event in known.events}
    events = [event for event in record.events if event.log_index not in recorded]
    for event in events:
        add_event(tx, _event(take_ids(tx, "institution_event", 1).start, record.code, event))
    return has_news or bool(scopes or events)


def _add_institution(tx: WriteTransaction, record: InstitutionRecord) -> InstitutionFacts:
    code, first = parse_institution_code(record.code), record.names[0]
    institution = StoredInstitution(
        record.code,
        record.kind,
        record.credit_code,
        record.province,
        f"{code.registration:04}",
        code.sequence,
        min(key.not_before for key in record.keys),
    )
    name = InstitutionNameRecord(record.code, first.valid_from, first.name)
    add_institution(tx, institution, name, (), ())
    return InstitutionFacts(institution, (name,), (), (), (), ())


def _scope(scope_id: int, code: str, scope: Scope) -> ScopeRecord:
    return ScopeRecord(
        id=scope_id,
        institution_code=code,
        occupation_id=scope.occupation,
        directions=None if scope.directions is None else tuple(sorted(scope.directions)),
        grades=tuple(sorted(grade.value for grade in scope.grades)),
        regions=None if scope.regions is None else tuple(sorted(scope.regions)),
        valid_from=scope.valid_from,
        valid_to=scope.valid_to,  # type: ignore[arg-type]  # every granted scope of ours has an end
        batch=scope.batch,
        document=scope.document,
        granted_at=scope.granted_at,
        log_index=scope.log_index,
    )


def _event(event_id: int, code: str, event: InstitutionEvent) -> InstitutionEventRecord:
    return InstitutionEventRecord(
        id=event_id,
        institution_code=code,
        kind=InstitutionEventKind(event.kind.value),
        on_day=event.on,
        reason_code=event.reason_code,
        recorded_at=event.recorded_at,
        recorded_by=RECORDED_BY,
        log_index=event.log_index,
    )


def _restore_sites(tx: WriteTransaction, record: InstitutionRecord, known: Sequence[SiteRecord]) -> bool:
    have = {(site.code, site.from_day) for site in known}
    missing = [site for site in record.sites if (site.code, site.valid_from) not in have]
    add_sites(
        tx,
        [
            SiteRecord(record.code, site.code, site.valid_from, site.name, site.division, site.valid_until)
            for site in missing
        ],
    )
    return bool(missing)


def _restore_key(tx: WriteTransaction, code: str, key: SigningKey, facts: InstitutionFacts | None) -> bool:
    """Whether a key was missing, or its retirement or theft."""
    known = {each.kid: each for each in (() if facts is None else facts.keys)}.get(key.kid)
    if known is None:
        add_signing_key(
            tx,
            SigningKeyRecord(
                *(key.kid, KeyRole.INSTITUTION.value, code, key.public_key, key.not_before),
                *(key.retired_at, key.compromised_at),
                *(key.log_index, key.retired_log_index, key.compromised_log_index),
            ),
        )
        return True
    is_retired = known.retired_at is None and key.retired_at is not None
    if is_retired and key.retired_at is not None:
        retire_signing_key(tx, key.kid, key.retired_at, key.retired_log_index)
    theft = key.compromised_at
    is_stolen = theft is not None and (known.compromised_at is None or theft < known.compromised_at)
    if is_stolen and theft is not None:
        declare_compromised(tx, key.kid, theft, key.compromised_log_index)
    return is_retired or is_stolen
