"""A chunk of a batch's certificates as each stands, whatever its state: what issuing goes on from, in one read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, or_, select

from registry.store.certificate_tables import (
    CERTIFICATE,
    CERTIFICATE_LOGGED,
    CERTIFICATE_PREPARED,
    CERTIFICATE_SEALED,
)
from registry.store.engine import ReadTransaction
from registry.store.issuing_store import Logged
from registry.store.roster_tables import ROSTER_ROW
from registry.store.rows import among, select_among
from registry.store.states import CertificateState

UNFINISHED = (
    CertificateState.RESERVED,
    CertificateState.PREPARED,
    CertificateState.SIGNED,
    CertificateState.LOGGED,
)
"""States of a certificate that is neither handed out nor void."""


class Standing(NamedTuple):
    """A certificate as it stands; what comes with a later state than its own is None."""

    id: int
    number: str
    roster_row_id: int
    supersedes: str | None
    status_index: int
    first_issued_on: date | None
    state: CertificateState
    issued_at: datetime | None
    to_be_signed: bytes | None
    envelope: bytes | None
    leaf_index: int | None


class Place(NamedTuple):
    """How far a certificate is, and where the register has it; None before it does."""

    state: CertificateState
    leaf_index: int | None


_STANDING = (
    select(
        CERTIFICATE.c.id,
        CERTIFICATE.c.number,
        CERTIFICATE.c.roster_row_id,
        CERTIFICATE.c.supersedes,
        CERTIFICATE.c.status_index,
        CERTIFICATE.c.first_issued_on,
        CERTIFICATE.c.state,
        CERTIFICATE_PREPARED.c.issued_at,
        CERTIFICATE_PREPARED.c.to_be_signed,
        CERTIFICATE_SEALED.c.envelope,
        CERTIFICATE_LOGGED.c.leaf_index,
    )
    .outerjoin(CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id)
    .outerjoin(CERTIFICATE_SEALED, CERTIFICATE_SEALED.c.certificate_id == CERTIFICATE.c.id)
    .outerjoin(CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id)
)
_PLACES = select(CERTIFICATE.c.id, CERTIFICATE.c.state, CERTIFICATE_LOGGED.c.leaf_index).outerjoin(
    CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id
)

_COUNT_LOGGED = select(func.count()).select_from(
    CERTIFICATE.join(CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id)
)


def standing_of(tx: ReadTransaction, batch_id: str, certificate_ids: Sequence[int]) -> list[Standing]:
    """Certificates of a batch by id, in order of id; ids of other batches are left out."""
    mine = _STANDING.where(CERTIFICATE.c.batch_id == batch_id)
    found = select_among(tx.connection, mine, CERTIFICATE.c.id, sorted(certificate_ids))
    return sorted((Standing._make(row) for row in found), key=lambda standing: standing.id)


def places_of(tx: ReadTransaction, batch_id: str, certificate_ids: Sequence[int]) -> dict[int, Place]:
    """How far certificates of a batch are, by id; ids of other batches are left out."""
    mine = _PLACES.where(CERTIFICATE.c.batch_id == batch_id)
    found = select_among(tx.connection, mine, CERTIFICATE.c.id, sorted(certificate_ids))
    return {row.id: Place(row.state, row.leaf_index) for row in found}


def are_logged(tx: ReadTransaction, batch_id: str, logged: Sequence[Logged]) -> bool:
    """Whether all of these certificates of a batch are logged, not released, and where they are said to be."""
    ids, places = sorted(each.id for each in logged), sorted(each.leaf_index for each in logged)
    here = among(tx.connection, CERTIFICATE.c.id, ids), among(tx.connection, CERTIFICATE_LOGGED.c.leaf_index, places)
    mine = _COUNT_LOGGED.where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state == CertificateState.LOGGED)
    # A place is never given twice: certificates at as many of these places are each at its own.
    return tx.connection.scalar(mine.where(*here)) == len(ids)


def unfinished_ids(tx: ReadTransaction, batch_id: str) -> list[int]:
    """The ids of a batch's certificates that are neither released nor void, in order."""
    query = select(CERTIFICATE.c.id).where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state.in_(UNFINISHED))
    return list(tx.connection.scalars(query.order_by(CERTIFICATE.c.id)))


def reserved_series(tx: ReadTransaction, batch_id: str) -> list[str]:
    """One number of each series of which a batch has certificates that are reserved: a series is of one year."""
    mine = (CERTIFICATE.c.batch_id == batch_id) & (CERTIFICATE.c.state == CertificateState.RESERVED)
    query = select(func.min(CERTIFICATE.c.number)).where(mine).group_by(CERTIFICATE.c.prefix)
    return list(tx.connection.scalars(query))


def has_facts(tx: ReadTransaction, batch_id: str) -> bool:
    """Whether a row of a batch says something that is published beside its certificate: a site, another number."""
    says = or_(ROSTER_ROW.c.site_code.is_not(None), ROSTER_ROW.c.official_number.is_not(None))
    query = select(ROSTER_ROW.c.id).where(ROSTER_ROW.c.batch_id == batch_id, says)
    return tx.connection.scalar(query.limit(1)) is not None
