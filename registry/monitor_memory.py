"""What a monitor remembers of a register between two looks: one JSON file, replaced as a whole.

The remembered checkpoint is what makes a monitor worth something: whoever shows another history later is found out.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from certs.delegation import hex_digest, whole_count
from certs.errors import KezhengError
from certs.log_entry import read_entry
from certs.signing_key import KID_LENGTH
from registry.log_entries import EntryTally

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """The newest tree that was checked, what had been counted in it, and the newest trust list.

    ``note`` is the checkpoint as it was signed: with a second one it proves a fork. ``gossip`` holds checkpoints of
    others that were ahead of it.
    """

    origin: str
    size: int
    root: bytes
    note: bytes
    newest: bytes
    list_order: tuple[int, int]
    list_digest: str
    kinds: Counter[int] = field(default_factory=Counter)
    per_key: Counter[bytes] = field(default_factory=Counter)
    files: frozenset[tuple[int, bytes]] = frozenset()
    gossip: tuple[bytes, ...] = ()

    def tally(self, watched: frozenset[bytes]) -> EntryTally:
        """What was counted, to be counted on."""
        return EntryTally(watched, self.newest, Counter(self.kinds), Counter(self.per_key), set(self.files))


@contextmanager
def memory_lock(path: Path) -> Iterator[None]:
    """One monitor at a time on one memory: a witness may never answer two questions at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise KezhengError("monitor_memory_in_use", path=str(path)) from error
        yield


def load_memory(path: Path) -> Memory | None:
    """What is remembered, None before the first look. Raises KezhengError ``monitor_memory_unreadable``."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _from_json(orjson.loads(content))
    except (KeyError, TypeError, ValueError, AttributeError, KezhengError) as error:
        raise KezhengError("monitor_memory_unreadable", path=str(path)) from error


def save_memory(path: Path, memory: Memory) -> None:
    """Remember, durably: a witness signs only after this."""
    replace_file(path, orjson.dumps(_to_json(memory), option=orjson.OPT_INDENT_2))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file as a whole and bring it and its name to the disk."""
    descriptor, part = tempfile.mkstemp(dir=path.parent)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, 0o644)
        os.fsync(descriptor)
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _to_json(memory: Memory) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "origin": memory.origin,
        "size": memory.size,
        "root": memory.root.hex(),
        "note": memory.note.decode("utf-8"),
        "newest": memory.newest.hex(),
        "list": {"epoch": memory.list_order[0], "version": memory.list_order[1], "digest": memory.list_digest},
        "kinds": {str(kind): count for kind, count in sorted(memory.kinds.items())},
        "per_key": {kid.hex(): count for kid, count in sorted(memory.per_key.items())},
        "files": [[kind, digest.hex()] for kind, digest in sorted(memory.files)],
        "gossip": [note.decode("utf-8") for note in memory.gossip],
    }


def _from_json(found: dict[str, Any]) -> Memory:
    if found["format"] != FORMAT:
        raise ValueError("another format")
    newest = bytes.fromhex(found["newest"])
    read_entry(newest)
    return Memory(
        origin=_text(found["origin"]),
        size=whole_count(found["size"]),
        root=bytes.fromhex(hex_digest(found["root"])),
        note=_text(found["note"]).encode(),
        newest=newest,
        list_order=(whole_count(found["list"]["epoch"]), whole_count(found["list"]["version"])),
        list_digest=hex_digest(found["list"]["digest"]),
        kinds=Counter({int(kind): whole_count(count) for kind, count in found["kinds"].items()}),
        per_key=Counter({_kid(kid): whole_count(count) for kid, count in found["per_key"].items()}),
        files=frozenset((whole_count(kind), bytes.fromhex(digest)) for kind, digest in found["files"]),
        gossip=tuple(_text(note).encode() for note in found["gossip"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _kid(text: str) -> bytes:
    kid = bytes.fromhex(text)
    if len(kid) != KID_LENGTH:
        raise ValueError("not a key id")
    return kid
