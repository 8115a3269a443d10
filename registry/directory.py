"""The directory of institutions: entering them with a code and a key, and recording what becomes of a listing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from itertools import count

from certs.errors import KezhengError
from certs.institution import EventKind, InstitutionEvent, InstitutionRecord
from certs.institution_code import InstitutionCode, make_institution_code
from certs.institution_json import event_content, scope_content
from certs.log_entry import KeyAct, ListingAct, LogBody, change_body, grant_body, key_body, listing_body
from certs.timestamps import day_start, shanghai_day
from keys.key_record import KeyRole
from registry.home import Home
from registry.institution_file import InstitutionFile, ScopeEntry, institution_name
from registry.records import institution_record, scope_of_record
from registry.store.audit_store import record_act
from registry.store.counter_store import take_ids
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.institution_store import (
    InstitutionEventRecord,
    InstitutionNameRecord,
    ScopeRecord,
    SiteRecord,
    add_event,
    add_institution,
    add_name,
    institution_by_code,
    institutions,
    next_institution_sequence,
    registrations_in_use,
    set_successor,
)
from registry.store.institution_store import InstitutionRecord as StoredInstitution
from registry.store.signing_key_store import SigningKeyRecord, add_signing_key
from registry.store.states import InstitutionEventKind

MAIN_SITE = "MAIN"


def enter_institution(home: Home, entry: InstitutionFile, by: str, now: datetime) -> InstitutionRecord:
    """List an institution: code given, signing key made, trust list published, all or nothing.

    Raises KezhengError ``institution_exists``, ``registration_taken``.
    """
    with home.recording() as tx:
        _check_new(tx, entry)
        code = _new_code(tx, entry)
        first_day = min((scope.valid_from for scope in entry.scopes), default=shanghai_day(now))
        signer = home.keyring.new_institution_signer(code.text, now)
        key = SigningKeyRecord(signer.kid, KeyRole.INSTITUTION.value, code.text, signer.public_key, now)
        scopes = _scopes(tx, code.text, entry, now)
        logged = home.log(tx, [*(_grant(scope) for scope in scopes), key_added(key)], now)
        add_institution(
            tx,
            StoredInstitution(
                code.text,
                entry.kind,
                entry.credit_code,
                entry.province,
                f"{code.registration:04}",
                code.sequence,
                now,
            ),
            InstitutionNameRecord(code.text, first_day, entry.name),
            [
                scope._replace(granted_at=logged.at, log_index=index)
                for index, scope in enumerate(scopes, logged.first_index)
            ],
            list(_sites(code, entry, first_day)),
        )
        add_signing_key(tx, key._replace(log_index=logged.first_index + len(scopes)))
        record_act(tx, now, by, "institution_listed", code.text, scopes=len(entry.scopes))
        home.publish_trust(tx, now)
        return require_institution(tx, code.text)


def record_event(
    home: Home, code: str, kind: EventKind, on: date, reason_code: str, by: str, now: datetime
) -> InstitutionRecord:
    """Suspend, reinstate, withdraw or remove an institution from a day on.

    Raises KezhengError ``institution_unknown``, ``institution_event_not_allowed``.
    """
    with home.recording() as tx:
        require_institution(tx, code).check_event(kind, on)
        logged = home.log(tx, [_change(code, kind, on, reason_code)], now)
        add_event(
            tx,
            InstitutionEventRecord(
                id=take_ids(tx, "institution_event", 1).start,
                institution_code=code,
                kind=InstitutionEventKind(kind.value),
                on_day=on,
                reason_code=reason_code,
                recorded_at=logged.at,
                recorded_by=by,
                log_index=logged.first_index,
            ),
        )
        record_act(tx, now, by, f"institution_{kind.value}", code, on=on.isoformat(), reason=reason_code)
        home.publish_trust(tx, now)
        return require_institution(tx, code)


def rename_institution(home: Home, code: str, name: str, on: date, by: str, now: datetime) -> InstitutionRecord:
    """Record a new name from a day on; nothing is issued again.

    Raises KezhengError ``institution_unknown``, ``name_invalid``.
    """
    with home.recording() as tx:
        require_institution(tx, code)
        add_name(tx, InstitutionNameRecord(code, on, institution_name(name)))
        home.log(tx, [listing_body(ListingAct.CHANGED, code, {"name": name, "valid_from": on.isoformat()})], now)
        record_act(tx, now, by, "institution_renamed", code, on=on.isoformat())
        home.publish_trust(tx, now)
        return require_institution(tx, code)


def name_successor(home: Home, code: str, successor: str, by: str, now: datetime) -> InstitutionRecord:
    """Record which institution takes over corrections and reprints.

    Raises KezhengError ``institution_unknown``, ``institution_succeeds_itself``.
    """
    with home.recording() as tx:
        require_institution(tx, code)
        if code in _line_of_succession(tx, successor):
            raise KezhengError("institution_succeeds_itself")
        set_successor(tx, code, successor)
        home.log(tx, [listing_body(ListingAct.CHANGED, code, {"successor": successor})], now)
        record_act(tx, now, by, "institution_succeeded", code, successor=successor)
        home.publish_trust(tx, now)
        return require_institution(tx, code)


def require_institution(tx: ReadTransaction, code: str) -> InstitutionRecord:
    """The institution of a code. Raises KezhengError ``institution_unknown``."""
    facts = institution_by_code(tx, code)
    if facts is None:
        raise KezhengError("institution_unknown", institution=code)
    return institution_record(facts)


def key_added(key: SigningKeyRecord) -> LogBody:
    """The entry of a key from its first second on."""
    return key_body(KeyAct.ADDED, key.public_key, key.not_before.replace(microsecond=0))


def _grant(scope: ScopeRecord) -> LogBody:
    return grant_body(scope.institution_code, scope_content(scope_of_record(scope)))


def _change(code: str, kind: EventKind, on: date, reason_code: str) -> LogBody:
    event = InstitutionEvent(kind, on, reason_code, day_start(on))
    return change_body(code, kind, event_content(event))


def _line_of_succession(tx: ReadTransaction, code: str) -> list[str]:
    """An institution and those after it. It ends, because every link was checked when it was made."""
    line = [code]
    while (following := require_institution(tx, line[-1]).successor) is not None:
        line.append(following)
    return line


def _check_new(tx: ReadTransaction, entry: InstitutionFile) -> None:
    for facts in institutions(tx):
        listed = facts.institution
        if listed.credit_code == entry.credit_code and listed.kind is entry.kind:
            raise KezhengError("institution_exists", institution=listed.code)


def _new_code(tx: ReadTransaction, entry: InstitutionFile) -> InstitutionCode:
    used = registrations_in_use(tx, entry.kind)
    if entry.registration is not None and f"{entry.registration:04}" in used:
        raise KezhengError("registration_taken", registration=f"{entry.registration:04}")
    registration = entry.registration or next(number for number in count(1) if f"{number:04}" not in used)
    sequence = next_institution_sequence(tx, entry.kind, entry.province)
    return make_institution_code(entry.kind, registration, entry.province, sequence)


def _scopes(tx: WriteTransaction, code: str, entry: InstitutionFile, now: datetime) -> list[ScopeRecord]:
    ids = take_ids(tx, "scope", len(entry.scopes))
    return [_scope(scope_id, code, scope, entry, now) for scope_id, scope in zip(ids, entry.scopes, strict=True)]


def _scope(scope_id: int, code: str, scope: ScopeEntry, entry: InstitutionFile, now: datetime) -> ScopeRecord:
    return ScopeRecord(
        id=scope_id,
        institution_code=code,
        occupation_id=scope.occupation,
        directions=scope.directions,
        grades=tuple(grade.value for grade in scope.grades),
        regions=scope.regions,
        valid_from=scope.valid_from,
        valid_to=scope.valid_to,
        batch=entry.batch,
        document=entry.document,
        granted_at=now,
    )


def _sites(code: InstitutionCode, entry: InstitutionFile, first_day: date) -> Iterable[SiteRecord]:
    """The sites as written; an institution without any has one site of its own name in its province."""
    if not entry.sites:
        yield SiteRecord(code.text, MAIN_SITE, first_day, entry.name, entry.province.ljust(6, "0"))
    for place, site in enumerate(entry.sites, 1):
        own = MAIN_SITE if place == 1 else f"S{place:02}"
        yield SiteRecord(code.text, site.code or own, first_day, site.name, site.division)
