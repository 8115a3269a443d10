"""Certificates that bring their proofs, out of a register of a million entries: what is proved for all is there too."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bench.sample import (
    NOW,
    PUBLIC_URL,
    SampleRegistry,
    logged_institution,
    public,
    published_files,
    sample_institution,
    sample_registry,
    sample_requests,
)
from bench.sample_log import checkpoint_of
from bench.sample_texts import sealed
from bench.shown_proofs import LogOfShownProofs
from bench.sparse_tree import SparseTree
from certs.authority import AuthorityLimits
from certs.evidence import LOG_FOLDER, gather_evidence
from certs.log_entry import LogBody, clock_body, entry_bytes, is_about
from certs.log_evidence import LogReader
from certs.log_paths import CHECKPOINT_FILE
from certs.proven_log import open_proven_log
from certs.qr import qr_text
from certs.timestamps import ms_of
from certs.tlog.proof_file import TlogProof, format_tlog_proof
from certs.tlog.tile_reader import TileReader
from certs.trust_list import PinnedTree, TrustList
from registry.publishing.sequence_log import Appended

SIZE = 1_000_000


class SparseLog:
    """A log in memory, whose other entries nobody asks for."""

    def __init__(self) -> None:
        self.entries: dict[int, bytes] = {}
        self._size = 0

    def append(self, bodies: Sequence[LogBody], at: datetime) -> Appended:
        first = self._size
        self.entries |= {first + place: entry_bytes(body, ms_of(at)) for place, body in enumerate(bodies)}
        self.skip(len(bodies))
        return Appended(first, at)

    def skip(self, count: int) -> None:
        """So many entries that nobody asks for."""
        self._size += count

    def publish(self) -> None:
        """Fill it up; the register's clock is last."""
        self.skip(SIZE - self._size - 1)
        self.append([clock_body()], NOW)

    def tree(self) -> PinnedTree:
        return PinnedTree(self._size, self._tree().root())

    def files(self) -> dict[str, bytes]:
        return dict(self._tree().files(self.entries)) | {CHECKPOINT_FILE: checkpoint_of(self.tree())}

    def places_of(self, digest: bytes) -> list[int]:
        """Where the entries about a digest stand."""
        return [place for place, entry in self.entries.items() if is_about(entry, digest)]

    def _tree(self) -> SparseTree:
        return SparseTree(self._size, self.entries)


def shown_with_proofs(count: int) -> tuple[SampleRegistry, list[str]]:
    """QR texts of certificates, and a registry whose evidence has a proof of each."""
    registry, log = sample_registry(), SparseLog()
    envelopes = [sealed(registry, request) for request in sample_requests(count)]
    institution = logged_institution(log, sample_institution(public(registry.institution_key)))
    log.skip(SIZE // 3)
    files = published_files(log, institution, AuthorityLimits(), envelopes)
    note = files[LOG_FOLDER + CHECKPOINT_FILE]
    tiles = TileReader(*log.tree(), lambda path: files.get(LOG_FOLDER + path))
    digests = [hashlib.sha256(envelope).digest() for envelope in envelopes]
    proofs = {digest: proof_of(log, tiles, note, digest) for digest in digests}

    def opened(trust: TrustList) -> LogReader:
        register = open_proven_log(note, lambda path: files.get(LOG_FOLDER + path), log.places_of, trust)
        return LogOfShownProofs(register, note, proofs.get)

    evidence = gather_evidence(files, registry.root, open_log=opened)
    return replace(registry, evidence=evidence), [qr_text(PUBLIC_URL, envelope) for envelope in envelopes]


def proof_of(log: SparseLog, tiles: TileReader, note: bytes, digest: bytes) -> bytes:
    """The proof file of the entry about a digest."""
    [place] = log.places_of(digest)
    return format_tlog_proof(TlogProof(place, tuple(tiles.inclusion_proof(place)), note, log.entries[place])).encode()
