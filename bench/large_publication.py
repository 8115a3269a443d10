"""A published register of any length, as a mirror has it: entry bundles and checkpoint, signed lists, data files.

Most entries are certificates that nobody holds: random digests of the right length. Those that are verified are real
and stand evenly among them, so that whoever looks for them meets every part of the register.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson

from bench.sample import (
    LISTED_AT,
    NOW,
    PUBLIC_URL,
    SampleRegistry,
    public,
    sample_delegation,
    sample_institution,
    sign,
)
from bench.sample_log import checkpoint_of, key
from certs.authority import AuthorityLimits
from certs.cose import take_apart
from certs.evidence import LOG_FOLDER, STATUS_FILE, TRUST_LIST_FILE, file_digests, package_data_files
from certs.institution import InstitutionRecord
from certs.institution_json import scope_content
from certs.jws import STATUS_TYPE, TRUST_LIST_TYPE
from certs.log_entry import (
    EntryKind,
    KeyAct,
    LogBody,
    certificate_body,
    entry_bytes,
    file_body,
    grant_body,
    key_body,
)
from certs.log_paths import CHECKPOINT_FILE
from certs.root_chain import root_to_jwk
from certs.status_list import status_payload
from certs.timestamps import ms_of
from certs.tlog.frontier import TILE_WIDTH, Frontier
from certs.tlog.merkle import leaf_hash
from certs.tlog.tiles import bundle_path, encode_bundle
from certs.trust_list import PinnedTree, trust_list_payload

PIECE = 64 * TILE_WIDTH
PINNED_ROOT = "pinned-root.jwk"


class LargeLog:
    """The log's folder while it grows: bundles, the unfinished one last, and the checkpoint over them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._edge = Frontier()
        self._open: list[bytes] = []

    @property
    def tree(self) -> PinnedTree:
        return PinnedTree(self._edge.size, self._edge.root())

    def append(self, entries: Sequence[bytes]) -> int:
        """The place of the first."""
        first = self._edge.size
        self._edge.append_hashes([leaf_hash(entry) for entry in entries])
        self._open += entries
        while len(self._open) >= TILE_WIDTH:
            bundle = (self._edge.size - len(self._open)) // TILE_WIDTH
            self._write(bundle_path(bundle), encode_bundle(self._open[:TILE_WIDTH]))
            del self._open[:TILE_WIDTH]
        return first

    def record(self, bodies: Sequence[LogBody], ms: int) -> int:
        """Entries of one time; the place of the first."""
        return self.append([entry_bytes(body, ms) for body in bodies])

    def publish(self) -> None:
        """The checkpoint over all entries."""
        if self._open:
            bundle = self._edge.size // TILE_WIDTH
            self._write(bundle_path(bundle, len(self._open)), encode_bundle(self._open))
        self._write(CHECKPOINT_FILE, checkpoint_of(self.tree))

    def _write(self, name: str, content: bytes) -> None:
        path, beside = self._folder / name, self._folder / "part"
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)


class LargePublication:
    """A publication below ``folder``, a home for whoever reads it beside it, and the log to let it grow on."""

    def __init__(self, folder: Path, registry: SampleRegistry, envelopes: Sequence[bytes], size: int) -> None:
        self.published, self.home = folder / "published", folder / "home"
        self.home.mkdir(parents=True)
        self.log = LargeLog(self.published / LOG_FOLDER)
        institution = self._start(registry)
        for entries in _mixed(envelopes, size):
            self.log.append(entries)
        self._sign(institution)
        (self.home / PINNED_ROOT).write_bytes(orjson.dumps(root_to_jwk(registry.root)))

    def grow(self, count: int) -> None:
        """More certificates that nobody holds, and the checkpoint over them."""
        self.log.append(_fillers(count))
        self.log.publish()

    def _start(self, registry: SampleRegistry) -> InstitutionRecord:
        """Data files, the grant and the key of the institution that issued."""
        at = ms_of(LISTED_AT)
        self.log.record([file_body(EntryKind.DATA_FILE, content) for content in package_data_files().values()], at)
        record = sample_institution(public(registry.institution_key))
        [scope], [own] = record.scopes, record.keys
        granted = grant_body(record.code, scope_content(scope))
        first = self.log.record([granted, key_body(KeyAct.ADDED, own.public_key, own.not_before)], at)
        return replace(record, scopes=(replace(scope, log_index=first),), keys=(replace(own, log_index=first + 1),))

    def _sign(self, institution: InstitutionRecord) -> None:
        data, expires_at = package_data_files(), NOW + timedelta(days=3)
        trust = trust_list_payload(
            1,
            "production",
            NOW,
            expires_at,
            AuthorityLimits(),
            {PUBLIC_URL},
            file_digests(data),
            [institution],
            self.log.tree,
        )
        token = sign(key("list"), TRUST_LIST_TYPE, trust, delegation=sample_delegation().decode("ascii"))
        self.log.record([file_body(EntryKind.TRUST_LIST, token)], ms_of(NOW))
        self.log.publish()
        status = sign(key("status"), STATUS_TYPE, status_payload(1, NOW, expires_at, {}))
        for name, content in (data | {TRUST_LIST_FILE: token, STATUS_FILE: status}).items():
            path = self.published / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _mixed(envelopes: Sequence[bytes], size: int) -> Iterator[list[bytes]]:
    """So many certificate entries, the real ones evenly among them; a piece at a time."""
    at, step = ms_of(NOW), size // len(envelopes)
    real = {
        place * step: entry_bytes(certificate_body(take_apart(e).kid, hashlib.sha256(e).digest()), at)
        for place, e in enumerate(envelopes)
    }
    for start in range(0, size, PIECE):
        entries = _fillers(min(PIECE, size - start))
        for place in range(start - start % -step, start + len(entries), step):
            if place in real:
                entries[place - start] = real[place]
        yield entries


def _fillers(count: int) -> list[bytes]:
    random, head = os.urandom(32 * count), entry_bytes(certificate_body(b"filler..", b""), ms_of(NOW))
    return [head + random[start : start + 32] for start in range(0, len(random), 32)]
