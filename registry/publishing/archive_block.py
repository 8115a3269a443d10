"""The form of an archive file: the register's entries of a stretch, and sealed with them what stands behind each.

``kezheng archive 1\\n`` ‖ first place ‖ place after the last (uint64 each) ‖ length (uint32) ‖ the entries as in an
entry bundle ‖ frames, each length (uint32) ‖ ciphertext. Numbers are big-endian. Entries are public. A frame is CBOR
under the home's data key, bound to the SHA-256 of all that comes before the frames and to its own place among them; the
last one says that it is the last. So nothing of a block can be altered, left out or put elsewhere without notice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cbor2

from certs.errors import KezhengError
from certs.tlog.tiles import decode_bundle, encode_bundle
from keys.data_protection import FieldCipher

TABLE = "archive"
_MAGIC = b"kezheng archive 1\n"
_WORD, _LENGTH = 8, 4
_HEAD = len(_MAGIC) + 2 * _WORD + _LENGTH
_MORE, _LAST = b"\x00", b"\x01"


class Frame(NamedTuple):
    """A piece of what stands behind the entries: what it holds, and the content (numbers, texts, bytes, lists)."""

    kind: str
    content: Any


class Block(NamedTuple):
    """A stretch of the register from ``start`` to before ``stop``, and what stands behind it."""

    start: int
    stop: int
    entries: list[bytes]
    frames: list[Frame]


def encode_head(start: int, entries: Sequence[bytes]) -> bytes:
    """What a block begins with."""
    bundle = encode_bundle(entries)
    places = start.to_bytes(_WORD, "big") + (start + len(entries)).to_bytes(_WORD, "big")
    return _MAGIC + places + len(bundle).to_bytes(_LENGTH, "big") + bundle


def seal_frames(head: bytes, frames: Iterator[Frame], cipher: FieldCipher) -> Iterator[bytes]:
    """The bytes of the frames one after the other; there is always one, so that the entries are vouched for."""
    bound, place, waiting = hashlib.sha256(head).hexdigest(), 0, next(frames, Frame("nothing", None))
    for following in frames:
        yield _sealed(bound, place, _MORE, waiting, cipher)
        waiting, place = following, place + 1
    yield _sealed(bound, place, _LAST, waiting, cipher)


def open_block(content: bytes, cipher: FieldCipher) -> Block:
    """The block in a file.

    Raises KezhengError ``archive_damaged`` for what is not exactly a block that was sealed here, ``data_key_unknown``
    when the key of that time is not in the keystore.
    """
    start, stop, head, entries = _open_head(content)
    frames: list[Frame] = []
    rest, is_last, bound = content[len(head) :], False, hashlib.sha256(head).hexdigest()
    while not is_last:
        sealed, rest = _first_frame(rest)
        frame, is_last = _opened(bound, len(frames), sealed, cipher)
        frames.append(frame)
    if rest:
        raise KezhengError("archive_damaged")
    return Block(start, stop, entries, frames)


def _sealed(bound: str, place: int, mark: bytes, frame: Frame, cipher: FieldCipher) -> bytes:
    sealed = cipher.seal_bytes(TABLE, bound, place, mark + cbor2.dumps(tuple(frame)))
    return len(sealed).to_bytes(_LENGTH, "big") + sealed


def _opened(bound: str, place: int, sealed: bytes, cipher: FieldCipher) -> tuple[Frame, bool]:
    try:
        opened = cipher.open_bytes(TABLE, bound, place, sealed)
    except KezhengError as error:
        if error.code == "data_key_unknown":
            raise
        raise KezhengError("archive_damaged") from error
    return Frame(*cbor2.loads(opened[1:])), opened[:1] == _LAST


def _open_head(content: bytes) -> tuple[int, int, bytes, list[bytes]]:
    if len(content) < _HEAD or not content.startswith(_MAGIC):
        raise KezhengError("archive_damaged")
    words = content[len(_MAGIC) : _HEAD]
    start, stop = int.from_bytes(words[:_WORD], "big"), int.from_bytes(words[_WORD : 2 * _WORD], "big")
    end = _HEAD + int.from_bytes(words[2 * _WORD :], "big")
    try:
        return start, stop, content[:end], decode_bundle(content[_HEAD:end], stop - start)
    except KezhengError as error:
        raise KezhengError("archive_damaged") from error


def _first_frame(rest: bytes) -> tuple[bytes, bytes]:
    end = _LENGTH + int.from_bytes(rest[:_LENGTH], "big")
    if len(rest) < _LENGTH or len(rest) < end:
        raise KezhengError("archive_damaged")
    return rest[_LENGTH:end], rest[end:]
