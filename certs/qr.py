"""The text of a QR code: an ordinary https address that carries the whole envelope.

Writer: public URL in upper case + ``/V/`` + unpadded RFC 4648 base32. Reader: ASCII up to 2,048 characters,
``http(s)://host[:port]/V/payload`` in either case; one ``/`` after the payload, ``?…`` and ``#…`` are ignored.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from certs.errors import KezhengError

MAX_TEXT = 2048
_FROM_DIGITS = bytes.maketrans(bytes(range(32)), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_DIGITS = dict(zip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv", strict=True))
_TO_DIGITS = bytes(_DIGITS.get(character - 32 * (97 <= character <= 122), ord("!")) for character in range(256))
"""Base32 in either case to digits as ``int`` reads them; whatever is no base32 to something that it refuses."""
_ADDRESS = re.compile(r"(https?://[a-z0-9][a-z0-9.-]{0,252}(?::[0-9]{1,5})?)/v/", re.ASCII | re.IGNORECASE)
_PUBLIC_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9][a-z0-9.-]{0,252})(?::(?P<port>[0-9]{1,5}))?/?", re.ASCII
)
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}|localhost", re.ASCII)


class QrContent(NamedTuple):
    """What one QR text holds: where it points (lower case ``scheme://host[:port]``) and the envelope bytes."""

    origin: str
    envelope: bytes


def check_public_url(text: str) -> str:
    """The public URL as ``scheme://host[:port]`` in lower case, fit for QR codes.

    Raises KezhengError ``public_url_invalid``: a path, user or query is given, or a character outside the
    alphanumeric mode; ``public_url_not_https``: plain http anywhere but on loopback.
    """
    match = _PUBLIC_URL.fullmatch(text.lower())
    if match is None or int(match["port"] or 0) > 65535:
        raise KezhengError("public_url_invalid", url=text)
    if match["scheme"] == "http" and not _LOOPBACK.fullmatch(match["host"]):
        raise KezhengError("public_url_not_https", url=text)
    return text.lower().rstrip("/")


def qr_text(public_url: str, envelope: bytes) -> str:
    """The upper-case text of the QR code of an envelope."""
    return f"{public_url.upper()}/V/{base32(envelope)}"


def read_qr_text(text: str) -> QrContent:
    """The content of a scanned or pasted text.

    Raises KezhengError ``not_a_certificate_code`` (no payload of ours is there); with a payload that is no proper
    one: ``payload_too_large``, ``payload_malformed``.
    """
    head, _, payload = text.partition("/V/")
    origin = _origin(head) if len(text) <= MAX_TEXT else None
    if origin is None:
        return _read_text(text)
    try:
        return tuple.__new__(QrContent, (origin, from_base32(payload)))
    except KezhengError:
        return _read_text(text)


@lru_cache(maxsize=256)
def _origin(head: str) -> str | None:
    """The origin in lower case where a text before ``/V/`` is one. Kept: a register has a handful of them."""
    match = _ADDRESS.fullmatch(head + "/V/")
    return None if match is None else match[1].lower()


def _read_text(text: str) -> QrContent:
    """The content of any text, with whatever scanners add to it; errors as `read_qr_text`."""
    match = _ADDRESS.match(text)
    if match is None or not text[:MAX_TEXT].isascii():
        raise KezhengError("not_a_certificate_code")
    if len(text) > MAX_TEXT:
        raise KezhengError("payload_too_large")
    payload = text[match.end() :].partition("?")[0].partition("#")[0].removesuffix("/")
    if not payload:
        raise KezhengError("not_a_certificate_code")
    return QrContent(match[1].lower(), from_base32(payload))


def read_payload(payload: str) -> bytes:
    """The envelope bytes of the payload alone, as the path of a scan page holds it; errors as `read_qr_text`."""
    if len(payload) > MAX_TEXT:
        raise KezhengError("payload_too_large")
    return from_base32(payload.removesuffix("/"))


def base32(data: bytes) -> str:
    """Unpadded base32 (RFC 4648 §6), several times as fast as the standard library's.

    The data is one number of five-bit digits. Each step moves the upper half of every block of digits apart from
    the lower half by three bits a digit, until every digit has a byte of its own.
    """
    characters = (len(data) * 8 + 4) // 5
    spread = int.from_bytes(data, "big") << (characters * 5 - len(data) * 8)
    steps, size = _spreading(max(characters - 1, 1).bit_length())
    for lower, shift in steps:
        low = spread & lower
        spread = low | ((spread ^ low) << shift)
    return spread.to_bytes(size, "big")[size - characters :].translate(_FROM_DIGITS).decode("ascii")


def from_base32(text: str) -> bytes:
    """The bytes of unpadded base32 in either case. Raises KezhengError ``payload_malformed`` for any alias.

    Read as one number in base 32, which is many times faster than the standard library's decoder.
    """
    length, spare_bits = divmod(len(text) * 5, 8)
    try:
        number = int(text.encode("ascii").translate(_TO_DIGITS), 32)
    except ValueError as error:
        raise KezhengError("payload_malformed") from error
    if spare_bits >= 5 or number & ((1 << spare_bits) - 1):
        raise KezhengError("payload_malformed")
    return (number >> spare_bits).to_bytes(length, "big")


@cache
def _spreading(levels: int) -> tuple[list[tuple[int, int]], int]:
    """For ``2 ** levels`` digits: each step's mask of the lower halves and shift of the upper ones; bytes in all."""
    digits = 1 << levels
    steps = []
    for level in range(levels, 0, -1):
        half = 1 << (level - 1)
        blocks = digits >> level
        lower = sum(((1 << half * 5) - 1) << (block * 2 * half * 8) for block in range(blocks))
        steps.append((lower, half * 3))
    return steps, digits
