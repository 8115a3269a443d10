"""Public keys of the register and of institutions. Private keys are never in the database."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_

from certs.errors import KezhengError
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.institution_tables import SIGNING_KEY
from registry.store.rows import insert_records, records, select_record


class SigningKeyRecord(NamedTuple):
    """A public key (32 raw bytes) with its role, owner and times, and where the register has each of them."""

    kid: bytes
    role: str
    institution_code: str | None
    public_key: bytes
    not_before: datetime
    retired_at: datetime | None = None
    compromised_at: datetime | None = None
    log_index: int | None = None
    retired_log_index: int | None = None
    compromised_log_index: int | None = None


def add_signing_key(tx: WriteTransaction, key: SigningKeyRecord) -> None:
    """Store a key. A kid that any key ever had makes the transaction fail with ``key_id_taken``."""
    insert_records(tx.connection, SIGNING_KEY, [key])


def signing_keys(tx: ReadTransaction, role: str) -> list[SigningKeyRecord]:
    """Every key of a role, oldest first."""
    query = select_record(SIGNING_KEY, SigningKeyRecord).where(SIGNING_KEY.c.role == role)
    found = tx.connection.execute(query.order_by(SIGNING_KEY.c.not_before, SIGNING_KEY.c.kid))
    return records(found, SigningKeyRecord)


def retire_signing_key(tx: WriteTransaction, kid: bytes, at: datetime, log_index: int | None = None) -> None:
    """Stop using a key. Raises KezhengError ``key_state_changed`` when it is unknown or already retired."""
    update = SIGNING_KEY.update().where(SIGNING_KEY.c.kid == kid, SIGNING_KEY.c.retired_at.is_(None))
    if tx.connection.execute(update.values(retired_at=at, retired_log_index=log_index)).rowcount != 1:
        raise KezhengError("key_state_changed")


def declare_compromised(tx: WriteTransaction, kid: bytes, at: datetime, log_index: int | None = None) -> None:
    """Record since when a key is stolen; the time may move earlier, never later (``key_state_changed``)."""
    earlier = or_(SIGNING_KEY.c.compromised_at.is_(None), SIGNING_KEY.c.compromised_at > at)
    update = SIGNING_KEY.update().where(SIGNING_KEY.c.kid == kid, earlier)
    if tx.connection.execute(update.values(compromised_at=at, compromised_log_index=log_index)).rowcount != 1:
        raise KezhengError("key_state_changed")
