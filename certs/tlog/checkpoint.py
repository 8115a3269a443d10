"""Checkpoints (C2SP tlog-checkpoint): a signed note that says how large a log is and what its root is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from certs.errors import KezhengError
from certs.tlog.cosignature import (
    cosignature_message_ed25519,
    cosignature_message_mldsa,
    log_signature_message,
    read_cosignature_body,
    verify_note_signature,
)
from certs.tlog.merkle import HASH_SIZE
from certs.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    Note,
    NoteKey,
    NoteSignature,
    decode_base64,
    encode_base64,
    parse_note,
)

MAX_SIZE = 2**63 - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Checkpoint(NamedTuple):
    """A log by its origin, how many entries it has, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes


class Cosigned(NamedTuple):
    """A cosigner's line that was verified, and when it was made (seconds since 1970)."""

    name: str
    at_seconds: int


class OpenCheckpoint(NamedTuple):
    """A checkpoint that the log signed, its note, and the known cosigners that vouch for it, in the note's order."""

    checkpoint: Checkpoint
    note: Note
    cosigned: tuple[Cosigned, ...]


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """The text of the note: origin, size, root; no extension line, since those can be held against no tree."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encode_base64(checkpoint.root)}\n"


def read_checkpoint_text(text: str) -> Checkpoint:
    """The checkpoint in the text of a note; extension lines are passed over.

    Raises KezhengError ``log_note_malformed``.
    """
    try:
        origin, size, root, *extensions = text.removesuffix("\n").split("\n")
        found = Checkpoint(origin, read_decimal(size), decode_base64(root))
        if not text.endswith("\n") or not origin or len(found.root) != HASH_SIZE or not all(extensions):
            raise ValueError("no checkpoint")
    except ValueError as error:
        raise KezhengError("log_note_malformed") from error
    return found


def read_decimal(text: str) -> int:
    """A size or a place in decimal without leading zeros, below 2^63. Raises ValueError."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise ValueError("not a decimal in range")
    return int(text)


def open_checkpoint(
    note: bytes, origin: str, keys: Sequence[NoteKey], *, cosigners: Sequence[NoteKey] = ()
) -> OpenCheckpoint:
    """Verify a checkpoint of the log with this origin, and every line of a key that is known.

    ``keys`` are the log's own (Ed25519, named like the log), of which at least one must have signed; ``cosigners``
    may be missing, but a line of theirs that fails refuses the note. Lines of unknown keys are ignored.
    Raises KezhengError ``checkpoint_untrusted`` for whatever is wrong with it.
    """
    try:
        parsed = parse_note(note)
        checkpoint = read_checkpoint_text(parsed.text)
    except KezhengError as error:
        raise KezhengError("checkpoint_untrusted") from error
    own = {_identity(key): key for key in keys if key.kind == ED25519 and key.name == origin}
    others = {_identity(key): key for key in cosigners}
    lines = [(line, (line.name, line.key_id)) for line in parsed.signatures]
    signed = [_is_signed(own[signer], line, parsed.text) for line, signer in lines if signer in own]
    if checkpoint.origin != origin or not signed or not all(signed):
        raise KezhengError("checkpoint_untrusted")
    cosigned = [_cosigned(others[signer], line, parsed.text, checkpoint) for line, signer in lines if signer in others]
    return OpenCheckpoint(checkpoint, parsed, tuple(cosigned))


def _identity(key: NoteKey) -> tuple[str, bytes]:
    return key.name, key.key_id


def _is_signed(key: NoteKey, line: NoteSignature, text: str) -> bool:
    return verify_note_signature(key, line.signature, log_signature_message(text))


def _cosigned(key: NoteKey, line: NoteSignature, text: str, checkpoint: Checkpoint) -> Cosigned:
    body = read_cosignature_body(line.signature)
    if key.kind == ED25519_COSIGNATURE:
        message = cosignature_message_ed25519(text, body.at_seconds)
    else:
        message = cosignature_message_mldsa(key.name, body.at_seconds, *checkpoint)
    if not verify_note_signature(key, body.signature, message):
        raise KezhengError("checkpoint_untrusted")
    return Cosigned(key.name, body.at_seconds)
