"""A public register for benchmarks: the real sequencer over a database and a folder that live while they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from certs.log_entry import LogBody
from certs.signing_key import kid_of
from certs.tlog.checkpoint import Checkpoint, checkpoint_text
from certs.tlog.cosignature import log_signature_message
from certs.tlog.note import Note, NoteSignature, format_note
from certs.trust_list import PinnedTree
from registry.publishing.log_place import LogPlace
from registry.publishing.sequence_log import Appended, LogSigners, append_entries, publish_log
from registry.store.engine import WriteStore, open_write_store
from registry.store.log_store import read_tree
from registry.store.migrate import upgrade_schema

ORIGIN = "register.example/bench"


def key(name: str) -> Ed25519PrivateKey:
    """A private key that everybody can compute: for benchmarks alone."""
    return Ed25519PrivateKey.from_private_bytes(name.encode("ascii").ljust(32, b"."))


class SampleLogKey:
    """The log's Ed25519 key."""

    def __init__(self) -> None:
        private = key("log")
        self.sign = private.sign
        self.public_key = private.public_key().public_bytes_raw()
        self.kid = kid_of(self.public_key)


class SampleCosignatureKey:
    """The ML-DSA-44 key of the second line."""

    def __init__(self) -> None:
        private = MLDSA44PrivateKey.from_seed_bytes(hashlib.sha256(b"cosigner").digest())
        self.name = f"{ORIGIN}/cosigner"
        self.sign = private.sign
        self.public_key = private.public_key().public_bytes_raw()
        self.kid = hashlib.sha256(self.public_key).digest()[:8]


SIGNERS = LogSigners(ORIGIN, SampleLogKey(), SampleCosignatureKey())


class EntryLog(Protocol):
    """What a sample registry is entered into."""

    def append(self, bodies: Sequence[LogBody], at: datetime) -> Appended:
        """Log entries of one time."""

    def publish(self) -> None:
        """Publish what was logged."""

    def tree(self) -> PinnedTree:
        """Size and root now."""

    def files(self) -> dict[str, bytes]:
        """What is published, by path below the log's folder."""


class SampleLog:
    """A log on this machine's disk. ``folder`` holds what is published."""

    def __init__(self, store: WriteStore, folder: Path) -> None:
        self.folder = folder
        self._store = store
        self._place = LogPlace(folder)

    def append(self, bodies: Sequence[LogBody], at: datetime) -> Appended:
        """Log entries of one time, in one transaction."""
        with self._store.transaction() as tx:
            return append_entries(tx, bodies, at, place=self._place)

    def publish(self) -> None:
        """Publish what was logged."""
        publish_log(self._store, self._place, SIGNERS)

    def tree(self) -> PinnedTree:
        """Size and root now."""
        with self._store.reading() as tx:
            tree = read_tree(tx)
        return PinnedTree(tree.size, tree.root)

    def files(self) -> dict[str, bytes]:
        """What is published, by path below the log's folder."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


def checkpoint_of(tree: PinnedTree) -> bytes:
    """The note that the log signs of a tree."""
    text = checkpoint_text(Checkpoint(ORIGIN, *tree))
    line = NoteSignature(ORIGIN, SIGNERS.log_key.key_id, SIGNERS.signer.sign(log_signature_message(text)))
    return format_note(Note(text, (line,)))


@contextmanager
def new_log() -> Iterator[SampleLog]:
    """An empty log in a folder of its own."""
    with TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name, 'register.db')}"
        upgrade_schema(url)
        with closing(open_write_store(url)) as store:
            yield SampleLog(store, Path(name, "log"))
