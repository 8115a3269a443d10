"""The claims of many certificates as bytes: what they share is written out once, the rest put in its place.

Writing is concatenation, for CBOR (RFC 8949) has no lengths over several members. `certificate.encode_claims` is what
it must give, byte for byte.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from certs.canonical import encode_cbor
from certs.certificate import (
    ASSESSED_ON,
    BODY,
    DIRECTION,
    EXPIRES,
    GRADE,
    ID_TAIL,
    ISSUED,
    NAME,
    NUMBER,
    OCCUPATION,
    STATUS_INDEX,
    CertificateClaims,
)
from certs.grades import Grade
from certs.timestamps import epoch_days, epoch_seconds

_MAP, _BYTES, _TEXT = 0xA0, 0x40, 0x60
_SHORT, _ONE_BYTE = 24, 24
"""Below this a length stands in the head itself; the same number there says that it stands in the next byte."""


def write_claims(claims: CertificateClaims) -> bytes:
    """The payload bytes to be signed."""
    number, issued_at, expires_at, name, id_tail, code, direction, grade, assessed_on, status_index = claims
    start, before_name, after_tail = _shared(issued_at, expires_at, code, direction, grade, assessed_on)
    raw_number, raw_name, raw_tail = number.encode("ascii"), name.encode(), id_tail.encode()
    return b"".join((
        start,
        _head(_BYTES, len(raw_number)),
        raw_number,
        before_name,
        _head(_TEXT, len(raw_name)),
        raw_name,
        _BEFORE_TAIL,
        _head(_TEXT, len(raw_tail)),
        raw_tail,
        after_tail,
        encode_cbor(status_index),
    ))


@lru_cache(maxsize=1024, typed=True)
def _shared(
    issued_at: datetime,
    expires_at: datetime | None,
    occupation_code: str,
    direction: int | str | None,
    grade: Grade,
    assessed_on: date,
) -> tuple[bytes, bytes, bytes]:
    """What stands before the number, between number and name, and between the tail and the status index."""
    ends = b"" if expires_at is None else encode_cbor(EXPIRES) + encode_cbor(epoch_seconds(expires_at))
    start = bytes((_MAP + (3 if expires_at is None else 4),)) + ends + encode_cbor(ISSUED)
    start += encode_cbor(epoch_seconds(issued_at)) + encode_cbor(NUMBER)
    before_name = encode_cbor(BODY) + bytes((_MAP + (6 if direction is None else 7),)) + encode_cbor(NAME)
    turned = b"" if direction is None else encode_cbor(DIRECTION) + encode_cbor(direction)
    after_tail = encode_cbor(OCCUPATION) + encode_cbor(occupation_code) + turned + encode_cbor(GRADE)
    after_tail += encode_cbor(grade.digit) + encode_cbor(ASSESSED_ON) + encode_cbor(epoch_days(assessed_on))
    return start, before_name, after_tail + encode_cbor(STATUS_INDEX)


_BEFORE_TAIL = encode_cbor(ID_TAIL)


@lru_cache(maxsize=1024)
def _head(kind: int, length: int) -> bytes:
    """The head of a byte string or a text: its kind and its length, the shortest way."""
    if length < _SHORT:
        return bytes((kind + length,))
    if length < 1 << 8:
        return bytes((kind + _ONE_BYTE, length))
    whole = encode_cbor(bytes(length))
    return bytes((whole[0] - _BYTES + kind,)) + whole[1:-length]
