"""A signer that signs one message otherwise each time, validly, as a hardware module with a random nonce may.

Ed25519 in integers, after RFC 8032 §5.1: slow, for tests only.
"""

from __future__ import annotations

import hashlib
import secrets

from certs.cose import read_to_be_signed
from certs.errors import KezhengError
from keys.signer import FileSigner, Signer

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_BASE_Y = 4 * pow(5, _P - 2, _P) % _P

Point = tuple[int, int, int, int]


def _base() -> Point:
    square = (_BASE_Y * _BASE_Y - 1) * pow(_D * _BASE_Y * _BASE_Y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    x = x if x % 2 == 0 else _P - x
    return x, _BASE_Y, 1, x * _BASE_Y % _P


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c, d = 2 * one[3] * other[3] * _D % _P, 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class RandomSigner:
    """Another signer; certificates are signed otherwise each time."""

    def __init__(self, inner: Signer) -> None:
        assert isinstance(inner, FileSigner)
        self._inner = inner
        self.kid, self.public_key = inner.kid, inner.public_key
        seed = hashlib.sha512(inner._key.private_bytes_raw()).digest()[:32]
        self._secret = int.from_bytes(seed, "little") & ~7 & (2**254 - 1) | 2**254

    def sign(self, message: bytes) -> bytes:
        """A valid signature, another one each time for a certificate."""
        if not _is_certificate(message):
            return self._inner.sign(message)
        nonce = secrets.randbelow(_ORDER)
        commitment = _encoded(_times(nonce, _base()))
        challenge = hashlib.sha512(commitment + self.public_key + message).digest()
        answer = (nonce + int.from_bytes(challenge, "little") * self._secret) % _ORDER
        return commitment + answer.to_bytes(32, "little")


def _is_certificate(message: bytes) -> bool:
    try:
        read_to_be_signed(message)
    except KezhengError:
        return False
    return True
