"""Ed25519 public keys: their names, their JWK form and the one place that checks a signature.

A key is named by its *kid*, the first 8 bytes of its RFC 7638 SHA-256 thumbprint. A kid selects a key and proves
nothing.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certs.errors import KezhengError

KID_LENGTH = 8
PUBLIC_KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
ALGORITHM = "EdDSA"
"""RFC 8037 name; the COSE envelope uses the same algorithm as -8 (RFC 9053 §2.2)."""


def base64url(data: bytes) -> str:
    """Unpadded base64url (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes of unpadded base64url text. Raises ValueError unless the text is the encoding of its own bytes."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def thumbprint(public_key: bytes) -> bytes:
    """RFC 7638 SHA-256 thumbprint (32 bytes) of a raw Ed25519 public key, members as in RFC 8037 §2."""
    return hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url(public_key)}"}}'.encode("ascii")).digest()


def kid_of(public_key: bytes) -> bytes:
    """The 8-byte key id of a raw Ed25519 public key."""
    return thumbprint(public_key)[:KID_LENGTH]


def public_jwk(public_key: bytes, **extra: str) -> dict[str, Any]:
    """The key as a public JWK (RFC 8037), kid in base64url."""
    members = {"kty": "OKP", "crv": "Ed25519", "x": base64url(public_key), "alg": ALGORITHM, "use": "sig"}
    return members | {"kid": base64url(kid_of(public_key))} | extra


def public_key_of(jwk: dict[str, Any]) -> bytes:
    """The 32 raw bytes of a public Ed25519 JWK. Raises KezhengError ``key_malformed``."""
    try:
        if jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519" or "d" in jwk:
            raise KezhengError("key_malformed")
        raw = from_base64url(jwk["x"])
    except (KeyError, TypeError, ValueError) as error:
        raise KezhengError("key_malformed") from error
    if len(raw) != PUBLIC_KEY_LENGTH:
        raise KezhengError("key_malformed")
    return raw


@lru_cache(maxsize=4096)
def _loaded(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's Ed25519 signature (RFC 8032 §5.1.7) over the message."""
    try:
        _loaded(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
