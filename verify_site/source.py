"""Where the site's data come from: a snapshot in memory for the scan path, and envelopes by number.

A background thread looks for changes twice a second, so the scan path never waits for a database. When it
could not look for 60 s, the status in memory is no longer relied on: a stalled worker must not go on saying
"valid".
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Protocol

from certs.errors import KezhengError
from certs.evidence import Evidence, Seen, gather_evidence, what_was_seen
from certs.log_follower import LogCache, LogFollower
from certs.root_chain import RootKey
from certs.unavailable import Unavailable

REFRESH_SECONDS = 0.5
STALE_SECONDS = 60.0
AHEAD_SECONDS = 5.0
"""How long published files may be ahead of the register in this machine's folder."""
_AHEAD = ("trust_list_not_logged", "data_file_not_logged", "log_behind_list")
LOOK_PATIENCE_SECONDS = 2.0
"""How long somebody who asks for a look waits while another one is under way."""
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


@contextmanager
def apart_from_collection() -> Iterator[None]:
    """Load without the garbage collector, and leave what was loaded out of its walks: they would hold up every answer.

    Evidence forms no cycles, nor does answering requests, so nothing waits for a collection that does not come.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class Source(Protocol):
    """What the site reads."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot; in memory, never waits."""

    def envelope_by_number(self, number: str) -> bytes | None:
        """The released envelope of a certificate; may wait, so it is never called on the event loop."""

    def log_file(self, path: str, /) -> bytes | None:
        """A file of the public register, by its path below the register's folder; may wait."""

    def look_now(self) -> bool:
        """Look for changes now; whether a look that began after this call has succeeded. May wait."""

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
        self,
        published: Published,
        seconds: Callable[[], float] = time.monotonic,
        *,
        is_own: bool = False,
        loading: Callable[[], AbstractContextManager[None]] = nullcontext,
        cache: LogCache | None = None,
    ) -> None:
        """``is_own``: the published files are the register's own: everything stands there before it is handed out.

        ``loading`` goes around everything that is loaded; ``cache`` keeps what was read of the register.
        """
        self._loading = loading
        self._published = published
        self._log = LogFollower(published.log_file, is_own=is_own, cache=cache)
        self._seconds = seconds
        self._marker: Hashable = None
        self._seen: Seen | None = None
        self._looked_at = seconds()
        self._ahead_since: float | None = None
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
            self._look()

    def look_now(self) -> bool:
        """Look at once; whether a look that began after this call has succeeded.

        For the answer "not in the register" about something that may have been logged since the last look.
        """
        asked_at = self._seconds()
        if not self._looking.acquire(timeout=LOOK_PATIENCE_SECONDS):
            return False
        try:
            if self._looked_at <= asked_at:
                self._look()
        except Exception as error:  # as in the background: whatever went wrong, nothing new is known
            _LOG.warning("could not look at once: %s", _said(error))
            return False
        finally:
            self._looking.release()
        return self._looked_at >= asked_at

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

    def _look(self) -> None:
        now, marker = self._seconds(), self._published.marker()
        if marker != self._marker or self._log.has_news():
            with self._loading():
                files = self._published.files()
                evidence = gather_evidence(files, self._published.pinned_root(), self._seen, self._log.open)
                if self._waits_for_log(evidence, now):
                    return
                self._take(files, evidence, now)
            self._marker = marker
        self._looked_at = now

    def _waits_for_log(self, evidence: Evidence, now: float) -> bool:
        """Whether to stay with what is known, because files are here before the register that covers them.

        So it is for a moment with every list that another machine publishes. What does not come right within seconds
        is no delay: then it is taken for what it says.
        """
        if not _is_ahead_of_log(evidence) or isinstance(self._current.evidence.trust, Unavailable):
            self._ahead_since = None
            return False
        self._ahead_since = now if self._ahead_since is None else self._ahead_since
        return now - self._ahead_since <= AHEAD_SECONDS

    def _take(self, files: Mapping[str, bytes], evidence: Evidence, now: float) -> None:
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
            _LOG.warning("could not refresh the snapshot: %s", _said(error))


def _said(error: Exception) -> str:
    """The code of a refusal, else what kind of failure it is; never what it is about."""
    return error.code if isinstance(error, KezhengError) else type(error).__name__


def _is_ahead_of_log(evidence: Evidence) -> bool:
    """Whether the trust list is one that the register at hand does not reach yet, as far as can be seen."""
    return any(isinstance(part, Unavailable) and part.code in _AHEAD for part in (evidence.trust, evidence.log))
