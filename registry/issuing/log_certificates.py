"""signed → logged: the register takes in a chunk of envelopes in the transaction that says so, and is published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from certs.authority import AuthorityLimits
from certs.cose import take_apart
from certs.errors import KezhengError
from certs.log_entry import LogBody, certificate_body
from registry.home import Home
from registry.signing_keys import require_in_use
from registry.store.certificate_states import LoggedCertificate, record_logged
from registry.store.issuing_store import Logged, Sealed


def oldest_to_log(limits: AuthorityLimits, now: datetime) -> datetime:
    """Certificates issued before this are not logged any more: half of the allowed delay is kept in reserve."""
    return now - timedelta(hours=limits.log_delay_hours) / 2


def log_certificates(home: Home, chunk: Sequence[Sealed], now: datetime) -> list[Logged]:
    """Log signed certificates and publish the register that holds them.

    Raises KezhengError ``certificate_too_old_to_log``, ``key_not_in_use`` for a key that was retired or stolen since
    it signed, ``log_clock_behind``, ``log_rollback``.
    """
    oldest = oldest_to_log(home.settings.limits, now)
    if any(sealed.issued_at < oldest for sealed in chunk):
        raise KezhengError("certificate_too_old_to_log")
    with home.recording() as tx:
        appended = home.log(tx, [_body(sealed) for sealed in chunk], now, max(sealed.issued_at for sealed in chunk))
        require_in_use(tx, {take_apart(sealed.envelope).kid for sealed in chunk}, appended.at)
        logged = [
            LoggedCertificate(sealed.id, index, appended.at)
            for index, sealed in enumerate(chunk, appended.first_index)
        ]
        record_logged(tx, logged)
    return [Logged(*sealed, place.leaf_index) for sealed, place in zip(chunk, logged, strict=True)]


def _body(sealed: Sealed) -> LogBody:
    return certificate_body(take_apart(sealed.envelope).kid, hashlib.sha256(sealed.envelope).digest())
