"""Which keys of an institution may sign now: those that the register lists, not retired and not stolen.

A key file alone is none: a run that stopped between making a key and recording it leaves one that nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from certs.errors import KezhengError
from keys.key_record import KeyRole
from keys.signer import Signer
from registry.home import Home
from registry.store.engine import ReadTransaction
from registry.store.signing_key_store import SigningKeyRecord, signing_keys


def is_in_use(key: SigningKeyRecord, at: datetime) -> bool:
    """Whether what a key signs is good when it is logged at this instant."""
    return key.compromised_at is None and (key.retired_at is None or at <= key.retired_at)


def keys_of_institution(tx: ReadTransaction, code: str) -> list[SigningKeyRecord]:
    """Every key that an institution ever had, oldest first."""
    return [key for key in signing_keys(tx, KeyRole.INSTITUTION.value) if key.institution_code == code]


def require_signing_key(tx: ReadTransaction, kid: bytes) -> SigningKeyRecord:
    """The institution's key with this id. Raises KezhengError ``signing_key_unknown``."""
    found = next((key for key in signing_keys(tx, KeyRole.INSTITUTION.value) if key.kid == kid), None)
    if found is None:
        raise KezhengError("signing_key_unknown", kid=kid.hex())
    return found


def issuing_signer(home: Home, tx: ReadTransaction, code: str, now: datetime) -> Signer:
    """The newest key in use of an institution. Raises KezhengError ``no_key_in_use``."""
    held = {record.kid for record in home.keystore.records()}
    usable = [key for key in keys_of_institution(tx, code) if key.kid in held and is_in_use(key, now)]
    if not usable:
        raise KezhengError("no_key_in_use", institution=code)
    return home.keyring.signer_by_kid(max(usable, key=_place).kid)


def _place(key: SigningKeyRecord) -> int:
    """Where the register has the key: later means newer, also within one second."""
    return key.log_index or 0


def require_in_use(tx: ReadTransaction, kids: Collection[bytes], logged_at: datetime) -> None:
    """Refuse to log what a key signed that was retired or stolen meanwhile. Raises KezhengError ``key_not_in_use``."""
    for key in signing_keys(tx, KeyRole.INSTITUTION.value):
        if key.kid in kids and not is_in_use(key, logged_at):
            raise KezhengError("key_not_in_use", kid=key.kid.hex())
