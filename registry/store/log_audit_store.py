"""What the register's tables say beside the log's own entries: which certificate was entered where and when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from registry.store.certificate_tables import CERTIFICATE_LOGGED, CERTIFICATE_SEALED, FORMER_ENVELOPE
from registry.store.engine import ReadTransaction


class RecordedLeaf(NamedTuple):
    """A certificate's place in the register as its row has it; ``logged_at`` None for an envelope of the past."""

    leaf_index: int
    envelope_digest: bytes
    logged_at: datetime | None


_PRESENT = select(
    CERTIFICATE_LOGGED.c.leaf_index, CERTIFICATE_SEALED.c.envelope_digest, CERTIFICATE_LOGGED.c.logged_at
).join(CERTIFICATE_SEALED, CERTIFICATE_SEALED.c.certificate_id == CERTIFICATE_LOGGED.c.certificate_id)
_FORMER = select(FORMER_ENVELOPE.c.leaf_index, FORMER_ENVELOPE.c.envelope_digest)


def recorded_leaves(tx: ReadTransaction, start: int, stop: int) -> list[RecordedLeaf]:
    """The certificates that are said to stand from one place up to another, in no order."""
    logged, former = CERTIFICATE_LOGGED.c.leaf_index, FORMER_ENVELOPE.c.leaf_index
    present = tx.connection.execute(_PRESENT.where(logged >= start, logged < stop))
    past = tx.connection.execute(_FORMER.where(former >= start, former < stop))
    return [RecordedLeaf._make(row) for row in present] + [RecordedLeaf(*row, None) for row in past]
