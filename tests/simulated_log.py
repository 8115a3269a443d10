"""The public register of a world in memory: entries in order of their times, as the files a verifier would fetch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from certs.institution import InstitutionRecord, SigningKey
from certs.institution_json import event_content, scope_content
from certs.log_entry import (
    KeyAct,
    LogBody,
    change_body,
    entry_bytes,
    grant_body,
    key_body,
)
from certs.timestamps import ms_of
from certs.tlog.checkpoint import Checkpoint, checkpoint_text
from certs.tlog.cosignature import cosignature_body, cosignature_message_mldsa, log_signature_message
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import leaf_hash, tree_root
from certs.tlog.note import ED25519, MLDSA44_COSIGNATURE, Note, NoteKey, NoteSignature, format_note
from certs.tlog.tiles import bundle_path, encode_bundle, tile_path


class CosignatureKey:
    """An ML-DSA-44 key from a seed, with its name as a cosigner."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._private = MLDSA44PrivateKey.from_seed_bytes(hashlib.sha256(name.encode()).digest())
        self.key = NoteKey(name, MLDSA44_COSIGNATURE, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


class SigningPair(Protocol):
    """An Ed25519 key pair."""

    public_key: bytes

    def sign(self, message: bytes) -> bytes: ...


@cache
def cosignature_key(name: str) -> CosignatureKey:
    return CosignatureKey(name)


@dataclass(frozen=True)
class Happened:
    """One thing that was logged at a time."""

    at: datetime
    body: LogBody


class SimulatedLog:
    """Entries in order of their times."""

    def __init__(self, happened: Iterable[Happened]) -> None:
        self.entries: list[bytes] = []
        self._places: dict[LogBody, int] = {}
        for each in sorted(happened, key=lambda one: ms_of(one.at)):
            self.append(each)

    def append(self, happened: Happened) -> None:
        """Log one thing; never before the newest."""
        newest = int.from_bytes(self.entries[-1][1:9], "big") if self.entries else 0
        self._places.setdefault(happened.body, len(self.entries))
        self.entries.append(entry_bytes(happened.body, max(newest, ms_of(happened.at))))

    def place(self, body: LogBody) -> int:
        """Where an entry stands."""
        return self._places[body]

    def root(self, size: int | None = None) -> bytes:
        """The root of the first entries."""
        return tree_root([leaf_hash(entry) for entry in self.entries[:size]])

    def files(self, origin: str, key: SigningPair, cosigner: CosignatureKey) -> dict[str, bytes]:
        """What is published: checkpoint, entry bundles and tiles, by path below the log's folder."""
        note = signed_checkpoint(Checkpoint(origin, len(self.entries), self.root()), key, cosigner, self._seconds())
        return {"checkpoint": note} | self._bundles() | self._tiles()

    def _seconds(self) -> int:
        return int.from_bytes(self.entries[-1][1:9], "big") // 1000

    def _bundles(self) -> dict[str, bytes]:
        return {
            bundle_path(start // TILE_WIDTH, len(part)): encode_bundle(part)
            for start in range(0, len(self.entries), TILE_WIDTH)
            if (part := self.entries[start : start + TILE_WIDTH])
        }

    def _tiles(self) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        level = 0
        hashes = [leaf_hash(entry) for entry in self.entries]
        while hashes:
            parts = [hashes[start : start + TILE_WIDTH] for start in range(0, len(hashes), TILE_WIDTH)]
            files |= {tile_path(level, index, len(part)): b"".join(part) for index, part in enumerate(parts)}
            hashes = [tree_root(part) for part in parts if len(part) == TILE_WIDTH]
            level += 1
        return files


def signed_checkpoint(checkpoint: Checkpoint, key: SigningPair, cosigner: CosignatureKey, at_seconds: int) -> bytes:
    """A checkpoint note with its two lines."""
    text = checkpoint_text(checkpoint)
    name = NoteKey(checkpoint.origin, ED25519, key.public_key)
    lines = (
        NoteSignature(name.name, name.key_id, key.sign(log_signature_message(text))),
        NoteSignature(
            cosigner.key.name,
            cosigner.key.key_id,
            cosignature_body(
                at_seconds,
                cosigner.sign(
                    cosignature_message_mldsa(
                        cosigner.name, at_seconds, checkpoint.origin, checkpoint.size, checkpoint.root
                    )
                ),
            ),
        ),
    )
    return format_note(Note(text, lines))


def listing_events(records: Iterable[InstitutionRecord], declared_at: datetime) -> list[Happened]:
    """Everything about institutions that the register holds; compromises were logged when they were declared."""
    found = []
    for record in records:
        found += [Happened(s.granted_at, grant_body(record.code, scope_content(s))) for s in record.scopes]
        found += [Happened(e.recorded_at, change_body(record.code, e.kind, event_content(e))) for e in record.events]
        for key in record.keys:
            found.append(Happened(key.not_before, added(key)))
            if key.retired_at:
                found.append(Happened(key.retired_at, retired(key)))
            if key.compromised_at:
                found.append(Happened(declared_at, compromised(key)))
    return found


def added(key: SigningKey) -> LogBody:
    return key_body(KeyAct.ADDED, key.public_key, key.not_before)


def retired(key: SigningKey) -> LogBody:
    assert key.retired_at
    return key_body(KeyAct.RETIRED, key.public_key, key.retired_at)


def compromised(key: SigningKey) -> LogBody:
    assert key.compromised_at
    return key_body(KeyAct.COMPROMISED, key.public_key, key.compromised_at)


def with_places(record: InstitutionRecord, log: SimulatedLog) -> InstitutionRecord:
    """A record that says where its entries stand."""
    return replace(
        record,
        scopes=tuple(
            replace(s, log_index=log.place(grant_body(record.code, scope_content(s)))) for s in record.scopes
        ),
        events=tuple(
            replace(e, log_index=log.place(change_body(record.code, e.kind, event_content(e)))) for e in record.events
        ),
        keys=tuple(
            replace(
                key,
                log_index=log.place(added(key)),
                retired_log_index=log.place(retired(key)) if key.retired_at else None,
                compromised_log_index=log.place(compromised(key)) if key.compromised_at else None,
            )
            for key in record.keys
        ),
    )
