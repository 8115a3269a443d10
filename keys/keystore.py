"""The file keystore: one JSON file for each key, private parts encrypted under one passphrase.

The passphrase is stretched once for each opening (scrypt, RFC 7914, N = 2^17, r = 8, p = 1, salt in
``keystore.json``) to an AES-256 key; each private part is sealed with AES-256-GCM (NIST SP 800-38D) and bound
to the open part of its file, so that neither role, owner, date nor public key can be changed unseen.
"""

from __future__ import annotations

import json
import secrets
from binascii import Error as Base64Error
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from certs.errors import KezhengError
from certs.signing_key import KID_LENGTH, base64url, from_base64url
from keys.key_algorithm import ED25519, ML_DSA_44, P256, KeyAlgorithm, p256_private_key
from keys.key_record import (
    FORMAT,
    KEY_FILE_SUFFIX,
    KeyRecord,
    KeyRole,
    SealedKey,
    bound_data,
    by_age,
    file_name,
    from_file,
    newest_of,
    require_owner,
    to_file,
)
from keys.private_files import make_private_folder, read_private, require_private, write_new_private
from keys.signer import FileCosignatureSigner, FileSigner

HEADER_FILE = "keystore.json"
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
"""128 MiB and about 0.3 s: what a guess at the passphrase costs."""
SECRET_LENGTH = 32
_SALT_LENGTH = 32
_NONCE_LENGTH = 12
_CHECK = b"kezheng keystore"


class _Header(NamedTuple):
    """Salt, and a known text under the stretched key: tells a wrong passphrase from a damaged key."""

    salt: bytes
    nonce: bytes
    check: bytes


class Keystore:
    """An open keystore. Holds the stretched key in memory, private keys only while they are asked for."""

    def __init__(self, folder: Path, wrapping: AESGCM) -> None:
        """Use ``create_keystore`` or ``open_keystore``."""
        self._folder = folder
        self._wrapping = wrapping

    def records(self) -> list[KeyRecord]:
        """The open part of every key, oldest first. Raises ``keystore_damaged``, ``keystore_permissions``."""
        return key_records(self._folder)

    def newest(self, role: KeyRole, owner: str | None = None) -> KeyRecord | None:
        """The youngest key of a role and owner, or None."""
        return newest_of(self.records(), role, owner)

    def generate_signing_key(self, role: KeyRole, owner: str | None, created_at: datetime) -> KeyRecord:
        """A new key pair of the role's algorithm. Raises ValueError for a role that does not sign."""
        require_owner(role, owner)
        private = role.algorithm.generate()
        public_key = role.algorithm.public_key(private)
        record = KeyRecord(role, owner, role.algorithm.kid(public_key), created_at, public_key)
        return self._store(record, private)

    def generate_secret(self, role: KeyRole, created_at: datetime) -> KeyRecord:
        """A new 32-byte secret with a random key id. Raises ValueError for a role that signs."""
        if role.signs:
            raise ValueError("a signing key has a public part")
        record = KeyRecord(role, None, secrets.token_bytes(KID_LENGTH), created_at, None)
        return self._store(record, secrets.token_bytes(SECRET_LENGTH))

    def signer(self, record: KeyRecord) -> FileSigner:
        """The signer of an Ed25519 key that is listed. Raises ``key_not_found``, ``keystore_damaged``."""
        return FileSigner(self._open_private(record, ED25519))

    def cosignature_signer(self, record: KeyRecord, name: str) -> FileCosignatureSigner:
        """The signer of an ML-DSA-44 key under a cosigner's name. Raises as ``signer`` does."""
        return FileCosignatureSigner(self._open_private(record, ML_DSA_44), name)

    def document_key(self, record: KeyRecord) -> EllipticCurvePrivateKey:
        """A P-256 key itself, for the code of this package that makes X.509 certificates and PDF signatures.

        Raises as ``signer`` does.
        """
        return p256_private_key(self._open_private(record, P256))

    def secret(self, record: KeyRecord) -> bytes:
        """The 32 bytes of a data key. Raises as ``signer`` does; ValueError for a signing key."""
        if record.role.signs:
            raise ValueError("signing keys are used through a signer")
        return self._open(record)

    def _store(self, record: KeyRecord, private: bytes) -> KeyRecord:
        nonce = secrets.token_bytes(_NONCE_LENGTH)
        sealed = self._wrapping.encrypt(nonce, private, bound_data(record))
        write_new_private(self._folder / file_name(record), to_file(SealedKey(record, nonce, sealed)))
        return record

    def _open_private(self, record: KeyRecord, algorithm: KeyAlgorithm) -> bytes:
        """The private part of a key pair of this algorithm, checked against the listed public key."""
        if not record.role.signs or record.role.algorithm is not algorithm:
            raise KezhengError("key_not_found", kid=record.kid.hex())
        private = self._open(record)
        if algorithm.public_key(private) != record.public_key:
            raise KezhengError("keystore_damaged")
        return private

    def _open(self, record: KeyRecord) -> bytes:
        path = self._folder / file_name(record)
        if not path.is_file():
            raise KezhengError("key_not_found", kid=record.kid.hex())
        key = from_file(read_private(path))
        try:
            private = self._wrapping.decrypt(key.nonce, key.sealed, bound_data(key.record))
        except InvalidTag as error:
            raise KezhengError("keystore_damaged") from error
        if key.record != record or len(private) != SECRET_LENGTH:
            raise KezhengError("keystore_damaged")
        return private


def create_keystore(folder: Path, passphrase: bytes) -> Keystore:
    """Make an empty keystore. Raises ``key_file_exists`` when there is one, ``passphrase_missing``."""
    make_private_folder(folder)
    salt, nonce = secrets.token_bytes(_SALT_LENGTH), secrets.token_bytes(_NONCE_LENGTH)
    wrapping = _stretch(passphrase, salt)
    header = _Header(salt, nonce, wrapping.encrypt(nonce, _CHECK, salt))
    write_new_private(folder / HEADER_FILE, _header_to_file(header))
    return Keystore(folder, wrapping)


def open_keystore(folder: Path, passphrase: bytes) -> Keystore:
    """Open a keystore.

    Raises KezhengError ``keystore_missing``, ``keystore_permissions``, ``keystore_damaged``,
    ``keystore_passphrase_wrong``.
    """
    header = _read_header(folder)
    wrapping = _stretch(passphrase, header.salt)
    try:
        wrapping.decrypt(header.nonce, header.check, header.salt)
    except InvalidTag as error:
        raise KezhengError("keystore_passphrase_wrong") from error
    return Keystore(folder, wrapping)


def has_keystore(folder: Path) -> bool:
    """Whether there is a keystore in a folder."""
    return (folder / HEADER_FILE).is_file()


def key_records(folder: Path) -> list[KeyRecord]:
    """The open part of every key in a keystore, oldest first; needs no passphrase, so it proves nothing."""
    require_private(folder)
    found = [_record_of(path) for path in folder.glob(f"*{KEY_FILE_SUFFIX}")]
    return sorted(found, key=by_age)


def _record_of(path: Path) -> KeyRecord:
    record = from_file(read_private(path)).record
    if file_name(record) != path.name:
        raise KezhengError("keystore_damaged")
    return record


def _stretch(passphrase: bytes, salt: bytes) -> AESGCM:
    if not passphrase:
        raise KezhengError("passphrase_missing")
    return AESGCM(
        Scrypt(salt=salt, length=SECRET_LENGTH, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
    )


def _header_to_file(header: _Header) -> bytes:
    members = {"format": FORMAT, "kdf": f"scrypt-{SCRYPT_N}-{SCRYPT_R}-{SCRYPT_P}"}
    return json.dumps(members | {name: base64url(value) for name, value in header._asdict().items()}).encode(
        "ascii"
    )


def _read_header(folder: Path) -> _Header:
    if not has_keystore(folder):
        raise KezhengError("keystore_missing", path=str(folder))
    require_private(folder)
    try:
        members = json.loads(read_private(folder / HEADER_FILE))
        # The cost is a constant of this format: a file cannot talk us into a cheaper one.
        if members["format"] != FORMAT or members["kdf"] != f"scrypt-{SCRYPT_N}-{SCRYPT_R}-{SCRYPT_P}":
            raise KezhengError("keystore_damaged")
        header = _Header(*(from_base64url(members[name]) for name in _Header._fields))
    except (KeyError, TypeError, ValueError, AttributeError, Base64Error) as error:
        raise KezhengError("keystore_damaged") from error
    if (len(header.salt), len(header.nonce)) != (_SALT_LENGTH, _NONCE_LENGTH):
        raise KezhengError("keystore_damaged")
    return header
