"""A register's log on its own: a database, a folder, signers that remember, and a reader that trusts none of them."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from certs.log_entry import LogBody, certificate_body, read_entry, subject_of
from certs.signing_key import kid_of
from certs.tlog.checkpoint import Checkpoint, OpenCheckpoint, open_checkpoint
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import leaf_hash, tree_root
from certs.tlog.tiles import bundle_path, decode_bundle, tile_hashes, tile_path
from registry.publishing.log_place import LogPlace
from registry.publishing.sequence_log import Appended, LogSigners, append_entries, publish_log
from registry.store.engine import WriteStore, open_write_store
from registry.store.log_store import LogTree, read_tree

NOW = datetime(2026, 5, 20, 2, 11, 7, 123456, UTC)
ORIGIN = "register.example/2026"
BLOCK = 65_536


class RecordingSigner:
    """An Ed25519 key that writes down what it signs before the signature leaves it, also for other processes."""

    def __init__(self, record: Path) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log").digest())
        self._record = record
        self.public_key = self._private.public_key().public_bytes_raw()
        self.kid = kid_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        with self._record.open("ab") as record:
            record.write(message.hex().encode() + b"\n")
        return self._private.sign(message)

    def signed(self) -> list[Checkpoint]:
        """The checkpoints that were signed, by any process, in order."""
        lines = self._record.read_text("ascii").splitlines() if self._record.exists() else []
        return [_checkpoint(bytes.fromhex(line).decode("utf-8")) for line in lines]


class Cosigner:
    """An ML-DSA-44 key under its name."""

    def __init__(self) -> None:
        self._private = MLDSA44PrivateKey.from_seed_bytes(hashlib.sha256(b"cosigner").digest())
        self.name = f"{ORIGIN}/cosigner"
        self.public_key = self._private.public_key().public_bytes_raw()
        self.kid = hashlib.sha256(self.public_key).digest()[:8]

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


@dataclass
class LogDesk:
    """One sequencer. ``paused`` holds how long it waited for its clock, in seconds."""

    url: str
    folder: Path
    store: WriteStore
    signer: RecordingSigner
    place: LogPlace
    paused: list[float] = field(default_factory=list)

    @property
    def signers(self) -> LogSigners:
        return LogSigners(ORIGIN, self.signer, Cosigner())

    def append(self, count: int = 1, now: datetime = NOW, not_before: datetime | None = None) -> Appended:
        """Log so many certificates, committed and not published."""
        with self.store.transaction() as tx:
            first = read_tree(tx).size
            return append_entries(
                tx, bodies(first, first + count), now, place=self.place, not_before=not_before
            )

    def publish(self) -> None:
        publish_log(self.store, self.place, self.signers)

    def tree(self) -> LogTree:
        with self.store.reading() as tx:
            return read_tree(tx)

    def published(self) -> PublishedLog:
        return read_published(self.folder, self.signers)


@dataclass(frozen=True)
class PublishedLog:
    """What a stranger finds in a log's folder, each entry read and every hash computed."""

    note: bytes
    opened: OpenCheckpoint
    entries: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return self.opened.checkpoint.size

    @property
    def root(self) -> bytes:
        return self.opened.checkpoint.root


def open_desk(url: str, folder: Path, witness: str | None = None) -> LogDesk:
    """A sequencer over a database that is migrated, with a folder of its own."""
    paused: list[float] = []
    place = LogPlace(folder, witness, paused.append)
    signer = RecordingSigner(Path(url.removeprefix("sqlite:///")).with_name("signed.txt"))
    return LogDesk(url, folder, open_write_store(url), signer, place, paused)


def use_desk(url: str, folder: Path, count: int, now: datetime = NOW) -> None:
    """Append, publish and go: a whole command."""
    desk = open_desk(url, folder)
    with closing(desk.store):
        desk.append(count, now)
        desk.publish()


def bodies(first: int, stop: int) -> list[LogBody]:
    """Bodies of certificates, each with its own digest."""
    kid = b"kid no 1"
    return [certificate_body(kid, hashlib.sha256(b"envelope %d" % index).digest()) for index in range(first, stop)]


def read_published(folder: Path, signers: LogSigners) -> PublishedLog:
    """Read everything: both lines of the note, all bundles and tiles, the index. Fails where anything does not fit."""
    note = (folder / "checkpoint").read_bytes()
    opened = open_checkpoint(note, ORIGIN, [signers.log_key], cosigners=[signers.cosigner_key])
    size, root = opened.checkpoint.size, opened.checkpoint.root
    entries = [entry for bundle, width in _parts(size) for entry in _bundle(folder, bundle, width)]
    hashes = [leaf_hash(entry) for entry in entries]
    assert tree_root(hashes) == root
    times = [read_entry(entry).logged_ms for entry in entries]
    assert times == sorted(times)
    assert [made.at_seconds for made in opened.cosigned] == [times[-1] // 1000]
    _check_tiles(folder, hashes)
    _check_index(folder, entries)
    return PublishedLog(note, opened, tuple(entries))


def superfluous(folder: Path) -> list[Path]:
    """Folders of partial tiles that have a full one beside them."""
    return [partial for partial in folder.rglob("*.p") if partial.with_suffix("").exists()]


def _check_tiles(folder: Path, hashes: list[bytes]) -> None:
    """Every tile of the tree is there with the hashes it must have."""
    level = 0
    while hashes:
        for index, width in _parts(len(hashes)):
            content = (folder / tile_path(level, index, width)).read_bytes()
            assert tile_hashes(content, width) == hashes[index * TILE_WIDTH :][:width]
        full = len(hashes) // TILE_WIDTH
        hashes = [tree_root(hashes[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]) for index in range(full)]
        level += 1


def _check_index(folder: Path, entries: list[bytes]) -> None:
    for block in range(len(entries) // BLOCK):
        places = range(block * BLOCK, (block + 1) * BLOCK)
        subjects = [(subject_of(read_entry(entries[place])), place) for place in places]
        expected = sorted(subject[:8] + place.to_bytes(8, "big") for subject, place in subjects if subject)
        assert (folder / f"index/{block}").read_bytes() == b"".join(expected)
    assert not (folder / f"index/{len(entries) // BLOCK}").exists()


def _bundle(folder: Path, bundle: int, width: int) -> list[bytes]:
    return decode_bundle((folder / bundle_path(bundle, width)).read_bytes(), width)


def _parts(size: int) -> list[tuple[int, int]]:
    """Index and width of the tiles over so many hashes."""
    return [(start // TILE_WIDTH, min(TILE_WIDTH, size - start)) for start in range(0, size, TILE_WIDTH)]


def _checkpoint(text: str) -> Checkpoint:
    origin, size, root = text.split("\n")[:3]
    return Checkpoint(origin, int(size), b64decode(root))
