"""The kinds of key pair that the keystore holds: how each is made, told from its private part, and named.

Every private part is 32 bytes, so that one format of file holds them all. Ed25519 signs whatever a verifier
reads (RFC 8032); ML-DSA-44 the log's second line (FIPS 204, C2SP tlog-cosignature); P-256 what PDF readers must
understand.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.signing_key import KID_LENGTH, PUBLIC_KEY_LENGTH, kid_of

PRIVATE_LENGTH = 32
ML_DSA_44_PUBLIC_LENGTH = 1312
P256_PUBLIC_LENGTH = 65


class KeyAlgorithm(NamedTuple):
    """How keys of one kind come about: a private part (32 bytes), from it the public key, from that the kid (8)."""

    name: str
    public_length: int
    generate: Callable[[], bytes]
    public_key: Callable[[bytes], bytes]
    kid: Callable[[bytes], bytes]


def p256_private_key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a private scalar (32 bytes, big-endian). Raises ValueError outside 1 … n − 1."""
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def _short_digest(public_key: bytes) -> bytes:
    return hashlib.sha256(public_key).digest()[:KID_LENGTH]


def _ed25519_public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _ml_dsa_44_public(seed: bytes) -> bytes:
    return MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def _p256_public(scalar: bytes) -> bytes:
    return p256_private_key(scalar).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _p256_scalar() -> bytes:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return number.to_bytes(PRIVATE_LENGTH, "big")


def _seed() -> bytes:
    """RFC 8032 §5.1.5 and FIPS 204 §6.1 both begin with 32 random bytes."""
    return secrets.token_bytes(PRIVATE_LENGTH)


ED25519 = KeyAlgorithm("Ed25519", PUBLIC_KEY_LENGTH, _seed, _ed25519_public, kid_of)
ML_DSA_44 = KeyAlgorithm("ML-DSA-44", ML_DSA_44_PUBLIC_LENGTH, _seed, _ml_dsa_44_public, _short_digest)
P256 = KeyAlgorithm("P-256", P256_PUBLIC_LENGTH, _p256_scalar, _p256_public, _short_digest)
"""Public keys of P-256 are uncompressed points (SEC 1 §2.3.3), 65 bytes."""
