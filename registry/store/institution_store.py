"""Institutions with all their dated facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Table, func, select

from certs.errors import KezhengError
from certs.grades import CertificateKind
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.institution_tables import (
    INSTITUTION,
    INSTITUTION_EVENT,
    INSTITUTION_NAME,
    SCOPE,
    SIGNING_KEY,
    SITE,
)
from registry.store.rows import insert_records, records, select_record
from registry.store.signing_key_store import SigningKeyRecord
from registry.store.states import InstitutionEventKind


class InstitutionRecord(NamedTuple):
    """An institution code and what it was made of; its names are dated records."""

    code: str
    kind: CertificateKind
    credit_code: str
    province: str
    registration: str
    sequence: int
    created_at: datetime
    successor_code: str | None = None


class InstitutionNameRecord(NamedTuple):
    """A name from a day on."""

    institution_code: str
    from_day: date
    name: str


class ScopeRecord(NamedTuple):
    """A granted scope; ``directions``, ``regions`` None: all. ``id`` from ``take_ids(tx, "scope", n)``.

    ``granted_at`` is the time of its entry in the register, ``log_index`` the place.
    """

    id: int
    institution_code: str
    occupation_id: str
    directions: tuple[int | str, ...] | None
    grades: tuple[str, ...]
    regions: tuple[str, ...] | None
    valid_from: date
    valid_to: date
    batch: str | None
    document: str | None
    granted_at: datetime
    log_index: int = 0


class SiteRecord(NamedTuple):
    """A site from a day on."""

    institution_code: str
    code: str
    from_day: date
    name: str
    division: str
    to_day: date | None = None


class InstitutionEventRecord(NamedTuple):
    """A change of a listing. ``id`` from ``take_ids(tx, "institution_event", n)``.

    ``recorded_at`` is the time of its entry in the register, ``log_index`` the place.
    """

    id: int
    institution_code: str
    kind: InstitutionEventKind
    on_day: date
    reason_code: str
    recorded_at: datetime
    recorded_by: str
    log_index: int = 0


class InstitutionFacts(NamedTuple):
    """All that is known of one institution, each kind in order of its day."""

    institution: InstitutionRecord
    names: tuple[InstitutionNameRecord, ...]
    scopes: tuple[ScopeRecord, ...]
    sites: tuple[SiteRecord, ...]
    events: tuple[InstitutionEventRecord, ...]
    keys: tuple[SigningKeyRecord, ...]


Fact = TypeVar("Fact", bound=NamedTuple)


def add_institution(
    tx: WriteTransaction,
    institution: InstitutionRecord,
    name: InstitutionNameRecord,
    scopes: Sequence[ScopeRecord],
    sites: Sequence[SiteRecord],
) -> None:
    """Store a new institution. ``store_conflict`` when its code is taken."""
    insert_records(tx.connection, INSTITUTION, [institution])
    insert_records(tx.connection, INSTITUTION_NAME, [name])
    add_scopes(tx, scopes)
    add_sites(tx, sites)


def add_scopes(tx: WriteTransaction, scopes: Sequence[ScopeRecord]) -> None:
    """Store granted scopes."""
    insert_records(tx.connection, SCOPE, scopes)


def add_sites(tx: WriteTransaction, sites: Sequence[SiteRecord]) -> None:
    """Store sites."""
    insert_records(tx.connection, SITE, sites)


def add_name(tx: WriteTransaction, name: InstitutionNameRecord) -> None:
    """Store a name that holds from a day on."""
    insert_records(tx.connection, INSTITUTION_NAME, [name])


def add_event(tx: WriteTransaction, event: InstitutionEventRecord) -> None:
    """Store a suspension, reinstatement, leave or removal."""
    insert_records(tx.connection, INSTITUTION_EVENT, [event])


def set_successor(tx: WriteTransaction, code: str, successor_code: str) -> None:
    """Name the institution that takes over. Raises KezhengError ``institution_not_found``."""
    update = INSTITUTION.update().where(INSTITUTION.c.code == code).values(successor_code=successor_code)
    if tx.connection.execute(update).rowcount != 1:
        raise KezhengError("institution_not_found", institution=code)


def next_institution_sequence(tx: ReadTransaction, kind: CertificateKind, province: str) -> int:
    """One more than the highest sequence of a kind and province; 1 for the first."""
    highest = select(func.max(INSTITUTION.c.sequence)).where(
        INSTITUTION.c.kind == kind, INSTITUTION.c.province == province
    )
    return (tx.connection.scalar(highest) or 0) + 1


def registrations_in_use(tx: ReadTransaction, kind: CertificateKind) -> frozenset[str]:
    """The registration numbers already given to institutions of a kind."""
    found = tx.connection.scalars(select(INSTITUTION.c.registration).where(INSTITUTION.c.kind == kind))
    return frozenset(found)


def institution_by_code(tx: ReadTransaction, code: str) -> InstitutionFacts | None:
    """One institution with its facts, or None."""
    found = _facts(tx, code)
    return found[0] if found else None


def institutions(tx: ReadTransaction) -> tuple[InstitutionFacts, ...]:
    """Every institution with its facts, in order of code: what the trust list is built from."""
    return _facts(tx, None)


def _facts(tx: ReadTransaction, code: str | None) -> tuple[InstitutionFacts, ...]:
    names = _dated(tx, INSTITUTION_NAME, InstitutionNameRecord, code, "from_day")
    scopes = _dated(tx, SCOPE, ScopeRecord, code, "valid_from")
    sites = _dated(tx, SITE, SiteRecord, code, "from_day")
    events = _dated(tx, INSTITUTION_EVENT, InstitutionEventRecord, code, "on_day")
    keys = _dated(tx, SIGNING_KEY, SigningKeyRecord, code, "not_before")
    query = select_record(INSTITUTION, InstitutionRecord).order_by(INSTITUTION.c.code)
    if code is not None:
        query = query.where(INSTITUTION.c.code == code)
    return tuple(
        InstitutionFacts(
            found,
            tuple(names[found.code]),
            tuple(scopes[found.code]),
            tuple(sites[found.code]),
            tuple(events[found.code]),
            tuple(keys[found.code]),
        )
        for found in records(tx.connection.execute(query), InstitutionRecord)
    )


def _dated(
    tx: ReadTransaction, table: Table, record: type[Fact], code: str | None, day: str
) -> dict[str, list[Fact]]:
    """Facts of one kind by institution code, in order of their day and then of their key."""
    keys: list[Any] = list(table.primary_key.columns)
    query = select_record(table, record).order_by(table.c[day], *keys)
    query = query.where(
        table.c.institution_code.is_not(None) if code is None else table.c.institution_code == code
    )
    place = record._fields.index("institution_code")
    found: dict[str, list[Fact]] = defaultdict(list)
    for row in tx.connection.execute(query):
        found[row[place]].append(record._make(row))
    return found
