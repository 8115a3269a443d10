"""The claims of a payload read at their places: what `certs.certificate.decode_claims` gives, several times as fast.

Deterministic CBOR of claims has one layout, of which little varies. Lengths and integers that vary are held against
their shortest form here; what thousands of certificates share (occupation, direction, grade, day) the general decoder
reads once. Whatever does not lie exactly so is left to the general decoder, which reads it or says why not.
"""

from __future__ import annotations

import struct
from datetime import datetime
from functools import lru_cache

from certs.canonical import decode_cbor
from certs.certificate import (
    ASSESSED_ON,
    DIRECTION,
    GRADE,
    NAME,
    OCCUPATION,
    STATUS_INDEX,
    CertificateClaims,
    Certified,
    certified_of,
    decode_claims,
    has_keys,
    name_value,
)
from certs.errors import KezhengError
from certs.timestamps import instant_from_epoch

_EXPIRES = struct.Struct(">HI")
"""Key and head of the end, and the end."""
_ISSUED = struct.Struct(">HIH")
"""Key and head of the issue time, the issue time; key and head of the number."""
_BODY = struct.Struct(">5sBBB")
"""Key -65537, the head of the map below it; key and head of the name."""
_EXPIRES_HEAD, _ISSUED_HEAD, _NUMBER_HEAD = 0x041A, 0x061A, 0x0740
_BODY_KEY = b"\x3a\x00\x01\x00\x00"
_ID_TAIL_HEAD = b"\x02\x64"
_SHORT, _LONG_TEXT, _ONE_BYTE, _TWO_BYTES = 24, 0x78, 0xFF, 0xFFFF
"""Where the next longer head begins: what has a longer one than it needs is not deterministic."""
_CERTIFIED = {0xA6: (OCCUPATION, GRADE, ASSESSED_ON), 0xA7: (OCCUPATION, DIRECTION, GRADE, ASSESSED_ON)}
"""The keys between ID tail and status index, by the head of the body's map."""

_instant = lru_cache(maxsize=4096)(instant_from_epoch)


def read_claims(payload: bytes) -> CertificateClaims:
    """The claims of a payload whose signature has passed. Raises KezhengError as `decode_claims` does."""
    try:
        return _claims_in_place(payload)
    except (IndexError, ValueError, struct.error):
        return decode_claims(payload)


def _claims_in_place(payload: bytes) -> CertificateClaims:
    """The claims. Raises IndexError, ValueError or struct.error when they do not lie as ours usually do."""
    start, expires_at = (1, None) if payload[0] == 0xA3 else (7, _end(payload))
    head, issued, number_head = _ISSUED.unpack_from(payload, start)
    number_end = start + 8 + number_head - _NUMBER_HEAD
    if head != _ISSUED_HEAD or issued <= _TWO_BYTES or not start + 8 < number_end < start + 8 + _SHORT:
        raise ValueError("no issue time and number")
    body_key, map_head, name_key, name_head = _BODY.unpack_from(payload, number_end)
    if body_key != _BODY_KEY or name_key != NAME:
        raise ValueError("no body that begins with a name")
    name_at, name_end = _name_place(payload, number_end + 8, name_head)
    index_at, status_index = _last_member(payload)
    tail = payload[name_end + 2 : name_end + 6].decode("ascii")
    if payload[name_end : name_end + 2] != _ID_TAIL_HEAD or not tail.isprintable():
        raise ValueError("no ID tail of four common characters")
    return tuple.__new__(
        CertificateClaims,
        (
            payload[start + 8 : number_end].decode("ascii"),
            _instant(issued),
            expires_at,
            name_value(payload[name_at:name_end].decode("utf-8")),
            tail,
            *_certified(map_head, payload[name_end + 6 : index_at]),
            status_index,
        ),
    )


def _end(payload: bytes) -> datetime:
    """The end of a certificate that has one: the first of four members."""
    head, seconds = _EXPIRES.unpack_from(payload, 1)
    if payload[0] != 0xA4 or head != _EXPIRES_HEAD or seconds <= _TWO_BYTES:
        raise ValueError("neither three members nor four")
    return _instant(seconds)


def _name_place(payload: bytes, after_head: int, head: int) -> tuple[int, int]:
    """Where a name begins and ends; its length stands in its head or in a byte of its own."""
    length = head - 0x60
    if 0 < length < _SHORT:
        return after_head, after_head + length
    length = payload[after_head]
    if head != _LONG_TEXT or length < _SHORT:
        raise ValueError("not the shortest head of a text")
    return after_head + 1, after_head + 1 + length


def _last_member(payload: bytes) -> tuple[int, int]:
    """Where the status index has its key, counted from the end, and its value.

    What looks like a longer integer may be the end of something else: then nothing whole is left before it.
    """
    if payload[-6:-4] == b"\x07\x1a":
        place, value, shorter = -6, int.from_bytes(payload[-4:], "big"), _TWO_BYTES
    elif payload[-4:-2] == b"\x07\x19":
        place, value, shorter = -4, int.from_bytes(payload[-2:], "big"), _ONE_BYTE
    elif payload[-3:-1] == b"\x07\x18":
        place, value, shorter = -3, payload[-1], _SHORT - 1
    elif payload[-2] == STATUS_INDEX and payload[-1] < _SHORT:
        return -2, payload[-1]
    else:
        raise ValueError("no status index at the end")
    if value <= shorter:
        raise ValueError("not the shortest head of an integer")
    return place, value


@lru_cache(maxsize=4096)
def _certified(map_head: int, members: bytes) -> Certified:
    """What the members between ID tail and status index certify: read by the general decoder as a map of their own.

    A failure is not kept. Raises ValueError.
    """
    keys = _CERTIFIED.get(map_head, ())
    try:
        body = decode_cbor(bytes((0xA0 + len(keys),)) + members)
        if not has_keys(body, (keys,)):
            raise ValueError("other members")
        return certified_of(body)
    except (KezhengError, KeyError) as error:
        raise ValueError("not what certificates certify") from error
