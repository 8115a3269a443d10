"""Status events of certificates: written once, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Select, literal, select

from registry.store.certificate_tables import CERTIFICATE, STATUS_EVENT
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.rows import insert_records, records, select_among, select_record
from registry.store.states import CertificateState

_ISSUED = (CertificateState.SIGNED, CertificateState.LOGGED, CertificateState.RELEASED)


class StatusEventRecord(NamedTuple):
    """One event. ``id`` from ``take_ids(tx, "status_event", n)``; ``note_ciphertext`` is bound to it.

    ``effective_from`` and ``until`` say when it holds (half-open), ``recorded_at`` when it became known.
    """

    id: int
    certificate_number: str
    status_index: int
    state: str
    effective_from: datetime
    until: datetime | None
    reason_code: str
    void_from_start: bool
    successor: str | None
    note_ciphertext: bytes | None
    note_key_id: bytes | None
    recorded_by: str
    recorded_at: datetime


class PublicStatusEvent(NamedTuple):
    """What a status list publishes of an event: no number of the person, no note, nobody's name."""

    id: int
    status_index: int
    state: str
    effective_from: datetime
    until: datetime | None
    reason_code: str
    void_from_start: bool
    successor: str | None
    recorded_at: datetime


def add_status_events(tx: WriteTransaction, events: Sequence[StatusEventRecord]) -> None:
    """Store events."""
    insert_records(tx.connection, STATUS_EVENT, events)


def status_events_of(tx: ReadTransaction, number: str) -> list[StatusEventRecord]:
    """Every event of a certificate, in the order they became known."""
    query = select_record(STATUS_EVENT, StatusEventRecord).where(STATUS_EVENT.c.certificate_number == number)
    return records(tx.connection.execute(query.order_by(STATUS_EVENT.c.id)), StatusEventRecord)


def status_events_by_number(
    tx: ReadTransaction, numbers: Sequence[str]
) -> dict[str, list[StatusEventRecord]]:
    """Events by certificate number, for any number of numbers, each in the order they became known."""
    query = select_record(STATUS_EVENT, StatusEventRecord).order_by(STATUS_EVENT.c.id)
    found: dict[str, list[StatusEventRecord]] = {number: [] for number in numbers}
    rows = select_among(tx.connection, query, STATUS_EVENT.c.certificate_number, numbers)
    for event in records(rows, StatusEventRecord):
        found[event.certificate_number].append(event)
    return found


def public_status_events(tx: ReadTransaction, after_id: int = 0) -> list[PublicStatusEvent]:
    """Every event with a higher id, in order of id: what status lists are built from."""
    query = select_record(STATUS_EVENT, PublicStatusEvent).where(STATUS_EVENT.c.id > after_id)
    return records(tx.connection.execute(query.order_by(STATUS_EVENT.c.id)), PublicStatusEvent)


def status_events_since(tx: ReadTransaction, since: datetime) -> list[StatusEventRecord]:
    """Events recorded at or after an instant, in order of id."""
    query = select_record(STATUS_EVENT, StatusEventRecord).where(STATUS_EVENT.c.recorded_at >= since)
    return records(tx.connection.execute(query.order_by(STATUS_EVENT.c.id)), StatusEventRecord)


def first_issued_indices(tx: ReadTransaction, stretch: int) -> list[int]:
    """The lowest status index of a signed certificate in each stretch of so many indices that has one, ascending.

    One statement with a look-up for each stretch: a register of ten million certificates has 77 status lists.
    """
    return list(tx.connection.scalars(_first_of_stretches(stretch)))


@cache
def _first_of_stretches(stretch: int) -> Select[Any]:
    first = select(_next_issued(literal(0)).label("place")).cte("first", recursive=True)
    beyond = (first.c.place // stretch + 1) * stretch
    first = first.union_all(select(_next_issued(beyond)).where(first.c.place.is_not(None)))
    return select(first.c.place).where(first.c.place.is_not(None)).order_by(first.c.place)


def _next_issued(at_least: ColumnElement[int]) -> ScalarSelect[Any]:
    column = CERTIFICATE.c.status_index
    query = select(column).where(column >= at_least, CERTIFICATE.c.state.in_(_ISSUED))
    return query.order_by(column).limit(1).scalar_subquery()
