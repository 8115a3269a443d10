"""The first day of a register: every key it needs, made once.

The root and the key that will follow it lie in keystores of their own, so that each folder can be carried
away as a whole. Of the next root only the thumbprint stays: the root is committed to it, and who steals
the root cannot appoint another successor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certs.errors import KezhengError
from certs.signing_key import base64url, from_base64url, thumbprint
from keys.key_record import KeyRecord, KeyRole
from keys.keystore import Keystore, create_keystore, has_keystore, open_keystore
from keys.private_files import make_private_folder, read_private, write_new_private

CEREMONY_FILE = "ceremony.json"
ON_LINE_ROLES = (
    KeyRole.LIST,
    KeyRole.LOG,
    KeyRole.LOG_COSIGNATURE,
    KeyRole.STATUS,
    KeyRole.RECEIPT,
    KeyRole.DOCUMENT_CA,
    KeyRole.DOCUMENT,
)
DATA_ROLES = (KeyRole.DATA_ENCRYPTION, KeyRole.BLIND_INDEX, KeyRole.STATUS_INDEX)
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class RootCommitment:
    """The root's public key (32 bytes) and the RFC 7638 thumbprint of the next root, unpadded base64url."""

    public_key: bytes
    next_thumbprint: str


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What the ceremony left: root, newest on-line keys by role, and the keys made just now."""

    root: RootCommitment
    keys: dict[KeyRole, KeyRecord]
    created: tuple[KeyRecord, ...]


def root_folder(keys_folder: Path) -> Path:
    """The root's own keystore; carried off-line after the first delegation is signed."""
    return keys_folder / "root"


def next_root_folder(keys_folder: Path) -> Path:
    """The next root's own keystore; to be carried to another place at once."""
    return keys_folder / "next-root"


def hold_ceremony(keys_folder: Path, passphrase: bytes, now: datetime) -> Ceremony:
    """Make whatever is missing of root, next root, on-line and data keys; nothing is made twice.

    After an interruption it goes on where it stopped, and a home of an older version gets the keys of the
    roles that are new. Once the ceremony is recorded, root and next root
    are never made again, even when their folders have been carried away. Raises KezhengError as
    ``open_keystore`` does.
    """
    make_private_folder(keys_folder)
    created: list[KeyRecord] = []
    commitment = read_commitment(keys_folder) or _make_roots(keys_folder, passphrase, now, created)
    keystore = _open_or_create(keys_folder, passphrase)
    keys = {role: _key_of(keystore, role, now, created) for role in ON_LINE_ROLES + DATA_ROLES}
    return Ceremony(commitment, keys, tuple(created))


def read_commitment(keys_folder: Path) -> RootCommitment | None:
    """The root and its commitment as recorded on the first day, or None before it."""
    path = keys_folder / CEREMONY_FILE
    if not path.is_file():
        return None
    try:
        members = json.loads(read_private(path))
        root, following = from_base64url(members["root"]), members["next_root_thumbprint"]
        if members["format"] != _FORMAT or len(root) != 32 or len(from_base64url(following)) != 32:
            raise KezhengError("keystore_damaged")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KezhengError("keystore_damaged") from error
    return RootCommitment(root, following)


def open_root_keystore(keys_folder: Path, passphrase: bytes) -> Keystore:
    """The root keystore, to sign a delegation. Raises ``root_key_off_line`` when it was carried away."""
    folder = root_folder(keys_folder)
    if not has_keystore(folder):
        raise KezhengError("root_key_off_line", path=str(folder))
    return open_keystore(folder, passphrase)


def make_institution_key(keystore: Keystore, institution_code: str, now: datetime) -> KeyRecord:
    """A new signing key for an institution; older ones stay, to be retired in the register."""
    return keystore.generate_signing_key(KeyRole.INSTITUTION, institution_code, now)


def _make_roots(
    keys_folder: Path, passphrase: bytes, now: datetime, created: list[KeyRecord]
) -> RootCommitment:
    folders = (root_folder(keys_folder), next_root_folder(keys_folder))
    root, following = (
        _public_key(_key_of(_open_or_create(folder, passphrase), KeyRole.ROOT, now, created))
        for folder in folders
    )
    commitment = RootCommitment(root, base64url(thumbprint(following)))
    members = {"format": _FORMAT, "root": base64url(root), "next_root_thumbprint": commitment.next_thumbprint}
    write_new_private(keys_folder / CEREMONY_FILE, (json.dumps(members, indent=2) + "\n").encode("ascii"))
    return commitment


def _open_or_create(folder: Path, passphrase: bytes) -> Keystore:
    return open_keystore(folder, passphrase) if has_keystore(folder) else create_keystore(folder, passphrase)


def _key_of(keystore: Keystore, role: KeyRole, now: datetime, created: list[KeyRecord]) -> KeyRecord:
    found = keystore.newest(role)
    if found is None:
        found = _generate(keystore, role, now)
        created.append(found)
    return found


def _generate(keystore: Keystore, role: KeyRole, now: datetime) -> KeyRecord:
    return (
        keystore.generate_signing_key(role, None, now) if role.signs else keystore.generate_secret(role, now)
    )


def _public_key(record: KeyRecord) -> bytes:
    if record.public_key is None:
        raise KezhengError("keystore_damaged")
    return record.public_key
