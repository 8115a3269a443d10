"""Checkpoints under a delegation: which keys may sign one, up to where a retired key counts, which witnesses saw it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from certs.delegation import DelegatedLog, LogKey
from certs.errors import KezhengError
from certs.timestamps import instant_from_epoch
from certs.tlog.checkpoint import OpenCheckpoint, open_checkpoint

CHECKPOINT_FILE = "checkpoint"


class TrustedCheckpoint(NamedTuple):
    """A checkpoint of the delegated log, with the witnesses that cosigned it and when."""

    size: int
    root: bytes
    witnesses: tuple[tuple[str, datetime], ...]


def trusted_checkpoint(note: bytes, log: DelegatedLog) -> TrustedCheckpoint:
    """The checkpoint in a note.

    Raises KezhengError ``checkpoint_untrusted``, ``witness_quorum_missing`` when fewer witnesses cosigned it than the
    delegation demands.
    """
    opened = _open(note, log)
    names = {key.name for key in log.witnesses}
    seen = {made.name: instant_from_epoch(made.at_seconds) for made in opened.cosigned if made.name in names}
    if len(seen) < log.quorum:
        raise KezhengError("witness_quorum_missing", count=len(seen), quorum=log.quorum)
    return TrustedCheckpoint(opened.checkpoint.size, opened.checkpoint.root, tuple(sorted(seen.items())))


def _open(note: bytes, log: DelegatedLog) -> OpenCheckpoint:
    """Under a key in use, else under a retired one, which counts only up to the tree pinned for it."""
    cosigners = (log.cosigner, *log.witnesses)
    current = [key.key for key in log.keys if key.final_root is None]
    try:
        return open_checkpoint(note, log.origin, current, cosigners=cosigners)
    except KezhengError as error:
        for key in log.keys:
            if key.final_root is not None and (opened := _open_retired(note, log, key)) is not None:
                return opened
        raise error


def _open_retired(note: bytes, log: DelegatedLog, key: LogKey) -> OpenCheckpoint | None:
    assert key.final_size is not None
    try:
        opened = open_checkpoint(note, log.origin, [key.key])
    except KezhengError:
        return None
    found = opened.checkpoint
    if found.size > key.final_size or (found.size == key.final_size and found.root != key.final_root):
        return None
    return opened
