"""What signs: one small interface, fit for a key that never leaves its hardware."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.signing_key import kid_of


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
