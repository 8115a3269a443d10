"""Batches: one uploaded roster each, and how far it has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from certs.errors import KezhengError
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.roster_tables import BATCH
from registry.store.rows import insert_records, records, select_record
from registry.store.states import BatchState

_UNFINISHED = (BatchState.APPROVED, BatchState.ISSUING)


class BatchRecord(NamedTuple):
    """A batch. Digests are SHA-256: of the uploaded file and of the canonical rows that the approver saw."""

    id: str
    institution_code: str
    label: str
    state: BatchState
    file_digest: bytes
    rows_digest: bytes
    operator: str
    imported_at: datetime
    approver: str | None = None
    approver_declared: bool | None = None
    approved_at: datetime | None = None
    run_off_confirmed_by: str | None = None
    released_at: datetime | None = None
    out_dir: str | None = None


def add_batch(tx: WriteTransaction, batch: BatchRecord) -> None:
    """Store an imported batch."""
    insert_records(tx.connection, BATCH, [batch])


def batch_by_id(tx: ReadTransaction, batch_id: str) -> BatchRecord | None:
    """A batch, or None."""
    query = select_record(BATCH, BatchRecord).where(BATCH.c.id == batch_id)
    row = tx.connection.execute(query).first()
    return None if row is None else BatchRecord._make(row)


def require_batch(tx: ReadTransaction, batch_id: str) -> BatchRecord:
    """A batch. Raises KezhengError ``batch_unknown``."""
    batch = batch_by_id(tx, batch_id)
    if batch is None:
        raise KezhengError("batch_unknown", batch=batch_id)
    return batch


def batches_of_institution(tx: ReadTransaction, institution_code: str) -> list[BatchRecord]:
    """Every batch of an institution, oldest first."""
    query = select_record(BATCH, BatchRecord).where(BATCH.c.institution_code == institution_code)
    return records(tx.connection.execute(query.order_by(BATCH.c.imported_at, BATCH.c.id)), BatchRecord)


def unfinished_batches(tx: ReadTransaction) -> list[BatchRecord]:
    """Batches that were approved and not released or voided: what a restart takes up again, oldest first."""
    query = select_record(BATCH, BatchRecord).where(BATCH.c.state.in_(_UNFINISHED))
    return records(tx.connection.execute(query.order_by(BATCH.c.imported_at, BATCH.c.id)), BatchRecord)


def batch_by_file_digest(tx: ReadTransaction, institution_code: str, file_digest: bytes) -> str | None:
    """The id of a batch of this institution that came from the very same file and is not void, or None."""
    query = select(BATCH.c.id).where(
        BATCH.c.institution_code == institution_code,
        BATCH.c.file_digest == file_digest,
        BATCH.c.state != BatchState.VOID,
    )
    found: str | None = tx.connection.scalar(query.order_by(BATCH.c.imported_at).limit(1))
    return found


def approve_batch(
    tx: WriteTransaction, batch_id: str, *, rows_digest: bytes, approver: str, declared: bool, at: datetime
) -> None:
    """imported → approved, only for the rows that the approver saw (``batch_state_changed`` otherwise).

    ``declared`` says that the approver's name was typed by the operator and not proved by signing in.
    """
    values = {"approver": approver, "approver_declared": declared, "approved_at": at}
    move_batch(tx, batch_id, BatchState.IMPORTED, BatchState.APPROVED, {"rows_digest": rows_digest}, **values)


def start_issuing(tx: WriteTransaction, batch_id: str, *, rows_digest: bytes, out_dir: str | None) -> None:
    """approved → issuing, only while the rows are those that were approved."""
    where = {"rows_digest": rows_digest}
    move_batch(tx, batch_id, BatchState.APPROVED, BatchState.ISSUING, where, out_dir=out_dir)


def release_batch(tx: WriteTransaction, batch_id: str, at: datetime) -> None:
    """issuing → released."""
    move_batch(tx, batch_id, BatchState.ISSUING, BatchState.RELEASED, released_at=at)


def void_batch(tx: WriteTransaction, batch_id: str, expected: BatchState) -> None:
    """Give up a batch that is in the expected state."""
    move_batch(tx, batch_id, expected, BatchState.VOID)


def confirm_run_off(tx: WriteTransaction, batch_id: str, confirmed_by: str) -> None:
    """Record the registry officer who lets a former institution issue a batch; before it is released."""
    for state in (BatchState.IMPORTED, BatchState.APPROVED, BatchState.ISSUING):
        if _changes_one(tx, batch_id, {"state": state}, {"run_off_confirmed_by": confirmed_by}):
            return
    raise KezhengError("batch_state_changed", batch=batch_id)


def move_batch(
    tx: WriteTransaction,
    batch_id: str,
    expected: BatchState,
    new: BatchState,
    where: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """Compare-and-set of a batch's state. Raises KezhengError ``batch_state_changed``."""
    if not _changes_one(tx, batch_id, {"state": expected, **(where or {})}, {"state": new, **values}):
        raise KezhengError("batch_state_changed", batch=batch_id)


def _changes_one(tx: WriteTransaction, batch_id: str, where: dict[str, Any], values: dict[str, Any]) -> bool:
    update = BATCH.update().where(
        BATCH.c.id == batch_id, *(BATCH.c[name] == value for name, value in where.items())
    )
    return tx.connection.execute(update.values(values)).rowcount == 1
