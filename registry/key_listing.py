"""All keys of a home in one view: what each is for, what the register says of it, and whether its file is here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from certs.delegation import Delegation
from certs.root_chain import RootKey
from keys.ceremony import next_root_folder, root_folder
from keys.key_record import KeyRecord, KeyRole, newest_of
from keys.keystore import has_keystore
from registry.home import Home
from registry.store.engine import ReadTransaction
from registry.store.signing_key_store import SigningKeyRecord, signing_keys

_NEWEST_COUNTS = (
    KeyRole.DATA_ENCRYPTION,
    KeyRole.BLIND_INDEX,
    KeyRole.STATUS_INDEX,
    KeyRole.DOCUMENT_CA,
    KeyRole.DOCUMENT,
)


class KeyState(StrEnum):
    """What a key may still do. ``former``: followed by another one; ``unlisted``: a file that the register ignores."""

    IN_USE = "in_use"
    RETIRED = "retired"
    COMPROMISED = "compromised"
    FORMER = "former"
    UNLISTED = "unlisted"


class ListedKey(NamedTuple):
    """One key. ``owner`` is an institution's code; ``has_file``: the private part is in this home's keystore."""

    role: KeyRole
    owner: str | None
    kid: bytes
    since: datetime
    state: KeyState
    has_file: bool
    retired_at: datetime | None = None
    compromised_at: datetime | None = None


class KeyList(NamedTuple):
    """The keys of a home with the root and the delegation over them.

    ``root_here`` and ``next_root_here``: their folders lie on this machine, where they should not stay.
    """

    root: RootKey
    root_here: bool
    next_root_here: bool
    delegation: Delegation
    keys: tuple[ListedKey, ...]


def list_keys(home: Home, now: datetime, institution: str | None = None) -> KeyList:
    """Every key, or those of one institution."""
    folder, records = home.settings.keys_folder, home.keystore.records()
    with home.store.reading() as tx:
        root, delegation = home.own_root(tx), home.delegated(tx)
        own = [] if institution is not None else _own_keys(records, delegation)
        listed = own + _institution_keys(tx, records, institution, now)
    return KeyList(root, _is_here(root_folder(folder)), _is_here(next_root_folder(folder)), delegation, tuple(listed))


def _is_here(folder: Path) -> bool:
    return has_keystore(folder)


def _own_keys(records: Sequence[KeyRecord], delegation: Delegation) -> list[ListedKey]:
    own = [record for record in records if record.role is not KeyRole.INSTITUTION]
    return [
        ListedKey(record.role, None, record.kid, record.created_at, _own_state(record, own, delegation), True)
        for record in own
    ]


def _own_state(record: KeyRecord, own: Sequence[KeyRecord], delegation: Delegation) -> KeyState:
    if record.role in _NEWEST_COUNTS:
        newest = newest_of(own, record.role, None)
        return KeyState.IN_USE if record == newest else KeyState.FORMER
    in_use = [delegation.list_key, delegation.status_key, delegation.receipt_key, delegation.log.cosigner.public_key]
    in_use += [key.key.public_key for key in delegation.log.keys if key.final_root is None]
    return KeyState.IN_USE if record.public_key in in_use else KeyState.FORMER


def _institution_keys(
    tx: ReadTransaction, records: Sequence[KeyRecord], institution: str | None, now: datetime
) -> list[ListedKey]:
    files = {record.kid: record for record in records if record.role is KeyRole.INSTITUTION}
    known = signing_keys(tx, KeyRole.INSTITUTION.value)
    listed = [_listed(key, key.kid in files, now) for key in known]
    unknown = files.keys() - {key.kid for key in known}
    listed += [_unlisted(record) for kid, record in files.items() if kid in unknown]
    return [key for key in listed if institution in (None, key.owner)]


def _listed(key: SigningKeyRecord, has_file: bool, now: datetime) -> ListedKey:
    if key.compromised_at is not None:
        state = KeyState.COMPROMISED
    else:
        state = KeyState.IN_USE if key.retired_at is None or now <= key.retired_at else KeyState.RETIRED
    return ListedKey(
        KeyRole.INSTITUTION,
        key.institution_code,
        key.kid,
        key.not_before,
        state,
        has_file,
        key.retired_at,
        key.compromised_at,
    )


def _unlisted(record: KeyRecord) -> ListedKey:
    return ListedKey(KeyRole.INSTITUTION, record.owner, record.kid, record.created_at, KeyState.UNLISTED, True)
