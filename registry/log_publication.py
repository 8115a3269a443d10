"""The signed head of a published register: its trust list under an anchor, and the checkpoint that this delegates.

Witness quorums are not asked for here: whoever checks, watches or witnesses a register comes before its quorum.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from certs.errors import KezhengError
from certs.evidence import ROOT_CHAIN_FILE, TRUST_LIST_FILE
from certs.log_checkpoint import TrustedCheckpoint, trusted_checkpoint
from certs.log_paths import CHECKPOINT_FILE
from certs.root_chain import RootKey, newest_root
from certs.tlog.tile_reader import ReadFile, TileReader
from certs.trust_list import TrustList, open_trust_list
from registry.log_source import LogSource


class Publication(NamedTuple):
    """A checked trust list with the SHA-256 of its bytes (hex), and the checked checkpoint with its note."""

    trust: TrustList
    list_digest: str
    note: bytes
    checkpoint: TrustedCheckpoint


def read_publication(source: LogSource, root: RootKey) -> Publication:
    """What a source publishes now.

    The list is read before the checkpoint, which so covers it. A checkpoint under a key that is newer than the list is
    met by reading both once more. Raises KezhengError ``trust_list_unavailable``, ``trust_list_unsigned``,
    ``log_unavailable``, ``checkpoint_untrusted``, ``log_source_unreachable``.
    """
    try:
        return _read(source, root)
    except KezhengError as error:
        if error.code != "checkpoint_untrusted":
            raise
    return _read(source, root)


def open_any_checkpoint(note: bytes, trust: TrustList) -> TrustedCheckpoint:
    """A checkpoint of the delegated log, however many witnesses it has. Raises ``checkpoint_untrusted``."""
    return trusted_checkpoint(note, trust.delegation.log._replace(quorum=0))


def earlier_trees(trust: TrustList) -> list[tuple[int, bytes]]:
    """The trees that a trust list and its delegation pin: size and root, each of which the log must continue."""
    finals = [
        (key.final_size, key.final_root)
        for key in trust.delegation.log.keys
        if key.final_size is not None and key.final_root is not None
    ]
    return [(trust.pinned.size, trust.pinned.root), *finals]


def tiles_of(checkpoint: TrustedCheckpoint, read: ReadFile) -> TileReader:
    """The tiles of a checkpoint's tree."""
    return TileReader(checkpoint.size, checkpoint.root, read)


def _read(source: LogSource, root: RootKey) -> Publication:
    token = source.file(TRUST_LIST_FILE)
    if token is None:
        raise KezhengError("trust_list_unavailable")
    try:
        trust = open_trust_list(token, newest_root(root, source.file(ROOT_CHAIN_FILE)))
    except KezhengError as error:
        if error.code == "log_source_unreachable":
            raise
        raise KezhengError("trust_list_unsigned", cause=error.code) from error
    note = source.log_file(CHECKPOINT_FILE)
    if note is None:
        raise KezhengError("log_unavailable")
    return Publication(trust, hashlib.sha256(token).hexdigest(), note, open_any_checkpoint(note, trust))
