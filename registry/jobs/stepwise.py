"""A long piece of work in a thread of its own, looked at step by step by the one who answers for it.

The work says after each part how many persons are done. A step is what was done within about a second; between two
steps there is time to see that the work was cancelled, taken over, or that the process is to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread

Progress = Callable[[int], None]
Work = Callable[[Progress, Event], None]

STEP_SECONDS = 1.0


class Stopped(Exception):
    """Raised inside the work, where it reports progress or waits, when nobody wants it any more."""


class Stepwise:
    """Runs work that reports its progress. ``work`` also gets the event that asks it to stop."""

    def __init__(self, name: str, work: Work) -> None:
        """Start the work at once."""
        self.done = 0
        self.failure: BaseException | None = None
        self._stop = Event()
        self._said: SimpleQueue[int | BaseException | None] = SimpleQueue()
        self._over = False
        self._thread = Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    def advance(self, seconds: float = STEP_SECONDS) -> int | None:
        """How many persons were done in a step; None once the work has ended, by its ``failure`` if it has one."""
        until = time.monotonic() + seconds
        count = 0
        while (left := until - time.monotonic()) > 0 and not self._over:
            try:
                said = self._said.get(timeout=left)
            except Empty:
                break
            if isinstance(said, int):
                count += said
            else:
                self._over, self.failure = True, said
        return count if count or not self._over else None

    def stop(self) -> None:
        """Ask the work to end after the part it is at; what it did stays."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self, work: Work) -> None:
        try:
            work(self._progress, self._stop)
            self._said.put(None)
        # Whatever ends the work is raised again where its steps are taken.
        except BaseException as error:
            self._said.put(error)

    def _progress(self, count: int) -> None:
        self.done += count
        self._said.put(count)
        if self._stop.is_set():
            raise Stopped
