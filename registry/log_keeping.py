"""Keeping the register for this machine's other processes: the worker reads it on before they would have to.

Whoever serves people finds it ready then. It costs a second for a hundred thousand new entries, a minute for the first
ten million.
"""

from __future__ import annotations

import logging
from threading import Event

from certs.errors import KezhengError
from certs.log_checkpoint import trusted_checkpoint
from certs.log_paths import CHECKPOINT_FILE
from certs.subject_places import RECENT
from registry.home import Home
from registry.log_cache.cache import DiskLogCache

LOOK_SECONDS = 5.0
_LOGGER = logging.getLogger(__name__)


class LogKeeper:
    """Keeps a home's own register in the home's cache."""

    def __init__(self, home: Home, keep_from: int = RECENT) -> None:
        """``keep_from``: so many new entries are worth the while. Raises KezhengError ``log_cache_not_private``."""
        self._home = home
        self._keep_from = keep_from
        self._cache = DiskLogCache(home.settings.cache_folder)

    def look(self) -> bool:
        """Read on what was published, if it is much; whether it was.

        Raises KezhengError ``checkpoint_untrusted``, and as `DiskLogCache.extend` does.
        """
        note = self._home.log_file(CHECKPOINT_FILE)
        if note is None:
            return False
        with self._home.store.reading() as tx:
            log = self._home.delegated(tx).log
        checkpoint = trusted_checkpoint(note, log._replace(quorum=0))
        kept = self._cache.kept(log.origin)
        if checkpoint.size - (0 if kept is None else kept.size) < self._keep_from:
            return False
        return self._cache.extend(log.origin, checkpoint, self._home.log_file)

    def run(self, stopping: Event) -> None:
        """Look every few seconds until it is told to stop: for a thread of its own."""
        while not stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except KezhengError as error:
                _LOGGER.warning("the register was not kept: %s", error)
