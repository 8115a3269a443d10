"""What issuing reads of the certificates of a batch at each step, and no more: ten thousand rows are read at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import or_, select

from registry.store.certificate_tables import (
    CERTIFICATE,
    CERTIFICATE_LOGGED,
    CERTIFICATE_PREPARED,
    CERTIFICATE_SEALED,
)
from registry.store.engine import ReadTransaction
from registry.store.rows import select_among
from registry.store.states import CertificateState


class Reserved(NamedTuple):
    """A number that was taken for a row; ``first_issued_on`` where the certificate is not the first paper."""

    id: int
    number: str
    roster_row_id: int
    status_index: int
    supersedes: str | None
    first_issued_on: date | None
    state: CertificateState


class Recorded(NamedTuple):
    """The bytes that are to be signed; ``supersedes`` where the certificate is a correction."""

    id: int
    number: str
    roster_row_id: int
    supersedes: str | None
    issued_at: datetime
    to_be_signed: bytes
    status_index: int


class Sealed(NamedTuple):
    """A signed certificate that nobody has seen yet."""

    id: int
    number: str
    roster_row_id: int
    supersedes: str | None
    issued_at: datetime
    envelope: bytes


class Logged(NamedTuple):
    """A certificate that is in the register and not yet handed out."""

    id: int
    number: str
    roster_row_id: int
    supersedes: str | None
    issued_at: datetime
    envelope: bytes
    leaf_index: int


_RESERVED = select(
    CERTIFICATE.c.id,
    CERTIFICATE.c.number,
    CERTIFICATE.c.roster_row_id,
    CERTIFICATE.c.status_index,
    CERTIFICATE.c.supersedes,
    CERTIFICATE.c.first_issued_on,
    CERTIFICATE.c.state,
)
_KNOWN = (
    CERTIFICATE.c.id,
    CERTIFICATE.c.number,
    CERTIFICATE.c.roster_row_id,
    CERTIFICATE.c.supersedes,
    CERTIFICATE_PREPARED.c.issued_at,
)
_RECORDED = select(*_KNOWN, CERTIFICATE_PREPARED.c.to_be_signed, CERTIFICATE.c.status_index).join(
    CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id
)
_SEALED = (
    select(*_KNOWN, CERTIFICATE_SEALED.c.envelope)
    .join(CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id)
    .join(CERTIFICATE_SEALED, CERTIFICATE_SEALED.c.certificate_id == CERTIFICATE.c.id)
)
_LOGGED = _SEALED.add_columns(CERTIFICATE_LOGGED.c.leaf_index).join(
    CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id
)
_NOT_LOGGED = (CertificateState.PREPARED, CertificateState.SIGNED)


def reserved_of_batch(tx: ReadTransaction, batch_id: str) -> list[Reserved]:
    """What is reserved and not yet prepared, in the order of the numbers taken."""
    query = _RESERVED.where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state == CertificateState.RESERVED)
    return [Reserved._make(row) for row in tx.connection.execute(query.order_by(CERTIFICATE.c.id)).all()]


def recorded_of_batch(tx: ReadTransaction, batch_id: str) -> list[Recorded]:
    """What is prepared and not yet signed."""
    query = _RECORDED.where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state == CertificateState.PREPARED)
    return [Recorded._make(row) for row in tx.connection.execute(query.order_by(CERTIFICATE.c.id)).all()]


def recorded_by_id(tx: ReadTransaction, batch_id: str, ids: Sequence[int]) -> dict[int, Recorded]:
    """What is prepared and not yet signed among certificates of a batch, by id."""
    mine = (CERTIFICATE.c.batch_id == batch_id) & (CERTIFICATE.c.state == CertificateState.PREPARED)
    rows = select_among(tx.connection, _RECORDED.where(mine), CERTIFICATE.c.id, ids)
    return {row.id: Recorded._make(row) for row in rows}


def sealed_of_batch(tx: ReadTransaction, batch_id: str) -> list[Sealed]:
    """What is signed and not yet logged."""
    query = _SEALED.where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state == CertificateState.SIGNED)
    return [Sealed._make(row) for row in tx.connection.execute(query.order_by(CERTIFICATE.c.id)).all()]


def logged_of_batch(tx: ReadTransaction, batch_id: str) -> list[Logged]:
    """What is logged and not yet released."""
    query = _LOGGED.where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state == CertificateState.LOGGED)
    return [Logged._make(row) for row in tx.connection.execute(query.order_by(CERTIFICATE.c.id)).all()]


def stale_of_batch(tx: ReadTransaction, batch_id: str, oldest: datetime, kid: bytes) -> list[Reserved]:
    """What is recorded or signed and not logged, and states a time before ``oldest`` or another key."""
    old = or_(CERTIFICATE_PREPARED.c.issued_at < oldest, CERTIFICATE_PREPARED.c.kid != kid)
    query = _RESERVED.join(CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id)
    query = query.where(CERTIFICATE.c.batch_id == batch_id, CERTIFICATE.c.state.in_(_NOT_LOGGED), old)
    return [Reserved._make(row) for row in tx.connection.execute(query.order_by(CERTIFICATE.c.id)).all()]
