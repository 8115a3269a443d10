"""Following the public register: what was read once is kept, and a new checkpoint costs only its new entries."""

from __future__ import annotations

from certs.complete_log import CompleteLog
from certs.errors import KezhengError
from certs.log_evidence import LogReader
from certs.log_paths import CHECKPOINT_FILE
from certs.log_snapshot import open_snapshot
from certs.tlog.tile_reader import ReadFile
from certs.trust_list import TrustList


class LogFollower:
    """A complete log that goes from checkpoint to checkpoint."""

    def __init__(self, read: ReadFile, *, is_own: bool) -> None:
        self._read = read
        self._is_own = is_own
        self._log = CompleteLog(read)

    def open(self, trust: TrustList) -> LogReader:
        """The register as published now. Raises KezhengError as `open_snapshot` does.

        When its entries do not fit what was read before, it is read again from the start: the register may have been
        replaced by another one under another root.
        """
        note = self._read(CHECKPOINT_FILE)
        try:
            return open_snapshot(self._log, note, trust, is_own=self._is_own)
        except KezhengError as error:
            if error.code not in ("log_entries_differ", "log_rolled_back") or not self._log.size:
                raise
        self._log = CompleteLog(self._read)
        return open_snapshot(self._log, note, trust, is_own=self._is_own)
