"""How certificates change state: every change names the state it expects, and is refused in another.

reserved → prepared → signed → logged → released, or void before being logged. The functions take many
certificates and raise KezhengError ``certificate_state_changed`` unless every one of them changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Update, bindparam

from certs.errors import KezhengError
from registry.store.certificate_tables import (
    CERTIFICATE,
    CERTIFICATE_LOGGED,
    CERTIFICATE_PREPARED,
    CERTIFICATE_SEALED,
)
from registry.store.engine import WriteTransaction
from registry.store.rows import among, chunks, insert_records
from registry.store.states import CertificateState

VOIDABLE = frozenset({CertificateState.RESERVED, CertificateState.PREPARED, CertificateState.SIGNED})
_BEFORE_LOG = (CertificateState.PREPARED, CertificateState.SIGNED)
CERTIFICATES_RELEASED = "certificates released"
"""What a transaction notes of its releases."""
_CHANGED = "certificate_state_changed"


class PreparedCertificate(NamedTuple):
    """The bytes that will be signed, with which key, and the time they state."""

    certificate_id: int
    to_be_signed: bytes
    kid: bytes
    issued_at: datetime


class SignedCertificate(NamedTuple):
    """The sealed form of the bytes that were recorded, with its SHA-256."""

    certificate_id: int
    envelope: bytes
    envelope_digest: bytes


class LoggedCertificate(NamedTuple):
    """Where and when the register took an envelope in."""

    certificate_id: int
    leaf_index: int
    logged_at: datetime


def record_prepared(tx: WriteTransaction, certificates: Sequence[PreparedCertificate]) -> None:
    """reserved → prepared: what is going to be signed is on record before it is."""
    insert_records(tx.connection, CERTIFICATE_PREPARED, certificates)
    _move(tx, _ids(certificates), (CertificateState.RESERVED,), CertificateState.PREPARED)


def prepare_again(tx: WriteTransaction, certificates: Sequence[PreparedCertificate]) -> None:
    """prepared or signed → prepared with a new time, for what lay too long before it could be logged.

    An old signature is dropped: nothing of it was logged or handed out.
    """
    ids = _ids(certificates)
    for chunk in chunks(ids):
        tx.connection.execute(
            CERTIFICATE_SEALED.delete().where(among(tx.connection, CERTIFICATE_SEALED.c.certificate_id, chunk))
        )
    _move(tx, ids, _BEFORE_LOG, CertificateState.PREPARED)
    if certificates:
        tx.connection.execute(_PREPARE_AGAIN, [_with_key(certificate) for certificate in certificates])


def record_signed(tx: WriteTransaction, certificates: Sequence[SignedCertificate]) -> None:
    """prepared → signed. A certificate that has a stored signature is never signed again."""
    insert_records(tx.connection, CERTIFICATE_SEALED, certificates)
    _move(tx, _ids(certificates), (CertificateState.PREPARED,), CertificateState.SIGNED)


def record_logged(tx: WriteTransaction, certificates: Sequence[LoggedCertificate]) -> None:
    """signed → logged, in the transaction that appends the entries to the register."""
    insert_records(tx.connection, CERTIFICATE_LOGGED, certificates)
    _move(tx, _ids(certificates), (CertificateState.SIGNED,), CertificateState.LOGGED)


def record_released(tx: WriteTransaction, certificate_ids: Sequence[int]) -> None:
    """logged → released: from now on the public side shows them."""
    _move(tx, certificate_ids, (CertificateState.LOGGED,), CertificateState.RELEASED)
    tx.noted[CERTIFICATES_RELEASED] += len(certificate_ids)


def void_certificates(
    tx: WriteTransaction, certificate_ids: Sequence[int], expected: CertificateState
) -> None:
    """reserved, prepared or signed → void; the number stays used, the person's place becomes free.

    Raises ValueError for a later state: what was logged is cancelled by a status event, never made void.
    """
    if expected not in VOIDABLE:
        raise ValueError(f"a {expected} certificate cannot be void")
    _move(tx, certificate_ids, (expected,), CertificateState.VOID, is_void=True, live=False, supersedes=None)


def give_up_places(tx: WriteTransaction, numbers: Sequence[str]) -> None:
    """Free the places of certificates that were revoked or cancelled (``certificate_not_live`` otherwise)."""
    _change_all(tx, numbers, _GIVE_UP, "certificate_not_live")


def hand_over_place(tx: WriteTransaction, predecessor: str, successor: str) -> None:
    """Move the person's place from a certificate to the one that replaces it.

    Raises ``certificate_not_live`` unless the predecessor held it and the successor names it as predecessor.
    """
    give_up_places(tx, [predecessor])
    take = CERTIFICATE.update().where(
        CERTIFICATE.c.number == successor,
        CERTIFICATE.c.supersedes == predecessor,
        CERTIFICATE.c.state != CertificateState.VOID,
    )
    if tx.connection.execute(take.values(live=True)).rowcount != 1:
        raise KezhengError("certificate_not_live", expected=1, changed=0)


_GIVE_UP = CERTIFICATE.update().where(CERTIFICATE.c.live).values(live=False)
_PREPARE_AGAIN = (
    CERTIFICATE_PREPARED.update()
    .where(CERTIFICATE_PREPARED.c.certificate_id == bindparam("key"))
    .values({name: bindparam(name) for name in PreparedCertificate._fields if name != "certificate_id"})
)


def _with_key(certificate: PreparedCertificate) -> dict[str, Any]:
    values = certificate._asdict()
    return values | {"key": values.pop("certificate_id")}


def _ids(
    certificates: Sequence[PreparedCertificate] | Sequence[SignedCertificate] | Sequence[LoggedCertificate],
) -> list[int]:
    return [certificate.certificate_id for certificate in certificates]


def _move(
    tx: WriteTransaction,
    certificate_ids: Sequence[int],
    expected: Collection[CertificateState],
    new: CertificateState,
    **values: Any,
) -> None:
    """Many certificates by one statement per chunk: they all change alike."""
    update = CERTIFICATE.update().where(CERTIFICATE.c.state.in_(expected)).values(state=new, **values)
    changed = 0
    for chunk in chunks(certificate_ids):
        changed += tx.connection.execute(update.where(among(tx.connection, CERTIFICATE.c.id, chunk))).rowcount
    _require_all(changed, len(certificate_ids), _CHANGED)


def _change_all(tx: WriteTransaction, numbers: Sequence[str], update: Update, code: str) -> None:
    changed = 0
    for chunk in chunks(numbers):
        changed += tx.connection.execute(update.where(among(tx.connection, CERTIFICATE.c.number, chunk))).rowcount
    _require_all(changed, len(numbers), code)


def _require_all(changed: int, expected: int, code: str) -> None:
    if changed != expected:
        raise KezhengError(code, expected=expected, changed=changed)
