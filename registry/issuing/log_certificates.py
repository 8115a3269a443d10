"""signed → logged: the register takes in a chunk of envelopes in the transaction that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from certs.authority import AuthorityLimits
from certs.cose import take_apart
from certs.errors import KezhengError
from certs.log_entry import certificate_body
from registry.home import Home
from registry.signing_keys import require_in_use
from registry.store.certificate_states import LoggedCertificate, record_logged
from registry.store.issuing_store import Logged, Sealed


def oldest_to_log(limits: AuthorityLimits, now: datetime) -> datetime:
    """Certificates issued before this are not logged any more: half of the allowed delay is kept in reserve."""
    return now - timedelta(hours=limits.log_delay_hours) / 2


def log_certificates(home: Home, chunk: Sequence[Sealed], now: datetime) -> list[Logged]:
    """Log signed certificates; who asks for it publishes the register then.

    Raises KezhengError ``certificate_too_old_to_log``, ``key_not_in_use`` for a key that was retired or stolen since
    it signed, ``log_clock_behind``, ``log_rollback``.
    """
    oldest = oldest_to_log(home.settings.limits, now)
    if any(sealed.issued_at < oldest for sealed in chunk):
        raise KezhengError("certificate_too_old_to_log")
    kids = [take_apart(sealed.envelope).kid for sealed in chunk]
    bodies = [
        certificate_body(kid, hashlib.sha256(sealed.envelope).digest())
        for kid, sealed in zip(kids, chunk, strict=True)
    ]
    with home.appending() as tx:
        appended = home.log(tx, bodies, now, max(sealed.issued_at for sealed in chunk))
        require_in_use(tx, set(kids), appended.at)
        places = range(appended.first_index, appended.first_index + len(chunk))
        record_logged(
            tx,
            [
                LoggedCertificate(sealed.id, index, appended.at)
                for index, sealed in zip(places, chunk, strict=True)
            ],
        )
    return [Logged(*sealed, index) for index, sealed in zip(places, chunk, strict=True)]
