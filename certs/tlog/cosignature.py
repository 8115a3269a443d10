"""Cosignatures of checkpoints (C2SP tlog-cosignature): what is signed, and what stands in the line.

Kind 0x04 signs the note's text after two lines of its own; kind 0x06 signs a binary structure with the cosigner's
name, the log's origin, size and root. Both carry the time at which they were made, in seconds since 1970. Signing
itself is done elsewhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from certs.errors import KezhengError
from certs.signing_key import verify_signature
from certs.tlog.note import MLDSA44_COSIGNATURE, NoteKey, NoteSignature, format_note, parse_note

LATEST_SECOND = 2**63 - 1
MAX_NAME = 255
"""Bytes of a cosigner's name and of an origin that kind 0x06 can sign."""

_LABEL = b"subtree/v1\n\0"
_TIME_SIZE = 8
_FROM_THE_START = bytes(8)


class CosignatureBody(NamedTuple):
    """What a cosignature's line holds after the key id."""

    at_seconds: int
    signature: bytes


def log_signature_message(text: str) -> bytes:
    """What the log's own Ed25519 line signs: the text of the note."""
    return text.encode()


def cosignature_message_ed25519(text: str, at_seconds: int) -> bytes:
    """What a cosignature of kind 0x04 signs, for the text of a checkpoint."""
    return f"cosignature/v1\ntime {at_seconds}\n{text}".encode()


def cosignature_message_mldsa(name: str, at_seconds: int, origin: str, size: int, root: bytes) -> bytes:
    """What a cosignature of kind 0x06 signs: the tree from its first entry to ``size``, under the cosigner's name.

    Raises ValueError for a name or an origin that is empty or longer than 255 bytes.
    """
    start_to_end = _FROM_THE_START + size.to_bytes(8, "big")
    return b"".join((_LABEL, _short(name), _time(at_seconds), _short(origin), start_to_end, root))


def cosignature_body(at_seconds: int, signature: bytes) -> bytes:
    """What stands in the line after the key id. Raises KezhengError ``checkpoint_untrusted`` for a time of 0."""
    if not 0 < at_seconds <= LATEST_SECOND:
        raise KezhengError("checkpoint_untrusted")
    return _time(at_seconds) + signature


def read_cosignature_body(body: bytes) -> CosignatureBody:
    """Time and signature of a line.

    Raises KezhengError ``checkpoint_untrusted``: of time 0, which says nothing about the newest tree, or past 2^63 - 1.
    """
    at_seconds = int.from_bytes(body[:_TIME_SIZE], "big")
    if len(body) <= _TIME_SIZE or not 0 < at_seconds <= LATEST_SECOND:
        raise KezhengError("checkpoint_untrusted")
    return CosignatureBody(at_seconds, body[_TIME_SIZE:])


def verify_note_signature(key: NoteKey, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's signature over the message, by the algorithm of its kind."""
    if key.kind != MLDSA44_COSIGNATURE:
        return verify_signature(key.public_key, signature, message)
    try:
        _mldsa44_key(key.public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def attach_signature(note: bytes, name: str, key_id: bytes, body: bytes) -> bytes:
    """The note with one more line at its end; an older line of the same key gives way.

    Raises KezhengError ``log_note_malformed``, also for a note that is full.
    """
    parsed = parse_note(note)
    others = tuple(line for line in parsed.signatures if (line.name, line.key_id) != (name, key_id))
    return format_note(parsed._replace(signatures=(*others, NoteSignature(name, key_id, body))))


@lru_cache(maxsize=64)
def _mldsa44_key(public_key: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(public_key)


def _time(at_seconds: int) -> bytes:
    return at_seconds.to_bytes(_TIME_SIZE, "big")


def _short(text: str) -> bytes:
    """A text of 1 to 255 bytes after its length."""
    data = text.encode()
    if not 1 <= len(data) <= MAX_NAME:
        raise ValueError("a name has 1 to 255 bytes")
    return bytes([len(data)]) + data
