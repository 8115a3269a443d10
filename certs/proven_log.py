"""A log of which single entries are proved: for whoever knows where to look, however long the log is.

It never says that something is missing: what its hints do not find is ``log_unavailable``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint, trusted_checkpoint
from certs.log_entry import read_entry, subject_of
from certs.tlog.tile_reader import ReadFile, TileReader
from certs.trust_list import TrustList

Hints = Callable[[bytes], Sequence[int]]
"""Where entries about a digest may stand."""


class ProvenLog:
    """Entries under a checkpoint, each authenticated from tiles. Fits the LogReader interface."""

    is_complete = False

    def __init__(self, checkpoint: TrustedCheckpoint, read: ReadFile, hints: Hints) -> None:
        """Raises KezhengError as `TileReader` does when the last entry cannot be authenticated."""
        self._tiles = TileReader(checkpoint.size, checkpoint.root, read)
        self._hints = hints
        self.size = checkpoint.size
        self.witnesses = checkpoint.witnesses
        self.newest_at: datetime = read_entry(self._tiles.entry(self.size - 1)).logged_at

    def covers(self, _instant: datetime) -> bool:
        """Never: nothing is missing from what was not read as a whole."""
        return False

    def entries_about(self, subject: bytes) -> Sequence[tuple[int, bytes]]:
        """The entries that the hints lead to. Raises ``log_unavailable`` when there is none."""
        places = [index for index in self._hints(subject) if 0 <= index < self.size]
        found = [(index, entry) for index in sorted(places) if (entry := self.entry(index)) is not None]
        about = [(index, entry) for index, entry in found if subject_of(read_entry(entry)) == subject]
        if not about:
            raise KezhengError("log_unavailable")
        return about

    def entry(self, index: int) -> bytes | None:
        """The entry at a place, None past the end."""
        return self._tiles.entry(index) if 0 <= index < self.size else None


def open_proven_log(note: bytes, read: ReadFile, hints: Hints, trust: TrustList) -> ProvenLog:
    """The register's own log, to be proved entry by entry before anything is handed out.

    Witnesses are not asked for: they can only have seen what was published before.

    Raises KezhengError as `trusted_checkpoint` and `TileReader` do, ``log_behind_list``, ``log_forked``.
    """
    checkpoint = trusted_checkpoint(note, trust.delegation.log._replace(quorum=0))
    if checkpoint.size < max(1, trust.pinned.size):
        raise KezhengError("log_behind_list")
    return ProvenLog(checkpoint, read, hints)
