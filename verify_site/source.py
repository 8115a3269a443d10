"""Where the site's data come from: a snapshot in memory for the scan path, and envelopes by number.

A background thread looks for changes twice a second, so the scan path never waits for a database. When it
could not look for 60 s, the status in memory is no longer relied on: a stalled worker must not go on saying
"valid".
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol

from certs.evidence import Evidence, Seen, gather_evidence, what_was_seen
from certs.log_follower import LogFollower
from certs.root_chain import RootKey
from certs.unavailable import Unavailable

REFRESH_SECONDS = 0.5
SOONEST_SECONDS = 0.05
STALE_SECONDS = 60.0
_LOG = logging.getLogger("kezheng.site")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Checked evidence with the published files it was read from; ``loaded_at`` is on the source's own clock.

    ``is_fresh`` is false when the source could not look for changes for too long: ``evidence`` then has no
    status.
    """

    evidence: Evidence
    files: Mapping[str, bytes]
    loaded_at: float
    is_fresh: bool = True
    etags: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """What the site reads."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot; in memory, never waits."""

    def envelope_by_number(self, number: str) -> bytes | None:
        """The released envelope of a certificate; may wait, so it is never called on the event loop."""

    def log_file(self, path: str, /) -> bytes | None:
        """A file of the public register, by its path below the register's folder; may wait."""

    def refresh_soon(self) -> bool:
        """Look for changes now rather than in half a second; whether there were any."""

    def start(self) -> None:
        """Load, and keep looking for changes."""

    def stop(self) -> None:
        """Stop looking."""


class Published(Protocol):
    """A place where published files lie: a database's public views, or a folder."""

    def marker(self) -> Hashable:
        """Cheap to ask; another value whenever a file or the pinned root has changed."""

    def files(self) -> dict[str, bytes]:
        """All published files by path."""

    def log_file(self, path: str, /) -> bytes | None:
        """A file below the public register's folder, or None."""

    def pinned_root(self) -> RootKey | None:
        """The trust anchor, or None when none is pinned."""

    def envelope_by_number(self, number: str, /) -> bytes | None:
        """The released envelope of a certificate, or None."""


class RefreshingSource:
    """A source over published files that follows their changes."""

    def __init__(
        self, published: Published, seconds: Callable[[], float] = time.monotonic, *, is_own: bool = False
    ) -> None:
        """``is_own``: the published files are the register's own: everything stands there before it is handed out."""
        self._published = published
        self._log = LogFollower(published.log_file, is_own=is_own)
        self._seconds = seconds
        self._marker: Hashable = None
        self._seen: Seen | None = None
        self._looked_at = seconds()
        nothing = Unavailable("trust_list_unavailable")
        self._current = Snapshot(Evidence(nothing, nothing, nothing, nothing), {}, self._looked_at, is_fresh=False)
        self._stale = self._current
        self._looking = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def snapshot(self) -> Snapshot:
        """The newest snapshot, without status when the last look lies more than 60 s back."""
        return self._current if self._seconds() - self._looked_at <= STALE_SECONDS else self._stale

    def envelope_by_number(self, number: str) -> bytes | None:
        """The released envelope of a certificate, or None."""
        return self._published.envelope_by_number(number)

    def log_file(self, path: str) -> bytes | None:
        """A file of the public register, or None."""
        return self._published.log_file(path)

    def refresh(self) -> None:
        """Look once and load what has changed."""
        with self._looking:
            now, marker = self._seconds(), self._published.marker()
            if marker != self._marker:
                self._load(now)
                self._marker = marker
            self._looked_at = now

    def refresh_soon(self) -> bool:
        """Look at once, unless that was done a moment ago; whether the snapshot is another one now.

        For the answer "not in the register" about something that may have been logged since the last look.
        """
        before = self._current
        if self._seconds() - self._looked_at >= SOONEST_SECONDS:
            self._try_refresh()
        return self._current is not before

    def start(self) -> None:
        """Load now and follow changes in the background."""
        self._stopping.clear()
        self._try_refresh()
        self._thread = threading.Thread(target=self._follow, name="snapshot-refresher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _load(self, now: float) -> None:
        files = self._published.files()
        evidence = gather_evidence(files, self._published.pinned_root(), self._seen, self._log.open)
        seen = what_was_seen(files, evidence)
        self._seen = self._seen if seen is None else seen.after(self._seen)
        etags = {path: f'"{sha256(content).hexdigest()}"' for path, content in files.items()}
        self._current = Snapshot(evidence, files, now, True, etags)
        self._stale = replace(self._current, evidence=evidence.without_status(), is_fresh=False)

    def _follow(self) -> None:
        while not self._stopping.wait(REFRESH_SECONDS):
            self._try_refresh()

    def _try_refresh(self) -> None:
        try:
            self.refresh()
        except Exception as error:  # whatever went wrong, the next look may succeed; staleness is judged by time
            _LOG.warning("could not refresh the snapshot: %s", type(error).__name__)
