"""A published log in memory, with tiles, that tells which of its files were read."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from bundle_folder import certificate
from merkle_reference import mth
from simulated_log import SimulatedLog

from certs.complete_log import CompleteLog
from certs.log_checkpoint import TrustedCheckpoint

START = 1_795_154_400_000


def digest(index: int, history: str = "") -> bytes:
    return hashlib.sha256(f"{history}{index}".encode()).digest()


def entries_of(count: int, history: str = "") -> list[bytes]:
    """Certificates, with a clock entry now and then and, later, a status change of some."""
    return [_entry(index, history) for index in range(count)]


def _entry(index: int, history: str) -> bytes:
    if index % 50 == 0:
        return struct.pack(">BQ", 0, START + index)
    if index > 300 and index % 9 == 1:
        return struct.pack(">BQ", 2, START + index) + digest(index - 300, history) + bytes(18)
    return certificate(digest(index, history), START + index)


@dataclass
class PublishedLog:
    """Files below a log's folder, but for the checkpoint."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, entries: list[bytes]) -> TrustedCheckpoint:
        """What a register of these entries has published."""
        log = SimulatedLog([])
        log.entries = entries
        self.files = log._bundles() | log._tiles()
        return TrustedCheckpoint(len(entries), mth(entries), ())

    def read(self, path: str) -> bytes | None:
        """A file."""
        self.asked.append(path)
        return self.files.get(path)

    def bundles_asked(self) -> list[str]:
        """Which bundles were read since this was asked last."""
        asked = [path.removeprefix("tile/entries/") for path in self.asked if path.startswith("tile/entries/")]
        self.asked.clear()
        return asked


def is_log_of(log: CompleteLog, entries: list[bytes], history: str = "") -> bool:
    """Whether a log answers as its entries do, about what is in it and what is not."""
    step = max(1, len(entries) // 150)
    for index in range(0, len(entries) + 50, step):
        asked = digest(index, history)
        expected = [(place, entry) for place, entry in enumerate(entries) if _is_about(entry, asked)]
        if list(log.entries_about(asked, log.size)) != expected:
            return False
    return log.size == len(entries) and log.root == mth(entries)


def _is_about(entry: bytes, asked: bytes) -> bool:
    return (entry[0] == 1 and entry[17:] == asked) or (entry[0] == 2 and entry[9:41] == asked)
