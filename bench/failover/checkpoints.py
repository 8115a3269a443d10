"""A monitor that keeps the checkpoints of every site all along, and proves that they are of one history."""

from __future__ import annotations

import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from certs.tlog.frontier import Frontier
from certs.tlog.merkle import leaf_hash

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 1.0
PATH = "/published/log/checkpoint"


class Seen(NamedTuple):
    """A checkpoint: where it was shown first, and what it says."""

    where: str
    at: float
    note: bytes

    @property
    def size(self) -> int:
        """How many entries it covers."""
        return int(self.note.split(b"\n")[1])

    @property
    def root(self) -> str:
        """The tree's root in base64, as it stands there."""
        return self.note.split(b"\n")[2].decode("ascii")


class Watch:
    """Looks in a thread until it is stopped."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.seen: dict[bytes, Seen] = {}
        self.looks = 0
        self._addresses = addresses
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=(name, address), name=f"monitor of {name}", daemon=True)
            for name, address in addresses.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[Seen]:
        """Look no longer; every checkpoint that was shown."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        return sorted(self.seen.values(), key=lambda seen: seen.at)

    def _follow(self, name: str, address: str) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            note = fetch(f"{address}{PATH}")
            if note is not None:
                self.looks += 1
                self.seen.setdefault(note, Seen(name, time.time(), note))


def fetch(address: str) -> bytes | None:
    """What lies at an address, None when it cannot be had now."""
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except OSError:
        return None


def shows(address: str, size: int) -> bool:
    """Whether a site's checkpoint covers so many entries."""
    note = fetch(f"{address}{PATH}")
    return note is not None and Seen(address, 0.0, note).size >= size


def differing(seen: Sequence[Seen], entries: Sequence[bytes]) -> list[Seen]:
    """The checkpoints that are not of the history of these entries."""
    roots = roots_at({each.size for each in seen}, entries)
    return [each for each in seen if roots.get(each.size) != each.root]


def roots_at(sizes: set[int], entries: Sequence[bytes]) -> dict[int, str]:
    """The root in base64 after so many entries, for each size that there are entries for."""
    frontier, roots, done = Frontier(), dict[int, str](), 0
    for size in sorted(size for size in sizes if 0 < size <= len(entries)):
        frontier.append_hashes([leaf_hash(entry) for entry in entries[done:size]])
        roots[size], done = in_base64(frontier.root()), size
    return roots


def in_base64(root: bytes) -> str:
    return b64encode(root).decode("ascii")
