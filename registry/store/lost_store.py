"""What a recovery could not restore, for those who go on publishing, numbering and checking beside it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from registry.store.engine import ReadTransaction
from registry.store.recovery_tables import LOST_CERTIFICATE, LOST_SERIALS, LOST_STATUS


def lost_leaves(tx: ReadTransaction, start: int, stop: int) -> list[tuple[int, bytes]]:
    """Places and digests of certificates that are known to be lost, from one place up to another."""
    place = LOST_CERTIFICATE.c.leaf_index
    query = select(place, LOST_CERTIFICATE.c.envelope_digest).where(place >= start, place < stop)
    return [(row[0], row[1]) for row in tx.connection.execute(query.order_by(place))]


def lost_statuses(tx: ReadTransaction) -> dict[int, dict[str, Any]]:
    """What is published of status indices whose certificates are lost, as in the status file."""
    rows = tx.connection.execute(select(LOST_STATUS.c.status_index, LOST_STATUS.c.entry))
    return {row.status_index: row.entry for row in rows}


def lost_serials(tx: ReadTransaction, prefix: str) -> list[range]:
    """The serials of a prefix that are void because nobody knows what became of them."""
    query = select(LOST_SERIALS.c.first_serial, LOST_SERIALS.c.last_serial).where(LOST_SERIALS.c.prefix == prefix)
    return [range(row[0], row[1] + 1) for row in tx.connection.execute(query.order_by(LOST_SERIALS.c.first_serial))]
