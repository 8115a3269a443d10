"""Where a home's log is published and who watches it, and what one process remembers of it between two appends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from certs.errors import KezhengError
from certs.tlog.checkpoint import Checkpoint
from certs.tlog.frontier import Frontier
from registry.publishing.archive_folder import archive_end
from registry.publishing.log_folder import published_checkpoint
from registry.publishing.log_witness import witness_checkpoint
from registry.store.engine import ReadTransaction
from registry.store.log_store import LogTree, load_frontier, root_at

WITNESS_INTERVAL = timedelta(minutes=1)
"""How long an answer of the witness counts."""


@dataclass(slots=True)
class LogPlace:
    """The folder of a log, its witness, its archive, and what is remembered.

    What is remembered counts only for the tree it was made of, so a transaction that was rolled back, a second writer
    or a restored database cannot make it wrong. Not safe for two threads at once.
    """

    folder: Path
    witness: str | None = None
    pause: Callable[[float], None] = time.sleep
    archive: Path | None = None
    _frontier: Frontier | None = field(default=None, init=False)
    _root: bytes = field(default=b"", init=False)
    _agreed: dict[str, Checkpoint] = field(default_factory=dict, init=False)
    _witnessed_at: datetime | None = field(default=None, init=False)

    def frontier(self, tx: ReadTransaction, tree: LogTree) -> Frontier:
        """The right edge of a tree, for appending to it. Raises KezhengError ``log_damaged``."""
        if self._frontier is None or (self._frontier.size, self._root) != (tree.size, tree.root):
            self._agreed.clear()
            loaded = load_frontier(tx, tree.size)
            if loaded.root() != tree.root:
                raise KezhengError("log_damaged")
            self.remember(loaded, tree.root)
            return loaded.copy()
        return self._frontier.copy()

    def remember(self, frontier: Frontier, root: bytes) -> None:
        """Keep the right edge of a tree that was continued."""
        self._frontier, self._root = frontier, root

    def check_published(self, tx: ReadTransaction, tree: LogTree, now: datetime) -> None:
        """Whether the database goes as far as what was archived and published, and gives the same tree.

        Raises KezhengError ``log_rollback``, ``log_checkpoint_unreadable``, ``log_witness_unreachable``,
        ``archive_unreachable``.
        """
        self.check_here(tx, tree)
        if self.witness is not None and not self._was_witnessed(now):
            self._check(tx, tree, "witness", witness_checkpoint(self.witness))
            self._witnessed_at = now

    def check_here(self, tx: ReadTransaction, tree: LogTree) -> None:
        """The same, without the witness. Raises as `check_published` does."""
        published = published_checkpoint(self.folder)
        if published is not None:
            self._check(tx, tree, "folder", published)
        archived = 0 if self.archive is None else archive_end(self.archive)
        if archived > tree.size:
            raise KezhengError("log_rollback", published=archived, known=tree.size)

    def _was_witnessed(self, now: datetime) -> bool:
        return self._witnessed_at is not None and timedelta() <= now - self._witnessed_at < WITNESS_INTERVAL

    def _check(self, tx: ReadTransaction, tree: LogTree, source: str, published: Checkpoint) -> None:
        if self._agreed.get(source) != published:
            require_continued(tx, tree, published)
            self._agreed[source] = published


def require_continued(tx: ReadTransaction, tree: LogTree, published: Checkpoint) -> None:
    """Raise KezhengError ``log_rollback`` unless the tree is what was published, or continues it."""
    if published.size > tree.size or root_at(tx, tree, published.size) != published.root:
        raise KezhengError("log_rollback", published=published.size, known=tree.size)
