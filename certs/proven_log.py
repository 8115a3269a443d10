"""A log of which single entries are proved: for whoever knows where to look, however long the log is.

It never says that something is missing: what its hints do not find is ``log_unavailable``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint, trusted_checkpoint
from certs.log_entry import is_about, read_entry
from certs.tlog.merkle import EMPTY_ROOT, verify_consistency
from certs.tlog.tile_reader import ReadFile, TileReader
from certs.trust_list import TrustList

Hints = Callable[[bytes], Sequence[int]]
"""Where entries about a digest may stand."""


class ProvenLog:
    """Entries under a checkpoint, each authenticated from tiles. Fits the LogReader interface.

    What no hint leads to stays unknown, a later change of status too: hints come from whoever keeps the register.
    """

    is_complete = False

    def __init__(self, checkpoint: TrustedCheckpoint, read: ReadFile, hints: Hints) -> None:
        """Raises KezhengError ``log_unavailable``, ``log_entries_differ`` when the last entry is not authentic."""
        self._tiles = TileReader(checkpoint.size, checkpoint.root, read)
        self._hints = hints
        self.size = checkpoint.size
        self.root = checkpoint.root
        self.witnesses = checkpoint.witnesses
        self.newest_at: datetime = read_entry(self._authentic(self.size - 1)).logged_at

    def covers(self, _instant: datetime) -> bool:
        """Never: nothing is missing from what was not read as a whole."""
        return False

    def entries_about(self, subject: bytes) -> Sequence[tuple[int, bytes]]:
        """The entries that the hints lead to.

        Raises KezhengError ``log_unavailable`` when there is none or a file is missing, ``log_entries_differ``.
        """
        places = sorted({index for index in self._hints(subject) if 0 <= index < self.size})
        found = [(index, self._authentic(index)) for index in places]
        about = [(index, entry) for index, entry in found if is_about(entry, subject)]
        if not about:
            raise KezhengError("log_unavailable")
        return about

    def entry(self, index: int) -> bytes | None:
        """The entry at a place, None past the end. Raises KezhengError ``log_unavailable``, ``log_entries_differ``."""
        return self._authentic(index) if 0 <= index < self.size else None

    def require_continued(self, size: int, root: bytes) -> None:
        """Raises KezhengError ``log_forked`` unless an earlier tree is continued, and as `require_continued`."""
        require_continued(self._tiles, size, root)

    def _authentic(self, index: int) -> bytes:
        """An entry of the tree that can be read."""
        try:
            entry = self._tiles.entry(index)
            read_entry(entry)
        except KezhengError as error:
            raise _why_unknown(error) from error
        return entry


def open_proven_log(note: bytes, read: ReadFile, hints: Hints, trust: TrustList) -> ProvenLog:
    """The register's own log, to be proved entry by entry before anything is handed out.

    Witnesses are not asked for: they can only have seen what was published before.

    Raises KezhengError as `trusted_checkpoint` and `ProvenLog` do, ``log_behind_list``, ``log_forked``.
    """
    checkpoint = trusted_checkpoint(note, trust.delegation.log._replace(quorum=0))
    if checkpoint.size < max(1, trust.pinned.size):
        raise KezhengError("log_behind_list")
    log = ProvenLog(checkpoint, read, hints)
    log.require_continued(*trust.pinned)
    return log


def require_continued(tiles: TileReader, size: int, root: bytes) -> None:
    """Whether a tree continues an earlier one; every tree continues the empty one.

    Raises KezhengError ``log_forked``; ``log_unavailable`` and ``log_entries_differ`` when the tiles do not say.
    """
    if (size, root) == (0, EMPTY_ROOT):
        return
    try:
        proof = tiles.consistency_proof(size) if size else []
    except KezhengError as error:
        raise _why_unknown(error) from error
    try:
        verify_consistency(size, root, tiles.size, tiles.root, proof)
    except KezhengError as error:
        raise KezhengError("log_forked") from error


def _why_unknown(error: KezhengError) -> KezhengError:
    """What a fault of tiles or bundles means to whoever asks."""
    return KezhengError("log_unavailable" if error.code == "log_tile_missing" else "log_entries_differ")
