"""``kezheng log prove``: a certificate's place in the register, for people who hold neither the register nor this home.

The proof is a C2SP tlog-proof. Its extra line carries the entry, because the entry's time cannot be told from the
certificate; a verifier takes only the time from it and makes the rest from the envelope.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from certs.errors import KezhengError
from certs.log_entry import EntryKind, read_entry
from certs.tlog.checkpoint import open_checkpoint
from certs.tlog.merkle import leaf_hash, verify_inclusion
from certs.tlog.proof_file import TlogProof, format_tlog_proof
from certs.tlog.tile_reader import TileReader
from registry.home import Home
from registry.status_changes import require_released
from registry.store.engine import ReadTransaction
from registry.store.log_store import entries_between, leaf_indices


class CertificateProof(NamedTuple):
    """Where and when a certificate was entered, and the text that proves it."""

    leaf_index: int
    logged_at: datetime
    tree_size: int
    root: bytes
    entry: bytes
    text: str


def prove_certificate(home: Home, number: str) -> CertificateProof:
    """The proof of a released certificate, made from the published tiles and checked.

    Raises KezhengError ``certificate_unknown``, ``log_tile_missing``, ``log_proof_invalid``, ``checkpoint_untrusted``.
    """
    note = home.checkpoint()
    with home.store.reading() as tx:
        certificate = require_released(tx, number)
        assert certificate.envelope_digest is not None
        index = _certificate_entry(tx, certificate.envelope_digest)
        log = home.delegated(tx).log
    checkpoint = open_checkpoint(note, log.origin, [key.key for key in log.keys]).checkpoint
    tiles = TileReader(checkpoint.size, checkpoint.root, home.log_file)
    entry, hashes = tiles.entry(index), tiles.inclusion_proof(index)
    verify_inclusion(leaf_hash(entry), index, checkpoint.size, hashes, checkpoint.root)
    text = format_tlog_proof(TlogProof(index, tuple(hashes), note, entry))
    return CertificateProof(index, read_entry(entry).logged_at, checkpoint.size, checkpoint.root, entry, text)


def _certificate_entry(tx: ReadTransaction, digest: bytes) -> int:
    for index in leaf_indices(tx, digest):
        if entries_between(tx, index, index + 1)[0][0] == EntryKind.CERTIFICATE:
            return index
    raise KezhengError("log_damaged")
