"""How far batches are after their certificates came back: released, or to be gone on with under new numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from registry.directory import require_institution
from registry.home import Home
from registry.issuing.approved_rows import ApprovedRow, read_again
from registry.issuing.reserve import direction_key, reserve_rows
from registry.recovering.certificates import Paper
from registry.store.batch_store import BatchRecord, require_batch
from registry.store.engine import WriteTransaction
from registry.store.recovery_writes import (
    Standing,
    live_standing,
    release_all,
    set_batch_state,
    standing_by_number,
    standing_of_batch,
)
from registry.store.states import BatchState, CertificateState

_LOGGED = (CertificateState.LOGGED, CertificateState.RELEASED)


class RestoredBatch(NamedTuple):
    """A batch after the recovery: how many of its people have their certificate, and how many still wait for it.

    ``held`` are those who hold the same certificate from elsewhere and get none from this batch.
    """

    id: str
    state: BatchState
    certificates: int
    waiting: int
    held: int


def settle_batches(
    home: Home, tx: WriteTransaction, papers: Sequence[Paper], approved: Collection[str], now: datetime
) -> list[RestoredBatch]:
    """Release what stands in the register, and bring the batches of these papers, and new ones, to their state.

    What is missing of a batch that had begun gets numbers now, past all that were given out; ``kezheng batch resume``
    issues it.
    """
    _release(tx, papers)
    ids = dict.fromkeys([*(paper.row.batch_id for paper in papers), *approved])
    return [_settle(home, tx, batch_id, now) for batch_id in ids]


def _release(tx: WriteTransaction, papers: Sequence[Paper]) -> None:
    """A correction whose predecessor is in force still was not handed out: it is released when it is resumed."""
    standing = standing_by_number(tx, [paper.claims.number for paper in papers])
    replaced = [found.supersedes for found in standing.values() if found.supersedes is not None]
    in_force = {found.number for found in standing_by_number(tx, replaced).values() if found.live}
    release_all(tx, [found.id for found in standing.values() if found.supersedes not in in_force])


def _settle(home: Home, tx: WriteTransaction, batch_id: str, now: datetime) -> RestoredBatch:
    batch, standing = require_batch(tx, batch_id), standing_of_batch(tx, batch_id)
    logged = [found for found in standing if found.state in _LOGGED]
    if batch.state is BatchState.VOID or not standing:
        return RestoredBatch(batch_id, batch.state, 0, 0, 0)
    missing, held = _missing(home, tx, batch, standing)
    if missing:
        institution = require_institution(tx, batch.institution_code)
        reserve_rows(home, tx, batch, institution, missing, now)
    waiting = len(standing) - len(logged) + len(missing)
    is_done = waiting == 0 and all(found.state is CertificateState.RELEASED for found in logged)
    state = BatchState.RELEASED if is_done else BatchState.ISSUING
    set_batch_state(tx, batch_id, state, (batch.released_at or now) if is_done else None)
    return RestoredBatch(batch_id, state, len(logged), waiting, held)


def _missing(
    home: Home, tx: WriteTransaction, batch: BatchRecord, standing: Sequence[Standing]
) -> tuple[list[ApprovedRow], int]:
    """The rows that earn a certificate and have none, and how many more of them have it from elsewhere."""
    have = {found.roster_row_id for found in standing}
    rows = read_again(home, tx, batch).by_id.values()
    missing = [row for row in rows if row.earns_certificate and row.id not in have]
    held = {
        (found.person_id, found.occupation_id, found.direction_key, found.grade)
        for found in live_standing(tx, {row.person_id for row in missing})
    }
    free = [row for row in missing if _place(row) not in held]
    return free, len(missing) - len(free)


def _place(row: ApprovedRow) -> tuple[object, ...]:
    subject = row.subject
    return row.person_id, subject.occupation_id, direction_key(subject.direction), subject.grade
