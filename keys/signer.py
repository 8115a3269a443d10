"""What signs: small interfaces, fit for a key that never leaves its hardware."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from certs.signing_key import kid_of
from keys.key_algorithm import ML_DSA_44
from keys.key_record import KeyRecord, KeyRole


class Signer(Protocol):
    """A private Ed25519 key somewhere. Whoever holds a signer cannot read the key through it."""

    @property
    def kid(self) -> bytes:
        """The key id, 8 bytes (RFC 7638 SHA-256 thumbprint, shortened)."""

    @property
    def public_key(self) -> bytes:
        """The public key, 32 raw bytes."""

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (RFC 8032 §5.1.6) over the message, 64 bytes."""


class CosignatureSigner(Protocol):
    """A private ML-DSA-44 key that signs the log's checkpoints as a C2SP cosigner."""

    @property
    def name(self) -> str:
        """The cosigner's name: stands in the signature line and in every message that it signs."""

    @property
    def kid(self) -> bytes:
        """The key id, the first 8 bytes of SHA-256 over the public key. Not the key id of the signature line."""

    @property
    def public_key(self) -> bytes:
        """The public key (FIPS 204 pkEncode), 1312 bytes."""

    def sign(self, message: bytes) -> bytes:
        """The ML-DSA-44 signature (FIPS 204 §5.2, empty context) over the message, 2420 bytes."""


class SigningKeystore(Protocol):
    """Where Ed25519 keys are made, listed and used: the files of a folder, or a hardware module."""

    def records(self) -> list[KeyRecord]:
        """The open part of every key, oldest first."""

    def newest(self, role: KeyRole, owner: str | None = None) -> KeyRecord | None:
        """The youngest key of a role and owner, or None."""

    def generate_signing_key(self, role: KeyRole, owner: str | None, created_at: datetime) -> KeyRecord:
        """A new key."""

    def signer(self, record: KeyRecord) -> Signer:
        """The signer of a key that is listed."""


class FileSigner:
    """A signer whose key was read from a file of the keystore and is in memory while it exists."""

    __slots__ = ("_key", "kid", "public_key")

    def __init__(self, private_key: bytes) -> None:
        """Take the 32-byte private key (RFC 8032 §5.1.5 seed). Raises ValueError for another length."""
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.kid = kid_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes; the same for the same message."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"FileSigner({self.kid.hex()})"


class FileCosignatureSigner:
    """A cosigner whose key was read from a file of the keystore and is in memory while it exists."""

    __slots__ = ("_key", "kid", "name", "public_key")

    def __init__(self, seed: bytes, name: str) -> None:
        """Take the 32-byte seed (FIPS 204 §6.1). Raises ValueError for another length."""
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.name = name
        self.public_key = self._key.public_key().public_bytes_raw()
        self.kid = ML_DSA_44.kid(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature, 2420 bytes; another one at each call, since FIPS 204 signing is hedged."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"FileCosignatureSigner({self.name}, {self.kid.hex()})"
