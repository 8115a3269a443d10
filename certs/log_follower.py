"""Following the public register: what was read once is kept, and a new checkpoint costs only its new entries.

A cache, where there is one, keeps what was read beyond the life of a process and for all processes of a machine. It is
believed no further than the register itself: under its roots the new entries must lead to the signed checkpoint.
"""

from __future__ import annotations

from typing import Protocol

from certs.complete_log import NOTHING_KEPT, CompleteLog, KeptLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_evidence import LogReader
from certs.log_paths import CHECKPOINT_FILE
from certs.log_snapshot import published_checkpoint, snapshot_at
from certs.proven_log import require_continued
from certs.subject_places import RECENT
from certs.tlog.tile_reader import ReadFile, TileReader
from certs.trust_list import TrustList

PATIENCE = 2 * RECENT
"""So many entries are held in memory alone before they are kept; whoever keeps for others waits half as long."""
MISFITS = ("log_entries_differ", "log_rolled_back", "log_time_decreases")
"""What is said when new entries do not continue what is known: one of the two is not of this log."""


class LogCache(Protocol):
    """Keeps what was read of logs, by their origin."""

    def kept(self, origin: str) -> KeptLog | None:
        """What is kept now; the same object as long as nothing changes. None when there is nothing usable."""

    def extend(self, origin: str, checkpoint: TrustedCheckpoint, read: ReadFile) -> bool:
        """Read a log up to a checkpoint and keep it; whether that was done, by this process or another.

        What is kept and is not of this log is given up. Raises KezhengError as `CompleteLog.advance` does when the
        published entries are not those of the checkpoint.
        """


class LogFollower:
    """A complete log that goes from checkpoint to checkpoint."""

    def __init__(
        self, read: ReadFile, *, is_own: bool, cache: LogCache | None = None, patience: int = PATIENCE
    ) -> None:
        """``patience``: how many entries may be in memory alone."""
        self._read = read
        self._is_own = is_own
        self._cache = cache
        self._patience = patience
        self._log = CompleteLog(read)
        self._met: KeptLog | None = None
        self._used: KeptLog | None = None
        self._origin = ""
        self._tried_at = 0

    def open(self, trust: TrustList) -> LogReader:
        """The register as published now. Raises KezhengError as `open_snapshot` does.

        When its entries do not fit what was read before, it is read again from the start: the register may have been
        replaced by another one under another root.
        """
        checkpoint = published_checkpoint(self._read(CHECKPOINT_FILE), trust)
        self._origin = trust.delegation.log.origin
        self._follow(self._origin, checkpoint)
        return snapshot_at(self._log, checkpoint, trust.pinned, is_own=self._is_own)

    def has_news(self) -> bool:
        """Whether something else is kept now, or nothing because it is damaged: then the register is to be opened."""
        return self._cache is not None and self._cache.kept(self._origin) is not self._met

    def _follow(self, origin: str, checkpoint: TrustedCheckpoint) -> None:
        found = self._from_cache(origin, checkpoint)
        if found is None:
            found = self._advanced(origin, checkpoint)
        if found is self._log:
            return
        if found.continues(self._log):
            self._log.take_over(found)  # snapshots that were handed out go on with it
        else:
            self._log = found

    def _advanced(self, origin: str, checkpoint: TrustedCheckpoint) -> CompleteLog:
        """The log that is known, read on; or the one that took its place, read from the start."""
        try:
            self._log.advance(checkpoint)
            return self._log
        except KezhengError as error:
            known, may_differ = self._log, error.code in MISFITS
            if not may_differ or not known.size or is_continued(known.size, known.root, checkpoint, self._read):
                raise
        return self._anew(origin, checkpoint) or self._opened(NOTHING_KEPT, checkpoint)

    def _from_cache(self, origin: str, checkpoint: TrustedCheckpoint) -> CompleteLog | None:
        """The log as it was kept, read on; None when nothing else is kept than what is known."""
        if self._cache is None:
            return None
        kept = self._met = self._cache.kept(origin)
        reached = max(kept.size if kept is not None else 0, self._tried_at)
        is_late = checkpoint.size - reached >= self._patience
        if kept is self._used and not is_late:
            return None
        if kept is not None and not is_late:
            try:
                log = self._opened(kept, checkpoint)
            except KezhengError as error:
                if error.code not in MISFITS:
                    raise
            else:
                self._used = kept
                return log
        return self._anew(origin, checkpoint)

    def _anew(self, origin: str, checkpoint: TrustedCheckpoint) -> CompleteLog | None:
        """The log after the cache has read it on; None when there is none, or it is small, or that did not work."""
        if self._cache is None:
            return None
        is_read = checkpoint.size >= self._patience and self._cache.extend(origin, checkpoint, self._read)
        kept = self._met = self._cache.kept(origin)
        log = self._opened(kept, checkpoint) if is_read and kept is not None else None
        self._tried_at, self._used = checkpoint.size, kept
        return log

    def _opened(self, kept: KeptLog, checkpoint: TrustedCheckpoint) -> CompleteLog:
        log = CompleteLog(self._read, kept.up_to(checkpoint.size))
        log.advance(checkpoint)
        return log


def is_continued(size: int, root: bytes, checkpoint: TrustedCheckpoint, read: ReadFile) -> bool:
    """Whether tiles prove that a known tree is part of a checkpoint's: then the entries after it are at fault."""
    try:
        require_continued(TileReader(checkpoint.size, checkpoint.root, read), size, root)
    except KezhengError:
        return False
    return True
