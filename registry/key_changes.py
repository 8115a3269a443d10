"""An institution's keys from the first to the last day: a further one, one in another's place, the end of one.

Every change is an entry of the public register and stands in the trust list of the same transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from certs.errors import KezhengError
from certs.log_entry import KeyAct, LogBody, key_body
from certs.timestamps import instant_from_ms
from keys.key_admission import CHALLENGE_LENGTH, admit_public_key, prove_possession
from keys.key_record import KeyRole
from keys.signer import Signer
from registry.directory import key_added, require_institution
from registry.home import Home
from registry.signing_keys import keys_of_institution, require_signing_key
from registry.store.audit_store import record_act
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.log_store import read_tree
from registry.store.signing_key_store import (
    SigningKeyRecord,
    add_signing_key,
    retire_signing_key,
    signing_keys,
)

_SECOND = timedelta(seconds=1)


class KeyChange(NamedTuple):
    """What became of an institution's keys."""

    added: SigningKeyRecord | None
    retired: tuple[SigningKeyRecord, ...]


def add_key(home: Home, code: str, by: str, now: datetime) -> SigningKeyRecord:
    """A further key for an institution, in use at once beside the others. Raises ``institution_unknown``."""
    with home.recording() as tx:
        require_institution(tx, code)
        key = new_key(home, tx, code, now)
        logged = home.log(tx, [key_added(key)], now)
        key = key._replace(log_index=logged.first_index)
        add_signing_key(tx, key)
        record_act(tx, now, by, "key_added", code, kid=key.kid.hex())
        home.publish_trust(tx, now)
        return key


def rotate_key(home: Home, code: str, by: str, now: datetime) -> KeyChange:
    """A new key, and the end of all others that have none yet, at once. Raises ``institution_unknown``."""
    with home.recording() as tx:
        require_institution(tx, code)
        old = [key for key in keys_of_institution(tx, code) if key.retired_at is None and key.compromised_at is None]
        new = new_key(home, tx, code, now)
        end = _end_of_use(tx, now)
        logged = home.log(tx, [key_added(new), *(_retirement(key, end) for key in old)], now)
        new = new._replace(log_index=logged.first_index)
        add_signing_key(tx, new)
        ended = _retire(tx, old, end, logged.first_index + 1)
        record_act(tx, now, by, "key_rotated", code, kid=new.kid.hex(), retired=len(ended))
        home.publish_trust(tx, now)
        return KeyChange(new, ended)


def retire_key(home: Home, kid: bytes, at: datetime | None, by: str, now: datetime) -> SigningKeyRecord:
    """The end of a key, now or at a later instant (whole seconds); what was logged by then stays good.

    Raises KezhengError ``signing_key_unknown``, ``key_state_changed`` for one that is retired already,
    ``retirement_in_past``: an earlier end would take the ground from what was logged since.
    """
    with home.recording() as tx:
        key = require_signing_key(tx, kid)
        earliest = _end_of_use(tx, now)
        end = earliest if at is None else at.replace(microsecond=0)
        if end < earliest:
            raise KezhengError("retirement_in_past")
        logged = home.log(tx, [_retirement(key, end)], now)
        [ended] = _retire(tx, [key], end, logged.first_index)
        record_act(tx, now, by, "key_retired", kid.hex())
        home.publish_trust(tx, now)
        return ended


def new_key(home: Home, tx: ReadTransaction, code: str, now: datetime) -> SigningKeyRecord:
    """A key of an institution that is fit for the trust list and not yet in it.

    One that an interrupted run left behind is taken instead of making another.
    """
    known = {key.kid for key in signing_keys(tx, KeyRole.INSTITUTION.value)}
    left = [
        record
        for record in home.keystore.records()
        if (record.role, record.owner) == (KeyRole.INSTITUTION, code) and record.kid not in known
    ]
    signer = home.keyring.signer_by_kid(left[-1].kid) if left else home.keyring.new_institution_signer(code, now)
    require_possession(signer)
    return SigningKeyRecord(signer.kid, KeyRole.INSTITUTION.value, code, signer.public_key, now)


def require_possession(signer: Signer) -> None:
    """Admit a key by a fresh challenge. Raises KezhengError as `admit_public_key` does."""
    challenge = secrets.token_bytes(CHALLENGE_LENGTH)
    admit_public_key(signer.public_key, prove_possession(signer, challenge), challenge)


def _end_of_use(tx: ReadTransaction, now: datetime) -> datetime:
    """The first whole second that is not before now nor before anything logged: verifiers compare with seconds."""
    earliest = max(now, instant_from_ms(read_tree(tx).newest_ms))
    whole = earliest.replace(microsecond=0)
    return whole if whole == earliest else whole + _SECOND


def _retirement(key: SigningKeyRecord, end: datetime) -> LogBody:
    return key_body(KeyAct.RETIRED, key.public_key, end)


def _retire(
    tx: WriteTransaction, keys: Sequence[SigningKeyRecord], end: datetime, first_index: int
) -> tuple[SigningKeyRecord, ...]:
    """Record the end of keys whose entries follow one another in the register."""
    for index, key in enumerate(keys, first_index):
        retire_signing_key(tx, key.kid, end, index)
    return tuple(
        key._replace(retired_at=end, retired_log_index=index) for index, key in enumerate(keys, first_index)
    )
