"""Signed notes and verifier keys (C2SP signed-note): a text, and lines that sign it.

A line is ``— <name> <base64 of key id ‖ signature>``. Nothing here verifies a signature: what a signature covers
depends on the kind of key.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from typing import NamedTuple

from certs.errors import KezhengError

ED25519 = 0x01
"""Ed25519 over the text of the note."""
ED25519_COSIGNATURE = 0x04
"""Timestamped Ed25519 cosignature of a checkpoint (C2SP tlog-cosignature)."""
MLDSA44_COSIGNATURE = 0x06
"""Timestamped ML-DSA-44 cosignature of a checkpoint (C2SP tlog-cosignature)."""
PUBLIC_KEY_LENGTHS = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
"""Bytes of a public key, by the kinds of key that are read."""

KEY_ID_LENGTH = 4
MAX_SIGNATURES = 16
MAX_NOTE = 64 * 1024
"""Bytes of a note, its lines included."""

_LINE_START = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_A_NAME = re.compile(r"[\s+]")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class NoteSignature(NamedTuple):
    """A line: who signed, the id of the key (4 bytes), and the signature with what precedes it, at least one byte."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A text, which ends with a newline, and its lines in order."""

    text: str
    signatures: tuple[NoteSignature, ...]


class NoteKey(NamedTuple):
    """A public key with its name; ``kind`` is the signature type byte."""

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name ‖ newline ‖ kind ‖ public key)."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(material).digest()[:KEY_ID_LENGTH]


def format_note(note: Note) -> bytes:
    """The bytes of a note. Raises KezhengError ``log_note_malformed`` when they would not be read back as this note."""
    data = (note.text + "\n" + "".join(map(signature_line, note.signatures))).encode()
    if parse_note(data) != note:
        raise KezhengError("log_note_malformed")
    return data


def signature_line(signature: NoteSignature) -> str:
    """The line of a signature, with its newline."""
    return f"{_LINE_START}{signature.name} {encode_base64(signature.key_id + signature.signature)}\n"


def parse_note(data: bytes) -> Note:
    """The parts of a note; no signature is verified.

    Raises KezhengError ``log_note_malformed``: not in the format, more than 16 signatures or 64 KiB.
    """
    try:
        if len(data) > MAX_NOTE:
            raise ValueError("a note too large")
        return _read_note(data.decode())
    except ValueError as error:
        raise KezhengError("log_note_malformed") from error


def _read_note(whole: str) -> Note:
    if _CONTROL.search(whole) or not whole.endswith("\n"):
        raise ValueError("control characters, or no newline at the end")
    end = whole.rindex("\n\n")  # the last empty line: the text may hold others
    lines = whole[end + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise ValueError("too many signatures")
    return Note(whole[: end + 1], tuple(map(_read_line, lines)))


def _read_line(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_LINE_START).partition(" ")
    signed = decode_base64(encoded)
    if not line.startswith(_LINE_START) or not is_key_name(name) or len(signed) <= KEY_ID_LENGTH:
        raise ValueError("not a signature line")
    return NoteSignature(name, signed[:KEY_ID_LENGTH], signed[KEY_ID_LENGTH:])


def encode_vkey(key: NoteKey) -> str:
    """A verifier key as text: ``<name>+<key id in hex>+<base64 of kind ‖ public key>``."""
    return f"{key.name}+{key.key_id.hex()}+{encode_base64(bytes([key.kind]) + key.public_key)}"


def decode_vkey(vkey: object) -> NoteKey:
    """The key in a text. Raises KezhengError ``log_key_malformed`` for other kinds of key too."""
    try:
        return _read_vkey(vkey)
    except ValueError as error:
        raise KezhengError("log_key_malformed") from error


def _read_vkey(vkey: object) -> NoteKey:
    if not isinstance(vkey, str):
        raise ValueError("not a text")
    name, key_id, encoded = vkey.split("+", 2)  # base64 may hold a plus, a name may not
    material = decode_base64(encoded)
    key = NoteKey(name, material[0], material[1:])
    if not is_key_name(name) or _CONTROL.search(name) or PUBLIC_KEY_LENGTHS.get(key.kind) != len(key.public_key):
        raise ValueError("no name, or no key of a known kind")
    if not _KEY_ID.fullmatch(key_id) or bytes.fromhex(key_id) != key.key_id:
        raise ValueError("the id of another key")
    return key


def is_key_name(name: str) -> bool:
    """Whether this can name a key: not empty, neither a Unicode space nor a plus in it."""
    return bool(name) and not _NOT_IN_A_NAME.search(name)


def encode_base64(data: bytes) -> str:
    """Standard base64 (RFC 4648 §4)."""
    return b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes of base64 text, at least one. Raises ValueError unless the text is the encoding of its own bytes."""
    data = b64decode(text.encode("ascii"), validate=True)
    if not data or encode_base64(data) != text:
        raise ValueError("not canonical base64")
    return data
