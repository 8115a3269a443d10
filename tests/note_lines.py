"""Notes of checkpoints line by line, written from the C2SP texts signed-note, tlog-checkpoint and tlog-cosignature."""

from __future__ import annotations

import struct
from base64 import b64encode

from note_verifier import key_id
from simulated_log import CosignatureKey
from simulator import Key


def text_of(origin: str, size: int, root: bytes) -> str:
    """The text that a checkpoint's lines sign."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def note_of(text: str, *lines: str) -> bytes:
    """The note with lines in this order."""
    return (text + "\n" + "".join(lines)).encode()


def line(name: str, kind: int, public: bytes, body: bytes) -> str:
    """A line of a key of any kind."""
    return f"\u2014 {name} {b64encode(key_id(name, kind, public) + body).decode()}\n"


def log_line(origin: str, key: Key, text: str) -> str:
    """The log's own line (kind 0x01)."""
    return line(origin, 0x01, key.public_key, key.sign(text.encode()))


def witness_line(name: str, key: Key, text: str, at: int) -> str:
    """A witness's line with an Ed25519 key (kind 0x04)."""
    signed = key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    return line(name, 0x04, key.public_key, struct.pack(">Q", at) + signed)


def second_line(key: CosignatureKey, origin: str, size: int, root: bytes, at: int) -> str:
    """A line of an ML-DSA-44 key (kind 0x06)."""
    name, log = key.name.encode(), origin.encode()
    parts = (b"subtree/v1\n\0", bytes([len(name)]), name, struct.pack(">Q", at), bytes([len(log)]), log)
    signed = key.sign(b"".join((*parts, struct.pack(">QQ", 0, size), root)))
    return line(key.name, 0x06, key.key.public_key, struct.pack(">Q", at) + signed)
