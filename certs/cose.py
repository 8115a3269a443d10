"""COSE_Sign1 (RFC 9052 §4.2) in the one byte layout of this registry.

``d2 84 4d a2 01 27 04 48 <kid 8> a0 <payload bstr> 58 40 <signature 64>``: tag 18, algorithm -8 and kid once and
only in the protected header, empty unprotected header, embedded payload. Anything else is malformed, so that no
general parser ever meets bytes of strangers.
"""

from __future__ import annotations

from typing import NamedTuple

from certs.errors import KezhengError
from certs.signing_key import KID_LENGTH, SIGNATURE_LENGTH

MAX_PAYLOAD = 1024
"""Bytes. A certificate takes about 85; the QR reader's 2,048 characters hold 1,280 bytes of envelope."""

_PROTECTED = bytes.fromhex("a201270448")
_START = bytes.fromhex("d2844d") + _PROTECTED
_AFTER_KID = b"\xa0"
_BEFORE_SIGNATURE = b"\x58\x40"
_SIG_STRUCTURE_START = bytes.fromhex("846a") + b"Signature1" + b"\x4d" + _PROTECTED
_EMPTY_EXTERNAL_AAD = b"\x40"
_KID_AT = len(_START)
_KID_END = _KID_AT + KID_LENGTH
_TAIL = len(_BEFORE_SIGNATURE) + SIGNATURE_LENGTH
_BETWEEN = {length: _AFTER_KID + bytes((0x58, length)) for length in range(24, 256)}
"""What stands between kid and payload, by the payload's length, where that takes one byte: as in every certificate."""
_PAYLOAD_AT = _KID_END + 3
_AROUND_PAYLOAD = _PAYLOAD_AT + _TAIL


class Sign1(NamedTuple):
    """The parts of an envelope; ``payload_bstr`` is the payload with its CBOR length head, as received."""

    kid: bytes
    payload_bstr: bytes
    payload: bytes
    signature: bytes

    @property
    def to_be_signed(self) -> bytes:
        """The Sig_structure (RFC 9052 §4.4) that the signature covers."""
        kid, payload_bstr, _, _ = self
        return _SIG_STRUCTURE_START + kid + _EMPTY_EXTERNAL_AAD + payload_bstr


def to_be_signed(kid: bytes, payload: bytes) -> bytes:
    """The Sig_structure of a payload under a key, with empty external_aad."""
    return _SIG_STRUCTURE_START + kid + _EMPTY_EXTERNAL_AAD + _byte_string_head(len(payload)) + payload


def assemble(kid: bytes, payload: bytes, signature: bytes) -> bytes:
    """The envelope of a signed payload."""
    head = _byte_string_head(len(payload))
    return b"".join((_START, kid, _AFTER_KID, head, payload, _BEFORE_SIGNATURE, signature))


def take_apart(envelope: bytes) -> Sign1:
    """The parts of an envelope.

    Raises KezhengError: ``payload_truncated``, ``payload_too_large``, ``payload_malformed``.
    """
    between = _BETWEEN.get(len(envelope) - _AROUND_PAYLOAD)
    is_usual = between is not None and envelope[_KID_END:_PAYLOAD_AT] == between and envelope.startswith(_START)
    if is_usual and envelope[-_TAIL:-SIGNATURE_LENGTH] == _BEFORE_SIGNATURE:
        payload_bstr, payload = envelope[_KID_END + 1 : -_TAIL], envelope[_PAYLOAD_AT:-_TAIL]
        parts = envelope[_KID_AT:_KID_END], payload_bstr, payload, envelope[-SIGNATURE_LENGTH:]
        return tuple.__new__(Sign1, parts)
    return _take_apart(envelope)


def _take_apart(envelope: bytes) -> Sign1:
    """The parts of an envelope, one after the other, each with its own refusal."""
    if not envelope.startswith(_START):
        raise KezhengError("payload_truncated" if _START.startswith(envelope) else "payload_malformed")
    head_end, length = _read_byte_string_head(envelope)
    payload_end = head_end + length
    if len(envelope) < payload_end + _TAIL:
        raise KezhengError("payload_truncated")
    if len(envelope) > payload_end + _TAIL or envelope[payload_end : payload_end + 2] != _BEFORE_SIGNATURE:
        raise KezhengError("payload_malformed")
    return Sign1(
        kid=envelope[_KID_AT:_KID_END],
        payload_bstr=envelope[_KID_END + 1 : payload_end],
        payload=envelope[head_end:payload_end],
        signature=envelope[payload_end + 2 :],
    )


def _byte_string_head(length: int) -> bytes:
    """Shortest head of a byte string (RFC 8949 §3, major type 2)."""
    if length < 24:
        return bytes((0x40 + length,))
    if length < 256:
        return bytes((0x58, length))
    return b"\x59" + length.to_bytes(2, "big")


def _read_byte_string_head(envelope: bytes) -> tuple[int, int]:
    """Where the payload starts and how long it is; the empty unprotected header and the shortest head are required."""
    start = _KID_END + 1
    if len(envelope) < start + 3:
        raise KezhengError("payload_truncated")
    initial = envelope[start]
    if envelope[_KID_END:start] != _AFTER_KID:
        raise KezhengError("payload_malformed")
    if initial == 0x58:
        length, end = envelope[start + 1], start + 2
    elif initial == 0x59:
        length, end = int.from_bytes(envelope[start + 1 : start + 3], "big"), start + 3
    else:
        length, end = initial - 0x40, start + 1
    if length > MAX_PAYLOAD:
        raise KezhengError("payload_too_large")
    if length < 0 or envelope[start:end] != _byte_string_head(length):
        raise KezhengError("payload_malformed")
    return end, length


def read_to_be_signed(recorded: bytes) -> tuple[bytes, bytes]:
    """Kid and payload of recorded to-be-signed bytes. Raises KezhengError ``payload_malformed`` for other bytes."""
    start = len(_SIG_STRUCTURE_START)
    kid, after = recorded[start : start + KID_LENGTH], start + KID_LENGTH + 1
    for head in (1, 2, 3):
        payload = recorded[after + head :]
        if recorded == to_be_signed(kid, payload):
            return kid, payload
    raise KezhengError("payload_malformed")
