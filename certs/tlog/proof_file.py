"""Inclusion proofs as text files (C2SP tlog-proof): an index, hashes, and the checkpoint they lead to."""

from __future__ import annotations

from typing import NamedTuple

from certs.errors import KezhengError
from certs.tlog.checkpoint import read_decimal
from certs.tlog.merkle import HASH_SIZE
from certs.tlog.note import decode_base64, encode_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
MAX_PROOF = 256 * 1024
"""Bytes of a proof file, its checkpoint included."""
_EXTRA = "extra "


class TlogProof(NamedTuple):
    """A proof that an entry stands at an index of the tree of a checkpoint, unchecked.

    ``hashes`` run from the leaf's sibling to the root's child; ``extra``, where there is one, is not empty and is
    covered by nothing.
    """

    leaf_index: int
    hashes: tuple[bytes, ...]
    checkpoint_note: bytes
    extra: bytes | None = None


def format_tlog_proof(proof: TlogProof) -> str:
    """The text of a proof file; the checkpoint's bytes are taken over as they are."""
    extra = [_EXTRA + encode_base64(proof.extra)] if proof.extra else []
    lines = [HEADER, *extra, f"index {proof.leaf_index}", *map(encode_base64, proof.hashes), ""]
    return "\n".join(lines) + "\n" + proof.checkpoint_note.decode("utf-8")


def parse_tlog_proof(content: bytes) -> TlogProof:
    """The proof in a file. Raises KezhengError ``log_proof_malformed``."""
    try:
        if len(content) > MAX_PROOF:
            raise ValueError("too large")
        head, end, note = content.decode("utf-8").partition("\n\n")
        lines = head.split("\n")
        extra = decode_base64(lines.pop(1)[len(_EXTRA) :]) if lines[1].startswith(_EXTRA) else None
        index = read_decimal(lines[1].removeprefix("index "))
        proof = TlogProof(index, tuple(map(_hash, lines[2:])), note.encode(), extra)
    except (ValueError, IndexError) as error:
        raise KezhengError("log_proof_malformed") from error
    if not end or len(proof.hashes) > MAX_HASHES or format_tlog_proof(proof).encode() != content:
        raise KezhengError("log_proof_malformed")
    return proof


def _hash(line: str) -> bytes:
    decoded = decode_base64(line)
    if len(decoded) != HASH_SIZE:
        raise ValueError("not a hash")
    return decoded
