"""What this home has published, held in memory for many checks: its files, and the whole register behind them."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

from certs.evidence import Evidence, gather_evidence
from certs.log_follower import LogFollower
from certs.log_paths import CHECKPOINT_FILE
from registry.home import Home
from registry.log_cache.cache import DiskLogCache
from registry.publishing.documents import published_files


class PublishedEvidence(NamedTuple):
    """Published files and the evidence in them."""

    files: Mapping[str, bytes]
    evidence: Evidence


class RegisterEvidence:
    """Follows a home's own publications; may be asked from several threads."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._log = LogFollower(home.log_file, is_own=True, cache=DiskLogCache(home.settings.cache_folder))
        self._read_from: tuple[Mapping[str, bytes], bytes | None] | None = None
        self._held: PublishedEvidence | None = None
        self._one_at_a_time = Lock()

    def current(self) -> PublishedEvidence:
        """What is published now. Raises KezhengError ``public_documents_missing``."""
        with self._one_at_a_time:
            note = self._home.log_file(CHECKPOINT_FILE)
            with self._home.store.reading() as tx:
                files, root = published_files(tx), self._home.own_root(tx)
            if self._held is None or self._read_from != (files, note):
                evidence = gather_evidence(files, root, open_log=self._log.open)
                self._held, self._read_from = PublishedEvidence(files, evidence), (files, note)
            return self._held
