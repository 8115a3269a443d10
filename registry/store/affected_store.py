"""Certificates by the key under which the public register took them in, and when.

Time and key are those of the register's own entries, whatever other columns say. Entries are in the order of their
times, so an instant is a place among them, found by halves; and a key signs for one institution, whose certificates are
found by its batches. Nobody reads through the register.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, case, func, select

from certs.errors import KezhengError
from certs.log_entry import HEAD_LENGTH
from certs.signing_key import KID_LENGTH
from registry.store.certificate_tables import CERTIFICATE, CERTIFICATE_LOGGED, CERTIFICATE_PREPARED
from registry.store.engine import ReadTransaction
from registry.store.institution_tables import SIGNING_KEY
from registry.store.log_store import read_tree
from registry.store.log_tables import LOG_ENTRY
from registry.store.roster_tables import BATCH
from registry.store.rows import among, chunks
from registry.store.states import CertificateState

_NOT_LOGGED = (CertificateState.PREPARED, CertificateState.SIGNED)


class LoggedUnderKey(NamedTuple):
    """A certificate whose present paper one key signed; ``logged_ms`` (UTC) is the time of its entry."""

    certificate_id: int
    number: str
    batch_id: str
    state: CertificateState
    leaf_index: int
    logged_ms: int


class CountsOfKey(NamedTuple):
    """How many present papers of a key were logged before an instant, from it on, and not at all yet."""

    before: int
    since: int
    not_logged: int


# An entry is kind (1 byte) ‖ time (8, big-endian) ‖ kid (8) ‖ digest.
_TIME = slice(1, HEAD_LENGTH)
_logged: ColumnElement[bytes] = func.substr(LOG_ENTRY.c.entry, 2, HEAD_LENGTH - 1, type_=LargeBinary())
_signer: ColumnElement[bytes] = func.substr(LOG_ENTRY.c.entry, HEAD_LENGTH + 1, KID_LENGTH, type_=LargeBinary())
_LOGGED = CERTIFICATE.join(CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id).join(
    LOG_ENTRY, LOG_ENTRY.c.leaf_index == CERTIFICATE_LOGGED.c.leaf_index
)
_PREPARED = CERTIFICATE.join(CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id)


def counts_of_key(tx: ReadTransaction, kid: bytes, since_ms: int) -> CountsOfKey:
    """The counts of a key around an instant (ms UTC); an entry of that very millisecond counts as since.

    Raises KezhengError ``log_damaged``.
    """
    # The signer is no condition: PostgreSQL would take it for a rare one, and read the register to find it.
    is_mine, first = _signer == kid, first_place_since(tx, since_ms)
    is_since = is_mine & (CERTIFICATE_LOGGED.c.leaf_index >= first)
    logged = select(_many(is_mine), _many(is_since)).select_from(_LOGGED)
    waits = CERTIFICATE.c.state.in_(_NOT_LOGGED) & (CERTIFICATE_PREPARED.c.kid == kid)
    waiting = select(func.count()).select_from(_PREPARED).where(waits)
    before = since = not_logged = 0
    for batches in chunks(_batches_of(tx, kid)):
        mine = among(tx.connection, CERTIFICATE.c.batch_id, batches)
        found, later = tx.connection.execute(logged.where(mine)).one()
        before, since = before + found - later, since + later
        not_logged += tx.connection.scalar(waiting.where(mine)) or 0
    return CountsOfKey(before, since, not_logged)


def first_place_since(tx: ReadTransaction, since_ms: int) -> int:
    """The place of the first entry at or after an instant (ms UTC); the register's size when there is none.

    Raises KezhengError ``log_damaged`` where an entry is missing.
    """
    low, high = 0, read_tree(tx).size
    while low < high:
        middle = (low + high) // 2
        entry = tx.connection.scalar(select(LOG_ENTRY.c.entry).where(LOG_ENTRY.c.leaf_index == middle))
        if entry is None:
            raise KezhengError("log_damaged")
        if int.from_bytes(entry[_TIME], "big") < since_ms:
            low = middle + 1
        else:
            high = middle
    return low


def logged_under_key(
    tx: ReadTransaction, kid: bytes, since_ms: int, *, limit: int | None = None, offset: int = 0
) -> list[LoggedUnderKey]:
    """The certificates of a key whose present paper was logged at or after an instant, in the register's order.

    Raises KezhengError ``log_damaged``.
    """
    first = first_place_since(tx, since_ms)
    query = (
        select(
            CERTIFICATE.c.id,
            CERTIFICATE.c.number,
            CERTIFICATE.c.batch_id,
            CERTIFICATE.c.state,
            CERTIFICATE_LOGGED.c.leaf_index,
            _logged.label("time"),
        )
        .select_from(_LOGGED)
        .where(CERTIFICATE_LOGGED.c.leaf_index >= first, LOG_ENTRY.c.leaf_index >= first, _signer == kid)
        .order_by(CERTIFICATE_LOGGED.c.leaf_index)
    )
    found = tx.connection.execute(query.limit(limit).offset(offset) if limit is not None else query)
    return [LoggedUnderKey._make((*row[:5], int.from_bytes(row.time, "big"))) for row in found]


def _many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows meet a condition."""
    return func.count(case((condition, 1)))


def _batches_of(tx: ReadTransaction, kid: bytes) -> list[str]:
    """The batches of the institution that a key belongs to."""
    owner = tx.connection.scalar(select(SIGNING_KEY.c.institution_code).where(SIGNING_KEY.c.kid == kid))
    return list(tx.connection.scalars(select(BATCH.c.id).where(BATCH.c.institution_code == owner)))
