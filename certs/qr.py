"""The text of a QR code: an ordinary https address that carries the whole envelope.

Writer: public URL in upper case + ``/V/`` + unpadded RFC 4648 base32. Reader: ASCII up to 2,048 characters,
``http(s)://host[:port]/V/payload`` in either case; one ``/`` after the payload, ``?…`` and ``#…`` are ignored.
"""

from __future__ import annotations

import re
from base64 import b32encode
from typing import NamedTuple

from certs.errors import KezhengError

MAX_TEXT = 2048
_TO_DIGITS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv")
_PAYLOAD = re.compile(r"[A-Za-z2-7]+", re.ASCII)
_ADDRESS = re.compile(
    r"(?P<origin>https?://[a-z0-9][a-z0-9.-]{0,252}(?::[0-9]{1,5})?)/v/(?P<rest>.*)", re.ASCII | re.IGNORECASE | re.DOTALL
)
_PUBLIC_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9][a-z0-9.-]{0,252})(?::(?P<port>[0-9]{1,5}))?/?", re.ASCII)
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
    match = _ADDRESS.fullmatch(text[:MAX_TEXT])
    if match is None or not match[0].isascii():
        raise KezhengError("not_a_certificate_code")
    if len(text) > MAX_TEXT:
        raise KezhengError("payload_too_large")
    payload = re.split(r"[?#]", match["rest"], maxsplit=1)[0].removesuffix("/")
    if not payload:
        raise KezhengError("not_a_certificate_code")
    return QrContent(match["origin"].lower(), from_base32(payload))


def read_payload(payload: str) -> bytes:
    """The envelope bytes of the payload alone, as the path of a scan page holds it; errors as `read_qr_text`."""
    if len(payload) > MAX_TEXT:
        raise KezhengError("payload_too_large")
    return from_base32(payload.removesuffix("/"))


def base32(data: bytes) -> str:
    """Unpadded base32 (RFC 4648 §6)."""
    return b32encode(data).rstrip(b"=").decode("ascii")


def from_base32(text: str) -> bytes:
    """The bytes of unpadded base32 in either case. Raises KezhengError ``payload_malformed`` for any alias.

    Read as one number in base 32, which is many times faster than the standard library's decoder.
    """
    if not _PAYLOAD.fullmatch(text):
        raise KezhengError("payload_malformed")
    length, spare_bits = divmod(len(text) * 5, 8)
    number = int(text.upper().encode("ascii").translate(_TO_DIGITS), 32)
    if spare_bits >= 5 or number & ((1 << spare_bits) - 1):
        raise KezhengError("payload_malformed")
    return (number >> spare_bits).to_bytes(length, "big")
