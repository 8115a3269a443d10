"""Inclusion proofs as text files (C2SP tlog-proof): an index, hashes, and the checkpoint they lead to."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import NamedTuple

from certs.errors import KezhengError
from certs.tlog.merkle import HASH_SIZE

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
_MAX_BYTES = 256 * 1024


class TlogProof(NamedTuple):
    """A proof that an entry stands at an index of the tree of a checkpoint, unchecked. ``extra`` proves nothing."""

    leaf_index: int
    hashes: tuple[bytes, ...]
    checkpoint_note: bytes
    extra: bytes | None = None


def format_tlog_proof(proof: TlogProof) -> str:
    """The text of a proof file."""
    extra = [] if proof.extra is None else [f"extra {_base64(proof.extra)}"]
    lines = [HEADER, *extra, f"index {proof.leaf_index}", *map(_base64, proof.hashes), ""]
    return "\n".join(lines) + "\n" + proof.checkpoint_note.decode("utf-8")


def parse_tlog_proof(content: bytes) -> TlogProof:
    """The proof in a file. Raises KezhengError ``log_proof_malformed``."""
    try:
        if len(content) > _MAX_BYTES:
            raise ValueError("too large")
        head, end, note = content.decode("utf-8").partition("\n\n")
        lines = head.split("\n")
        extra = b64decode(lines.pop(1)[6:], validate=True) if lines[1].startswith("extra ") else None
        index = int(lines[1].removeprefix("index "))
        proof = TlogProof(index, tuple(map(_hash, lines[2:])), note.encode(), extra)
    except (ValueError, IndexError) as error:
        raise KezhengError("log_proof_malformed") from error
    if not end or len(proof.hashes) > MAX_HASHES or format_tlog_proof(proof).encode() != content:
        raise KezhengError("log_proof_malformed")
    return proof


def _hash(line: str) -> bytes:
    decoded = b64decode(line, validate=True)
    if len(decoded) != HASH_SIZE:
        raise ValueError("not a hash")
    return decoded


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
