"""What is public about a key, and the JSON file that a key is kept in."""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.signing_key import KID_LENGTH, base64url, from_base64url
from keys.key_algorithm import ED25519, ML_DSA_44, P256, KeyAlgorithm

FORMAT = 1
KEY_FILE_SUFFIX = ".key.json"


class KeyRole(StrEnum):
    """What a key may do, and it may do nothing else."""

    ROOT = "root"
    LIST = "list"
    LOG = "log"
    LOG_COSIGNATURE = "log_cosignature"
    STATUS = "status"
    RECEIPT = "receipt"
    DOCUMENT_CA = "document_ca"
    DOCUMENT = "document"
    INSTITUTION = "institution"
    DATA_ENCRYPTION = "data_encryption"
    BLIND_INDEX = "blind_index"
    STATUS_INDEX = "status_index"

    @property
    def signs(self) -> bool:
        """Whether it is a key pair; the others are 32 secret bytes without a public part."""
        return self not in _SYMMETRIC

    @property
    def algorithm(self) -> KeyAlgorithm:
        """The kind of key pair. Raises ValueError for a role that does not sign."""
        if not self.signs:
            raise ValueError("data keys do not sign")
        return _OTHER_ALGORITHMS.get(self, ED25519)


_SYMMETRIC = frozenset({KeyRole.DATA_ENCRYPTION, KeyRole.BLIND_INDEX, KeyRole.STATUS_INDEX})
_OTHER_ALGORITHMS = {KeyRole.LOG_COSIGNATURE: ML_DSA_44, KeyRole.DOCUMENT_CA: P256, KeyRole.DOCUMENT: P256}


class KeyRecord(NamedTuple):
    """The open part of a key. ``owner`` is an institution code, None for the register's own keys.

    ``kid`` has 8 bytes, ``public_key`` the raw form and length of the role's algorithm, None for data keys.
    """

    role: KeyRole
    owner: str | None
    kid: bytes
    created_at: datetime
    public_key: bytes | None


def newest_of(records: Iterable[KeyRecord], role: KeyRole, owner: str | None) -> KeyRecord | None:
    """The youngest key of a role and owner among records that come oldest first, or None."""
    fitting = [record for record in records if (record.role, record.owner) == (role, owner)]
    return fitting[-1] if fitting else None


def by_age(record: KeyRecord) -> tuple[datetime, bytes]:
    """Sorts records oldest first, and those of one instant always alike."""
    return (record.created_at, record.kid)


class SealedKey(NamedTuple):
    """A key as its file holds it: open part, nonce (12 bytes) and the encrypted 32 bytes with their tag."""

    record: KeyRecord
    nonce: bytes
    sealed: bytes


def require_owner(role: KeyRole, owner: str | None) -> None:
    """Raise ValueError unless a signing key of this role may have this owner."""
    if not role.signs or (owner is None) is (role is KeyRole.INSTITUTION):
        raise ValueError("only institutions' keys have an owner, and data keys do not sign")
    if owner is not None and not (owner.isascii() and owner.isalnum()):
        raise ValueError("an owner is an institution code: it becomes part of a file name")


def bound_data(record: KeyRecord) -> bytes:
    """What the encryption of the private part is bound to: the whole open part, in one fixed form."""
    return json.dumps(_open_members(record), sort_keys=True, separators=(",", ":")).encode("ascii")


def file_name(record: KeyRecord) -> str:
    """``list-registry-90facafea9b15566.key.json``; unique, because the kid is."""
    return f"{record.role}-{record.owner or 'registry'}-{record.kid.hex()}{KEY_FILE_SUFFIX}"


def to_file(key: SealedKey) -> bytes:
    """The bytes of the key's file."""
    members = {"format": FORMAT, **_open_members(key.record)}
    members |= {"nonce": base64url(key.nonce), "sealed": base64url(key.sealed)}
    return (json.dumps(members, indent=2) + "\n").encode("ascii")


def from_file(content: bytes) -> SealedKey:
    """The key of a file's bytes. Raises KezhengError ``keystore_damaged``."""
    try:
        members = json.loads(content)
        if members["format"] != FORMAT:
            raise KezhengError("keystore_damaged")
        key = SealedKey(_record(members), from_base64url(members["nonce"]), from_base64url(members["sealed"]))
    except (KeyError, TypeError, ValueError, AttributeError, Base64Error) as error:
        raise KezhengError("keystore_damaged") from error
    if len(key.nonce) != 12 or not _is_consistent(key.record):
        raise KezhengError("keystore_damaged")
    return key


def _open_members(record: KeyRecord) -> dict[str, Any]:
    public_key = None if record.public_key is None else base64url(record.public_key)
    return {
        "role": record.role.value,
        "owner": record.owner,
        "kid": base64url(record.kid),
        "created_at": record.created_at.astimezone(UTC).isoformat(),
        "public_key": public_key,
    }


def _record(members: dict[str, Any]) -> KeyRecord:
    public_key, owner = members["public_key"], members["owner"]
    if owner is not None and type(owner) is not str:
        raise ValueError("not an owner")
    return KeyRecord(
        role=KeyRole(members["role"]),
        owner=owner,
        kid=from_base64url(members["kid"]),
        created_at=datetime.fromisoformat(members["created_at"]),
        public_key=None if public_key is None else from_base64url(public_key),
    )


def _is_consistent(record: KeyRecord) -> bool:
    if record.created_at.tzinfo is None or len(record.kid) != KID_LENGTH:
        return False
    if record.public_key is None:
        return not record.role.signs
    if not record.role.signs:
        return False
    algorithm = record.role.algorithm
    return len(record.public_key) == algorithm.public_length and algorithm.kid(record.public_key) == record.kid
