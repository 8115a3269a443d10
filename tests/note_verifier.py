"""A second verifier of a log's checkpoint with its two lines, written from the C2SP texts signed-note,
tlog-checkpoint and tlog-cosignature; it shares nothing with the program.
"""

from __future__ import annotations

import base64
import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

DASH = "\u2014 "


def lines_of(note: str) -> tuple[str, dict[tuple[str, bytes], bytes]]:
    """The text, and what each name and key id signed."""
    text, _, tail = note.rpartition("\n\n")
    found = {}
    for line in tail.splitlines():
        assert line.startswith(DASH)
        name, encoded = line[len(DASH) :].split(" ")
        signed = base64.b64decode(encoded, validate=True)
        found[name, signed[:4]] = signed[4:]
    return text + "\n", found


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def verify_log_line(note: str, origin: str, public: bytes) -> tuple[int, bytes]:
    """Size and root that the log signed with kind 0x01. Raises InvalidSignature or KeyError."""
    text, lines = lines_of(note)
    Ed25519PublicKey.from_public_bytes(public).verify(lines[origin, key_id(origin, 0x01, public)], text.encode())
    first, size, root, *_ = text.split("\n")
    assert first == origin
    return int(size), base64.b64decode(root, validate=True)


def verify_second_line(note: str, origin: str, cosigner: str, public: bytes) -> int:
    """The time at which the cosigner made its line of kind 0x06. Raises InvalidSignature or KeyError."""
    text, lines = lines_of(note)
    _, size, root, *_ = text.split("\n")
    signed = lines[cosigner, key_id(cosigner, 0x06, public)]
    (timestamp,) = struct.unpack(">Q", signed[:8])
    message = struct.pack(
        f">12sB{len(cosigner)}sQB{len(origin)}sQQ32s",
        b"subtree/v1\n\0",
        len(cosigner),
        cosigner.encode(),
        timestamp,
        len(origin),
        origin.encode(),
        0,
        int(size),
        base64.b64decode(root, validate=True),
    )
    MLDSA44PublicKey.from_public_bytes(public).verify(signed[8:], message)
    return int(timestamp)
