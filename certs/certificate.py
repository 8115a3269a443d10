"""The claims of a certificate (CWT, RFC 8392) and their deterministic CBOR.

``{? 4: exp, 6: iat, 7: cti, -65537: {1 name, 2 id tail, 3 occupation code, ? 4 direction, 5 grade, 6 assessed_on,
7 status index}}``. The private-use claim -65537 (RFC 8392 §9.1.1) is also the format version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from unicodedata import category, is_normalized

from certs.canonical import decode_cbor, encode_cbor
from certs.errors import KezhengError
from certs.grades import Grade
from certs.timestamps import LATEST_EPOCH_SECOND, day_from_epoch, epoch_days, epoch_seconds, instant_from_epoch

EXPIRES, ISSUED, NUMBER, BODY = 4, 6, 7, -65537
NAME, ID_TAIL, OCCUPATION, DIRECTION, GRADE, ASSESSED_ON, STATUS_INDEX = range(1, 8)
MAX_NAME = 60
_ID_TAIL_LENGTH = 4
MAX_TEXT = 64
_LATEST_EPOCH_DAY = LATEST_EPOCH_SECOND // 86_400
_INTEGERS_ONLY = {int}
_MEMBER_ORDERS = frozenset({(ISSUED, NUMBER, BODY), (EXPIRES, ISSUED, NUMBER, BODY)})
_BODY_ORDERS = frozenset({(1, 2, 3, 5, 6, 7), (1, 2, 3, 4, 5, 6, 7)})
"""The key orders of RFC 8949 §4.2.1, which a test compares with the library's canonical encoding."""
_UNSEEN = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"))
"""Control, format (direction of writing among it), private use, and spaces of any kind but the common one."""
_NOT_OF_NAMES = frozenset(("Nd", "No", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So"))


class Certified(NamedTuple):
    """What a certificate certifies: the part of its claims that thousands share."""

    occupation_code: str
    direction: int | str | None
    grade: Grade
    assessed_on: date


class CertificateClaims(NamedTuple):
    """What an institution signs about one person's certificate."""

    number: str
    issued_at: datetime
    expires_at: datetime | None
    name: str
    id_tail: str
    occupation_code: str
    direction: int | str | None
    grade: Grade
    assessed_on: date
    status_index: int


def encode_claims(claims: CertificateClaims) -> bytes:
    """The payload bytes to be signed."""
    body: dict[int, Any] = {NAME: claims.name, ID_TAIL: claims.id_tail, OCCUPATION: claims.occupation_code}
    if claims.direction is not None:
        body[DIRECTION] = claims.direction
    body[GRADE] = claims.grade.digit
    body[ASSESSED_ON] = epoch_days(claims.assessed_on)
    body[STATUS_INDEX] = claims.status_index
    members: dict[int, Any] = {} if claims.expires_at is None else {EXPIRES: epoch_seconds(claims.expires_at)}
    members[ISSUED] = epoch_seconds(claims.issued_at)
    members[NUMBER] = claims.number.encode("ascii")
    members[BODY] = body
    return encode_cbor(members)


def decode_claims(payload: bytes) -> CertificateClaims:
    """The claims of a payload whose signature has passed.

    Raises KezhengError: ``claims_not_canonical`` (bytes are not the deterministic encoding), ``claims_malformed``
    (a member is missing, unknown or of another type), ``envelope_version_unsupported`` (no claim -65537).
    """
    return claims_from_members(decode_cbor(payload))


def claims_from_members(members: Any) -> CertificateClaims:
    """The claims from decoded members, each type exact: an int is not a bool, a float or a Decimal."""
    if not has_keys(members, _MEMBER_ORDERS):
        raise KezhengError("envelope_version_unsupported" if _is_other_version(members) else "claims_malformed")
    body = members[BODY]
    if not has_keys(body, _BODY_ORDERS):
        raise KezhengError("claims_malformed")
    try:
        return CertificateClaims(
            _number(members[NUMBER]),
            instant_from_epoch(_integer(members[ISSUED], LATEST_EPOCH_SECOND)),
            _expiry(members),
            name_value(body[NAME]),
            text_value(body[ID_TAIL], _ID_TAIL_LENGTH),
            *certified_of(body),
            _integer(body[STATUS_INDEX], 2**40),
        )
    except (KeyError, ValueError) as error:
        raise KezhengError("claims_malformed") from error


def certified_of(body: Mapping[int, Any]) -> Certified:
    """What the body of claims certifies. Raises ValueError or KeyError."""
    return Certified(
        occupation_code=text_value(body[OCCUPATION], 16),
        direction=_direction(body),
        grade=Grade.from_digit(_integer(body[GRADE], 3)),
        assessed_on=day_from_epoch(_integer(body[ASSESSED_ON], _LATEST_EPOCH_DAY)),
    )


def peek_issued_at(payload: bytes) -> int | None:
    """The issue time (epoch seconds) at its fixed place in a payload that nobody has verified, or None.

    Only tells a key that is newer than the trust list from one that is unknown; read by position, because no
    decoder may meet unverified bytes, and never shown.
    """
    if payload.startswith(b"\xa4\x04\x1a"):
        return _issued_at_position(payload, 7)
    return _issued_at_position(payload, 1) if payload.startswith(b"\xa3") else None


def _issued_at_position(payload: bytes, position: int) -> int | None:
    member = payload[position : position + 6]
    return int.from_bytes(member[2:], "big") if len(member) == 6 and member[:2] == b"\x06\x1a" else None


def _is_other_version(members: Any) -> bool:
    return type(members) is dict and any(type(key) is int and key < BODY for key in members)


def has_keys(value: Any, orders: Collection[tuple[int, ...]]) -> bool:
    """Whether it is a map whose keys are integers in one of these orders: 1.0 and true equal 1, and are not it."""
    return type(value) is dict and tuple(value) in orders and {*map(type, value)} == _INTEGERS_ONLY


def _integer(value: Any, largest: int) -> int:
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError("not an unsigned integer in range")
    return value


def text_value(value: Any, longest: int) -> str:
    """A text of a certificate that shows itself. Raises ValueError for any other value."""
    if type(value) is not str or not 1 <= len(value) <= longest:
        raise ValueError("not a text in range")
    if not value.isascii() and not is_normalized("NFC", value):
        raise ValueError("not NFC text")
    if not value.isprintable() and any(character != " " and category(character) in _UNSEEN for character in value):
        raise ValueError("a character that shows nothing or means nothing")
    return value


def name_value(value: Any) -> str:
    """A name holds letters, middle dots and single spaces: no address and no number can stand on the page as one.

    Raises ValueError.
    """
    if type(value) is str and value.isalpha() and len(value) <= MAX_NAME and is_normalized("NFC", value):
        return value
    name = text_value(value, MAX_NAME)
    if any(character != "·" and category(character) in _NOT_OF_NAMES for character in name):
        raise ValueError("not a name")
    if "  " in name or name.strip(" ") != name:
        raise ValueError("spaces that do not show")
    return name


def _number(value: Any) -> str:
    if type(value) is not bytes or not 1 <= len(value) <= MAX_TEXT:
        raise ValueError("not a certificate number")
    return value.decode("ascii")


def _expiry(members: dict[int, Any]) -> datetime | None:
    return instant_from_epoch(_integer(members[EXPIRES], LATEST_EPOCH_SECOND)) if EXPIRES in members else None


def _direction(body: Mapping[int, Any]) -> int | str | None:
    if DIRECTION not in body:
        return None
    value = body[DIRECTION]
    return _integer(value, 2**16) if type(value) is int else text_value(value, MAX_TEXT)
