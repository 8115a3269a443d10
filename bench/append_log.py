"""Entries into the public register: committed with their tree, written as tiles, signed, published; all on the disk.

In batches it is held against the hashes that the tree cannot do without, one by one against the disk's own rhythm.
Each round continues the log that the one before left behind.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench.rounds import Benchmark, Side
from bench.sample_log import SampleLog, new_log
from certs.log_entry import LogBody, certificate_body

BATCH = 10_000
LEAF, NODE = bytes(50), bytes(65)
"""As long as what is hashed for a certificate's entry and for an inner node."""
PAGE = bytes(4096)
KID = bytes(8)


class NewCertificates:
    """Logs certificates that no log has seen."""

    def __init__(self, log: SampleLog) -> None:
        self._log = log
        self._numbers = count()

    def append(self, entries: int) -> int:
        """Log and publish new certificates, in one transaction."""
        self._log.append([self._body() for _ in range(entries)], datetime.now(UTC))
        self._log.publish()
        return entries

    def _body(self) -> LogBody:
        return certificate_body(KID, hashlib.sha256(b"%d" % next(self._numbers)).digest())


@contextmanager
def batches() -> Iterator[Benchmark]:
    """Ten thousand entries at a time."""
    with new_log() as log:
        new = NewCertificates(log)
        yield Benchmark(
            "entries",
            Side("entries logged and published, 10,000 at a time", lambda: new.append(BATCH)),
            Side("bare SHA-256 of as many leaves and nodes", hash_tree),
        )


@contextmanager
def singles() -> Iterator[Benchmark]:
    """One entry at a time, as when a certificate is revoked."""
    with new_log() as log:
        new, page = NewCertificates(log), log.folder.parent / "page"
        yield Benchmark(
            "entries",
            Side("entries logged and published, one at a time", lambda: new.append(1)),
            Side("a page written to the disk (fsync)", lambda: write_page(page)),
        )


def hash_tree() -> int:
    for data in (LEAF, NODE):
        for _ in range(BATCH):
            hashlib.sha256(data).digest()
    return BATCH


def write_page(path: Path) -> int:
    with path.open("ab") as file:
        file.write(PAGE)
        file.flush()
        os.fsync(file.fileno())
    return 1
