"""Who did what to which object, and when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from registry.store.counter_store import take_ids
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.register_tables import AUDIT_EVENT
from registry.store.rows import insert_records, records, select_record


class AuditEvent(NamedTuple):
    """An act. ``subject`` is a code or number of the register; ``details`` are codes and counts."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, str | int]


def record_act(
    tx: WriteTransaction, at: datetime, actor: str, action: str, subject: str, **details: str | int
) -> None:
    """Write an act in the transaction that does it: no act without its record, no record without its act."""
    event_id = take_ids(tx, "audit_event", 1).start
    insert_records(tx.connection, AUDIT_EVENT, [AuditEvent(event_id, at, actor, action, subject, details)])


def acts_on(tx: ReadTransaction, subject: str) -> list[AuditEvent]:
    """Everything done to an object, in order."""
    query = select_record(AUDIT_EVENT, AuditEvent).where(AUDIT_EVENT.c.subject == subject)
    return records(tx.connection.execute(query.order_by(AUDIT_EVENT.c.id)), AuditEvent)
