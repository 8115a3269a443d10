"""A complete log as it stands at one checkpoint, held against what a trust list pins of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from certs.complete_log import CompleteLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint, trusted_checkpoint
from certs.log_paths import CHECKPOINT_FILE
from certs.tlog.tile_reader import ReadFile
from certs.trust_list import PinnedTree, TrustList


class LogSnapshot:
    """Answers for one tree, while the log behind it may grow on. Fits the LogReader interface."""

    is_complete = True

    def __init__(self, log: CompleteLog, checkpoint: TrustedCheckpoint, newest_at: datetime, *, is_own: bool) -> None:
        """``is_own``: the register's own log, in which everything stands before it is handed out."""
        self._log = log
        self._is_own = is_own
        self.size = checkpoint.size
        self.newest_at = newest_at
        self.witnesses = checkpoint.witnesses

    def covers(self, instant: datetime) -> bool:
        """Whether whatever was logged before this instant must be in it."""
        return self._is_own or instant <= self.newest_at

    def entries_about(self, subject: bytes) -> Sequence[tuple[int, bytes]]:
        """Every entry about a digest with its place, in order."""
        return self._log.entries_about(subject, self.size)

    def entry(self, index: int) -> bytes | None:
        """The entry at a place, None past the end."""
        return self._log.entry(index) if 0 <= index < self.size else None


def published_checkpoint(note: bytes | None, trust: TrustList) -> TrustedCheckpoint:
    """The checkpoint in a note that a register publishes.

    Raises KezhengError ``log_unavailable`` for no note, ``log_behind_list`` for a checkpoint older than the trust
    list's pinned tree, and as `trusted_checkpoint`.
    """
    if note is None:
        raise KezhengError("log_unavailable")
    checkpoint = trusted_checkpoint(note, trust.delegation.log)
    if checkpoint.size < max(1, trust.pinned.size):
        raise KezhengError("log_behind_list")
    return checkpoint


def snapshot_at(log: CompleteLog, checkpoint: TrustedCheckpoint, pinned: PinnedTree, *, is_own: bool) -> LogSnapshot:
    """A log that was advanced to a checkpoint, held against the pinned tree. Raises KezhengError ``log_forked``."""
    check_pinned(log, pinned)
    return LogSnapshot(log, checkpoint, log.newest_at, is_own=is_own)


def open_snapshot(log: CompleteLog, note: bytes | None, trust: TrustList, *, is_own: bool = False) -> LogSnapshot:
    """Advance a log to a checkpoint and hold it against the trust list's pinned tree.

    Raises KezhengError as `published_checkpoint`, `CompleteLog.advance` and `snapshot_at` do.
    """
    checkpoint = published_checkpoint(note, trust)
    log.advance(checkpoint)
    return snapshot_at(log, checkpoint, trust.pinned, is_own=is_own)


def open_published_log(read: ReadFile, trust: TrustList, *, is_own: bool = False) -> LogSnapshot:
    """The log in published files, all of it read once."""
    return open_snapshot(CompleteLog(read), read(CHECKPOINT_FILE), trust, is_own=is_own)


def check_pinned(log: CompleteLog, pinned: PinnedTree) -> None:
    """The log must continue the pinned tree. Raises KezhengError ``log_forked``."""
    if log.root_at(pinned.size) != pinned.root:
        raise KezhengError("log_forked")
