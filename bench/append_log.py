"""Entries into the public register: committed with their tree, written as tiles, signed, published; all on the disk.

In batches it is held against the hashes that the tree cannot do without, one by one against the disk's own rhythm.
Each round continues the log that the one before left behind.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from bench.rounds import Benchmark, Side
from bench.sample import key
from certs.log_entry import LogBody, certificate_body
from certs.signing_key import kid_of
from registry.publishing.log_place import LogPlace
from registry.publishing.sequence_log import LogSigners, append_entries, publish_log
from registry.store.engine import WriteStore, open_write_store
from registry.store.migrate import upgrade_schema

BATCH = 10_000
LEAF, NODE = bytes(50), bytes(65)
"""As long as what is hashed for a certificate's entry and for an inner node."""
PAGE = bytes(4096)
ORIGIN = "register.example/bench"
KID = bytes(8)


class LogKey:
    """The log's Ed25519 key."""

    def __init__(self) -> None:
        private = key("log")
        self.sign = private.sign
        self.public_key = private.public_key().public_bytes_raw()
        self.kid = kid_of(self.public_key)


class CosignatureKey:
    """The ML-DSA-44 key of the second line."""

    def __init__(self) -> None:
        private = MLDSA44PrivateKey.from_seed_bytes(hashlib.sha256(b"cosigner").digest())
        self.name = f"{ORIGIN}/cosigner"
        self.sign = private.sign
        self.public_key = private.public_key().public_bytes_raw()
        self.kid = hashlib.sha256(self.public_key).digest()[:8]


class Log:
    """A log on this machine's disk."""

    def __init__(self, store: WriteStore, folder: Path) -> None:
        self._store = store
        self._place = LogPlace(folder)
        self._signers = LogSigners(ORIGIN, LogKey(), CosignatureKey())
        self._numbers = count()

    def append(self, entries: int) -> int:
        """Log and publish new certificates, in one transaction."""
        bodies = [self._body() for _ in range(entries)]
        with self._store.transaction() as tx:
            append_entries(tx, bodies, datetime.now(UTC), place=self._place)
        publish_log(self._store, self._place, self._signers)
        return entries

    def _body(self) -> LogBody:
        return certificate_body(KID, hashlib.sha256(b"%d" % next(self._numbers)).digest())


@contextmanager
def new_log() -> Iterator[tuple[Log, Path]]:
    """An empty log and the folder that it lies in."""
    with TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name, 'register.db')}"
        upgrade_schema(url)
        with closing(open_write_store(url)) as store:
            yield Log(store, Path(name, "log")), Path(name)


@contextmanager
def batches() -> Iterator[Benchmark]:
    """Ten thousand entries at a time."""
    with new_log() as (log, _):
        yield Benchmark(
            "entries",
            Side("entries logged and published, 10,000 at a time", lambda: log.append(BATCH)),
            Side("bare SHA-256 of as many leaves and nodes", hash_tree),
        )


@contextmanager
def singles() -> Iterator[Benchmark]:
    """One entry at a time, as when a certificate is revoked."""
    with new_log() as (log, folder):
        yield Benchmark(
            "entries",
            Side("entries logged and published, one at a time", lambda: log.append(1)),
            Side("a page written to the disk (fsync)", lambda: write_page(folder / "page")),
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
