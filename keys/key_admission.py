"""Which public keys are let in: those on which every verifier agrees and whose owner has the private part.

Ed25519 verifiers differ on keys outside the prime-order subgroup (the identity makes any message verify in
some), so such keys are refused here, once, before they can enter a trust list. Arithmetic of RFC 8032 §5.1 in
plain Python: some milliseconds, for a thing that happens a few times a year, and no secret is involved.
"""

from __future__ import annotations

from typing import NamedTuple

from certs.errors import KezhengError
from certs.signing_key import PUBLIC_KEY_LENGTH, verify_signature
from keys.signer import Signer

CHALLENGE_LENGTH = 32
_PURPOSE = b"kezheng proof of possession 1\x00"
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)


class _Point(NamedTuple):
    """Extended homogeneous coordinates (RFC 8032 §5.1.4): x = X/Z, y = Y/Z, x·y = T/Z."""

    x: int
    y: int
    z: int
    t: int


_IDENTITY = _Point(0, 1, 1, 0)


def admit_public_key(public_key: bytes, proof: bytes, challenge: bytes) -> None:
    """Pass for a key that may enter a trust list.

    ``challenge`` are 32 fresh random bytes that the registry chose, ``proof`` the signature over
    ``possession_message``. Raises KezhengError ``key_malformed`` (length, not a point, not its canonical
    encoding), ``key_weak`` (identity, small or mixed order), ``possession_not_proven``.
    """
    require_sound_key(public_key)
    if len(challenge) != CHALLENGE_LENGTH:
        raise ValueError("a challenge has 32 bytes")
    if len(proof) != 64 or not verify_signature(public_key, proof, possession_message(public_key, challenge)):
        raise KezhengError("possession_not_proven")


def require_sound_key(public_key: bytes) -> None:
    """Raise ``key_malformed`` or ``key_weak`` unless it is a canonical point of the prime-order subgroup."""
    point = _decode(public_key)
    if _is_identity(point) or not _is_identity(_multiply(_ORDER, point)):
        raise KezhengError("key_weak")


def possession_message(public_key: bytes, challenge: bytes) -> bytes:
    """What is signed to prove possession; its purpose stands first, so it is mistaken for nothing else."""
    return _PURPOSE + challenge + public_key


def prove_possession(signer: Signer, challenge: bytes) -> bytes:
    """The proof that ``admit_public_key`` asks for."""
    return signer.sign(possession_message(signer.public_key, challenge))


def _decode(public_key: bytes) -> _Point:
    """RFC 8032 §5.1.3, with the canonical encoding demanded."""
    if len(public_key) != PUBLIC_KEY_LENGTH:
        raise KezhengError("key_malformed")
    encoded = int.from_bytes(public_key, "little")
    sign, y = encoded >> 255, encoded & (2**255 - 1)
    x = _recover_x(y) if y < _P else None
    if x is None or (x == 0 and sign):
        raise KezhengError("key_malformed")
    if x & 1 != sign:
        x = _P - x
    return _Point(x, y, 1, x * y % _P)


def _recover_x(y: int) -> int | None:
    """A square root of (y² − 1) / (d·y² + 1), or None when there is none."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    return None if (x * x - square) % _P else x


def _add(left: _Point, right: _Point) -> _Point:
    """The complete addition of RFC 8032 §5.1.4."""
    a = (left.y - left.x) * (right.y - right.x) % _P
    b = (left.y + left.x) * (right.y + right.x) % _P
    c = 2 * left.t * right.t * _D % _P
    d = 2 * left.z * right.z % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return _Point(e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiply(scalar: int, point: _Point) -> _Point:
    result = _IDENTITY
    for bit in bin(scalar)[2:]:
        result = _add(result, result)
        if bit == "1":
            result = _add(result, point)
    return result


def _is_identity(point: _Point) -> bool:
    return point.x == 0 and (point.y - point.z) % _P == 0
