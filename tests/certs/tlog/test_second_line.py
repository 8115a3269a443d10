"""The ML-DSA-44 line covers cosigner, time, origin, the tree from its first entry, and root: anything else is refused.

Signed messages are put together here from the text of C2SP tlog-cosignature, not by the code under test.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from simulated_log import SimulatedLog, cosignature_key
from simulator import World

from certs.errors import KezhengError
from certs.tlog.checkpoint import open_checkpoint
from certs.tlog.note import ED25519, NoteKey, NoteSignature, format_note, parse_note

MADE = 1_795_068_000


def message(name: str, at: int, origin: str, start: int, size: int, root: bytes) -> bytes:
    """``subtree/v1\\n\\0`` ‖ name ‖ time ‖ origin ‖ start ‖ end ‖ root, names with a byte of length before them."""
    short = [struct.pack("B", len(text)) + text.encode() for text in (name, origin)]
    return b"subtree/v1\n\0" + short[0] + struct.pack(">Q", at) + short[1] + struct.pack(">QQ", start, size) + root


def opened(line_time: int = MADE, **changes: Any) -> tuple[tuple[str, int], ...]:
    """The cosigners of a note whose second line signs this, under the key and the name that are delegated."""
    world = World()
    world.institution()
    log: SimulatedLog = world.log()
    own = cosignature_key(world.log_origin + "/cosigner")
    signed = {"name": own.name, "at": line_time, "origin": world.log_origin, "start": 0, "size": len(log.entries)}
    signature = own.sign(message(**(signed | {"root": log.root()} | changes)))
    note = parse_note(log.files(world.log_origin, world.log_key, own)["checkpoint"])
    line = NoteSignature(own.key.name, own.key.key_id, struct.pack(">Q", line_time) + signature)
    key = NoteKey(world.log_origin, ED25519, world.log_key.public_key)
    content = format_note(note._replace(signatures=(note.signatures[0], line)))
    found = open_checkpoint(content, world.log_origin, [key], cosigners=[own.key])
    return tuple((made.name, made.at_seconds) for made in found.cosigned)


def test_what_is_signed_as_the_specification_says_is_read() -> None:
    assert opened() == (("verify.example.cn/2026/cosigner", MADE),)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "verify.example.cn/2026/cosignes"},
        {"name": "verify.example.cn/2026"},
        {"start": 1},
        {"start": 256},
        {"at": MADE + 1},
        {"origin": "verify.example.cn/2027"},
        {"size": 1},
        {"root": bytes(32)},
    ],
    ids=str,
)
def test_a_line_over_anything_else_refuses_the_note(changes: dict[str, Any]) -> None:
    with pytest.raises(KezhengError, match="checkpoint_untrusted"):
        opened(**changes)


def test_a_line_of_time_zero_refuses_the_note_although_its_signature_holds() -> None:
    with pytest.raises(KezhengError, match="checkpoint_untrusted"):
        opened(line_time=0)
    assert opened(line_time=1)[0][1] == 1
