"""Certificates on their way to another paper under the same number: what the former one was is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, literal, select

from certs.errors import KezhengError
from registry.store.certificate_tables import (
    CERTIFICATE,
    CERTIFICATE_LOGGED,
    CERTIFICATE_PREPARED,
    CERTIFICATE_SEALED,
    FORMER_ENVELOPE,
    STATUS_EVENT,
)
from registry.store.column_types import UtcDateTime
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.rows import among, chunks, select_among
from registry.store.states import CertificateState

_HAS_PAPER = (CertificateState.LOGGED, CertificateState.RELEASED)
_ON_ITS_WAY = (
    CertificateState.RESERVED,
    CertificateState.PREPARED,
    CertificateState.SIGNED,
    CertificateState.LOGGED,
)


class Parked(NamedTuple):
    """A certificate that waits for another paper, with the status index and the first day that go into it."""

    certificate_id: int
    number: str
    status_index: int
    first_issued_on: date


def park_certificates(tx: WriteTransaction, parked: Sequence[Parked], at: datetime) -> None:
    """logged or released → reserved again, under the same number; the paper so far becomes a former one.

    The status events of the number go with it to its new index. Raises ``certificate_state_changed`` unless all were
    logged or released.
    """
    for chunk in chunks(parked):
        ids = [certificate.certificate_id for certificate in chunk]
        _keep_former(tx, ids, at)
        for table in (CERTIFICATE_LOGGED, CERTIFICATE_SEALED, CERTIFICATE_PREPARED):
            tx.connection.execute(table.delete().where(among(tx.connection, table.c.certificate_id, ids)))
        _reserve_again(tx, ids)
    rows = [certificate._asdict() for certificate in parked]
    if rows:
        tx.connection.execute(_NEW_PLACE, [_renamed(row, "key", "certificate_id") for row in rows])
        with_events = _numbers_with_events(tx, [certificate.number for certificate in parked])
        moved = [{"key": p.number, "status_index": p.status_index} for p in parked if p.number in with_events]
        if moved:
            tx.connection.execute(_MOVE_EVENTS, moved)


def batches_with_parked(tx: ReadTransaction, kid: bytes) -> list[str]:
    """The batches that hold certificates which wait for a new paper in place of one that this key signed."""
    joined = CERTIFICATE.join(FORMER_ENVELOPE, FORMER_ENVELOPE.c.certificate_id == CERTIFICATE.c.id)
    query = select(CERTIFICATE.c.batch_id).select_from(joined).distinct()
    waiting = query.where(FORMER_ENVELOPE.c.kid == kid, CERTIFICATE.c.state.in_(_ON_ITS_WAY))
    return list(tx.connection.scalars(waiting.order_by(CERTIFICATE.c.batch_id)))


def numbers_with_former_paper(tx: ReadTransaction, kid: bytes) -> set[str]:
    """The numbers of certificates that had a paper which this key signed."""
    joined = CERTIFICATE.join(FORMER_ENVELOPE, FORMER_ENVELOPE.c.certificate_id == CERTIFICATE.c.id)
    query = select(CERTIFICATE.c.number).select_from(joined).where(FORMER_ENVELOPE.c.kid == kid)
    return set(tx.connection.scalars(query))


def with_former_paper(tx: ReadTransaction, certificate_ids: Sequence[int]) -> set[int]:
    """Those of some certificates that had another paper before."""
    column = FORMER_ENVELOPE.c.certificate_id
    found = select_among(tx.connection, select(column), column, certificate_ids)
    return {row.certificate_id for row in found}


def without_place(tx: ReadTransaction, certificate_ids: Collection[int]) -> set[int]:
    """Those of some certificates that do not hold their person's place yet: corrections before they are released."""
    query = select(CERTIFICATE.c.id).where(~CERTIFICATE.c.live)
    found = select_among(tx.connection, query, CERTIFICATE.c.id, sorted(certificate_ids))
    return {row.id for row in found}


def reissued_places(tx: ReadTransaction) -> list[tuple[int, datetime]]:
    """Status indices of former papers whose number has its new paper, with the time at which it was replaced."""
    joined = FORMER_ENVELOPE.join(CERTIFICATE, FORMER_ENVELOPE.c.certificate_id == CERTIFICATE.c.id)
    query = select(FORMER_ENVELOPE.c.status_index, FORMER_ENVELOPE.c.replaced_at).select_from(joined)
    released = query.where(CERTIFICATE.c.state == CertificateState.RELEASED)
    return [(row[0], row[1]) for row in tx.connection.execute(released.order_by(FORMER_ENVELOPE.c.status_index))]


_NEW_PLACE = (
    CERTIFICATE.update()
    .where(CERTIFICATE.c.id == bindparam("key"))
    .values(status_index=bindparam("status_index"), first_issued_on=bindparam("first_issued_on"), prints=0)
)
_MOVE_EVENTS = (
    STATUS_EVENT.update()
    .where(STATUS_EVENT.c.certificate_number == bindparam("key"))
    .values(status_index=bindparam("status_index"))
)
_PAPER = (
    CERTIFICATE.join(CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id)
    .join(CERTIFICATE_SEALED, CERTIFICATE_SEALED.c.certificate_id == CERTIFICATE.c.id)
    .join(CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id)
)
_FORMER_COLUMNS = (
    "envelope_digest",
    "certificate_id",
    "envelope",
    "status_index",
    "leaf_index",
    "kid",
    "replaced_at",
)


def _keep_former(tx: WriteTransaction, ids: Sequence[int], at: datetime) -> None:
    paper = select(
        CERTIFICATE_SEALED.c.envelope_digest,
        CERTIFICATE.c.id,
        CERTIFICATE_SEALED.c.envelope,
        CERTIFICATE.c.status_index,
        CERTIFICATE_LOGGED.c.leaf_index,
        CERTIFICATE_PREPARED.c.kid,
        literal(at, UtcDateTime()),
    ).select_from(_PAPER)
    rows = paper.where(among(tx.connection, CERTIFICATE.c.id, ids), CERTIFICATE.c.state.in_(_HAS_PAPER))
    insert = FORMER_ENVELOPE.insert().from_select(_FORMER_COLUMNS, rows)
    kept = tx.connection.execute(insert.execution_options(preserve_rowcount=True)).rowcount
    _require_all(kept, len(ids))


def _reserve_again(tx: WriteTransaction, ids: Sequence[int]) -> None:
    mine = among(tx.connection, CERTIFICATE.c.id, ids)
    update = CERTIFICATE.update().where(mine, CERTIFICATE.c.state.in_(_HAS_PAPER))
    _require_all(tx.connection.execute(update.values(state=CertificateState.RESERVED)).rowcount, len(ids))


def _numbers_with_events(tx: ReadTransaction, numbers: Sequence[str]) -> set[str]:
    column = STATUS_EVENT.c.certificate_number
    found = select_among(tx.connection, select(column), column, numbers)
    return {row.certificate_number for row in found}


def _renamed(row: dict[str, object], key: str, column: str) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in (column, "number")} | {key: row[column]}


def _require_all(changed: int, expected: int) -> None:
    if changed != expected:
        raise KezhengError("certificate_state_changed", expected=expected, changed=changed)
