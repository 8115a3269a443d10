"""Checkpoints under a delegation: which keys may sign one, up to where a retired key counts, which witnesses saw it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from certs.delegation import DelegatedLog, LogKey
from certs.errors import KezhengError
from certs.timestamps import instant_from_epoch
from certs.tlog.checkpoint import Checkpoint, OpenCheckpoint, open_checkpoint


class TrustedCheckpoint(NamedTuple):
    """A checkpoint of the delegated log, with the witnesses that cosigned it and when."""

    size: int
    root: bytes
    witnesses: tuple[tuple[str, datetime], ...]


def trusted_checkpoint(note: bytes, log: DelegatedLog) -> TrustedCheckpoint:
    """The checkpoint in a note.

    Raises KezhengError ``checkpoint_untrusted``, also for a witness's time past the calendar, and
    ``witness_quorum_missing`` when fewer witnesses cosigned it than the delegation demands.
    """
    opened = _open(note, log)
    names = {key.name for key in log.witnesses}
    try:
        seen = {made.name: instant_from_epoch(made.at_seconds) for made in opened.cosigned if made.name in names}
    except ValueError as error:
        raise KezhengError("checkpoint_untrusted") from error
    if len(seen) < log.quorum:
        raise KezhengError("witness_quorum_missing", count=len(seen), quorum=log.quorum)
    return TrustedCheckpoint(opened.checkpoint.size, opened.checkpoint.root, tuple(sorted(seen.items())))


def _open(note: bytes, log: DelegatedLog) -> OpenCheckpoint:
    """Every line of a known key must verify; one of them at least must be of a log key that counts for this tree."""
    own = [key.key for key in log.keys]
    opened = open_checkpoint(note, log.origin, own, cosigners=(log.cosigner, *log.witnesses))
    signers = {(line.name, line.key_id) for line in opened.note.signatures}
    signing = (key for key in log.keys if (key.key.name, key.key.key_id) in signers)
    if not any(_counts(key, opened.checkpoint) for key in signing):
        raise KezhengError("checkpoint_untrusted")
    return opened


def _counts(key: LogKey, found: Checkpoint) -> bool:
    """A key in use counts for every tree, a retired one only up to the tree pinned for it."""
    if key.final_size is None:
        return True
    return found.size < key.final_size or (found.size, found.root) == (key.final_size, key.final_root)
