"""Certificates by the key under which the public register took them in, and when.

Time and key are those of the register's own entries, whatever other columns say.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, func, select

from certs.log_entry import HEAD_LENGTH
from certs.signing_key import KID_LENGTH
from registry.store.certificate_tables import CERTIFICATE, CERTIFICATE_LOGGED, CERTIFICATE_PREPARED
from registry.store.engine import ReadTransaction
from registry.store.log_tables import LOG_ENTRY
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


# An entry is kind (1 byte) ‖ time (8, big-endian) ‖ kid (8) ‖ digest: as bytes, times sort like numbers.
_logged: ColumnElement[bytes] = func.substr(LOG_ENTRY.c.entry, 2, HEAD_LENGTH - 1, type_=LargeBinary())
_signer: ColumnElement[bytes] = func.substr(LOG_ENTRY.c.entry, HEAD_LENGTH + 1, KID_LENGTH, type_=LargeBinary())
_JOINED = CERTIFICATE.join(CERTIFICATE_LOGGED, CERTIFICATE_LOGGED.c.certificate_id == CERTIFICATE.c.id).join(
    LOG_ENTRY, LOG_ENTRY.c.leaf_index == CERTIFICATE_LOGGED.c.leaf_index
)


def counts_of_key(tx: ReadTransaction, kid: bytes, since_ms: int) -> CountsOfKey:
    """The counts of a key around an instant (ms UTC); an entry of that very millisecond counts as since."""
    logged = select(func.count()).select_from(_JOINED).where(_signer == kid)
    before = logged.where(_logged < _big_endian(since_ms))
    since = logged.where(_logged >= _big_endian(since_ms))
    open_ones = CERTIFICATE.join(CERTIFICATE_PREPARED, CERTIFICATE_PREPARED.c.certificate_id == CERTIFICATE.c.id)
    query = select(func.count()).select_from(open_ones)
    waiting = query.where(CERTIFICATE_PREPARED.c.kid == kid, CERTIFICATE.c.state.in_(_NOT_LOGGED))
    return CountsOfKey(*(tx.connection.scalar(each) or 0 for each in (before, since, waiting)))


def logged_under_key(
    tx: ReadTransaction, kid: bytes, since_ms: int, *, limit: int | None = None, offset: int = 0
) -> list[LoggedUnderKey]:
    """The certificates of a key whose present paper was logged at or after an instant, in the register's order."""
    query = (
        select(
            CERTIFICATE.c.id,
            CERTIFICATE.c.number,
            CERTIFICATE.c.batch_id,
            CERTIFICATE.c.state,
            CERTIFICATE_LOGGED.c.leaf_index,
            _logged.label("time"),
        )
        .select_from(_JOINED)
        .where(_signer == kid, _logged >= _big_endian(since_ms))
        .order_by(CERTIFICATE_LOGGED.c.leaf_index)
    )
    found = tx.connection.execute(query.limit(limit).offset(offset) if limit is not None else query)
    return [LoggedUnderKey._make((*row[:5], int.from_bytes(row.time, "big"))) for row in found]


def _big_endian(milliseconds: int) -> bytes:
    return max(0, milliseconds).to_bytes(8, "big")
