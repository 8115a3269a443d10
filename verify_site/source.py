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

from certs.evidence import Evidence, Unavailable, gather_evidence
from certs.trust_list import RootKey

REFRESH_SECONDS = 0.5
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

    def pinned_root(self) -> RootKey | None:
        """The trust anchor, or None when none is pinned."""

    def envelope_by_number(self, number: str, /) -> bytes | None:
        """The released envelope of a certificate, or None."""


class RefreshingSource:
    """A source over published files that follows their changes."""

    def __init__(self, published: Published, seconds: Callable[[], float] = time.monotonic) -> None:
        self._published = published
        self._seconds = seconds
        self._marker: Hashable = None
        self._seen: tuple[int, int] | None = None
        self._looked_at = seconds()
        nothing = Unavailable("trust_list_unavailable")
        self._current = Snapshot(Evidence(nothing, nothing, nothing), {}, self._looked_at, is_fresh=False)
        self._stale = self._current
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def snapshot(self) -> Snapshot:
        """The newest snapshot, without status when the last look lies more than 60 s back."""
        return self._current if self._seconds() - self._looked_at <= STALE_SECONDS else self._stale

    def envelope_by_number(self, number: str) -> bytes | None:
        """The released envelope of a certificate, or None."""
        return self._published.envelope_by_number(number)

    def refresh(self) -> None:
        """Look once and load what has changed."""
        now, marker = self._seconds(), self._published.marker()
        if marker != self._marker:
            self._load(now)
            self._marker = marker
        self._looked_at = now

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
        evidence = gather_evidence(files, self._published.pinned_root(), self._seen)
        if not isinstance(evidence.trust, Unavailable):
            self._seen = evidence.trust.order
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
