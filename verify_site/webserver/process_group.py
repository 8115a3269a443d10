"""A group of processes that do the same work: kept at their number, and replaced without a pause on SIGHUP.

The parent holds what they share, such as the listening socket, and does nothing else: it imports no application. On
SIGHUP as many new processes are started beside the old ones, which go on until all new ones have said that they are
ready; if one of them cannot, the old ones stay. On SIGTERM or SIGINT all are ended and waited for. A process that ends
by itself is started again, at once the first time, later and later when it keeps ending.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from verify_site.webserver.lifeline import LIFE_FD, READY_FD, REPLACES

READY_SECONDS = 120.0
"""How long new processes may take until they are ready; then the old ones stay."""
LONGEST_PAUSE_SECONDS = 10.0
_SHORT_LIFE_SECONDS = 10.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(slots=True, eq=False)
class Child:
    """One process. ``ready_fd`` is where it says that it is ready, None once it has."""

    process: subprocess.Popen[bytes]
    ready_fd: int | None
    started_at: float
    is_leaving: bool = False


@dataclass(slots=True)
class ProcessGroup:
    """So many processes of one command. ``passed``: file descriptors that all of them inherit."""

    command: Sequence[str]
    size: int
    environ: Mapping[str, str]
    passed: Sequence[int] = ()
    end_seconds: float = 30.0
    _serving: list[Child] = field(default_factory=list, init=False)
    _coming: list[Child] = field(default_factory=list, init=False)
    _leaving: list[Child] = field(default_factory=list, init=False)
    _life: tuple[int, int] = field(default=(-1, -1), init=False)
    _give_up_at: float = field(default=0.0, init=False)
    _start_at: float | None = field(default=None, init=False)
    _pause: float = field(default=0.0, init=False)
    _was_ready: bool = field(default=False, init=False)
    _asked: set[int] = field(default_factory=set, init=False)

    def run(self) -> int:
        """Run until a signal ends the group; the exit status. Without one ready process the first failure ends it."""
        self._life = os.pipe()
        with _signals_into(self._asked) as woken:
            for _ in range(self.size):
                self._serving.append(self._start(replaces=False))
            while True:
                self._wait(woken)
                if self._asked & {signal.SIGTERM, signal.SIGINT}:
                    return self._end(0)
                failed = self._reap()
                if failed is not None:
                    return self._end(failed)
                if signal.SIGHUP in self._asked and not self._coming:
                    self._asked.discard(signal.SIGHUP)
                    self._replace_all()
                self._go_on(time.monotonic())

    def _start(self, *, replaces: bool) -> Child:
        ready, told = os.pipe()
        tie = {READY_FD: str(told), LIFE_FD: str(self._life[0]), REPLACES: "1" if replaces else "0"}
        process = subprocess.Popen(
            self.command,
            env={**self.environ, **tie},
            stdin=subprocess.DEVNULL,
            pass_fds=(*self.passed, told, self._life[0]),
            start_new_session=True,
        )
        os.close(told)
        return Child(process, ready, time.monotonic())

    def _wait(self, woken: int) -> None:
        """Until a signal came, a process said something, or it is time to do something."""
        with selectors.DefaultSelector() as selector:
            selector.register(woken, selectors.EVENT_READ)
            waiting = {child.ready_fd: child for child in (*self._serving, *self._coming) if child.ready_fd is not None}
            for ready_fd in waiting:
                selector.register(ready_fd, selectors.EVENT_READ)
            for key, _ in selector.select(timeout=1.0):
                if key.fd == woken:
                    os.read(woken, 512)
                else:
                    self._hear(waiting[key.fd])

    def _hear(self, child: Child) -> None:
        assert child.ready_fd is not None
        said = os.read(child.ready_fd, 1)
        os.close(child.ready_fd)
        child.ready_fd = None
        if said:
            self._was_ready = True
        elif child in self._coming:
            self._keep_the_old("a new process did not become ready")

    def _reap(self) -> int | None:
        """Take note of who has ended; the status to end with when nothing has ever been ready."""
        for child in [child for child in self._serving if child.process.poll() is not None]:
            self._serving.remove(child)
            self._forget(child)
            if not self._was_ready:
                return child.process.returncode or 1
            short = time.monotonic() - child.started_at < _SHORT_LIFE_SECONDS
            self._pause = min(LONGEST_PAUSE_SECONDS, max(0.5, 2 * self._pause)) if short else 0.0
            self._start_at = time.monotonic() + self._pause
            _tell(f"process {child.process.pid} ended with {child.process.returncode}; another one is started")
        if any(child.process.poll() is not None for child in self._coming):
            self._keep_the_old("a new process ended early")
        for child in [child for child in self._leaving if child.process.poll() is not None]:
            self._leaving.remove(child)
            self._forget(child)
        return None

    def _replace_all(self) -> None:
        self._coming = [self._start(replaces=True) for _ in range(self.size)]
        self._give_up_at = time.monotonic() + READY_SECONDS

    def _go_on(self, now: float) -> None:
        """Whatever is due: new ones take over or are given up, a lost one is started again."""
        if self._coming and all(child.ready_fd is None for child in self._coming):
            old, self._serving, self._coming = self._serving, self._coming, []
            self._send_away(old)
        elif self._coming and now > self._give_up_at:
            self._keep_the_old("new processes did not become ready in time")
        if self._start_at is not None and now >= self._start_at:
            self._start_at = None
            while len(self._serving) < self.size:
                self._serving.append(self._start(replaces=False))

    def _keep_the_old(self, reason: str) -> None:
        _tell(f"{reason}; the old ones stay")
        given_up, self._coming = self._coming, []
        self._send_away(given_up)

    def _send_away(self, children: list[Child]) -> None:
        for child in children:
            child.process.terminate()
        self._leaving += children

    def _end(self, status: int) -> int:
        """End all and wait; who does not end in time is killed."""
        everybody = [*self._serving, *self._coming, *self._leaving]
        for child in everybody:
            child.process.terminate()
        end = time.monotonic() + self.end_seconds
        for child in everybody:
            try:
                child.process.wait(timeout=max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        return status

    def _forget(self, child: Child) -> None:
        if child.ready_fd is not None:
            os.close(child.ready_fd)
            child.ready_fd = None


@contextmanager
def _signals_into(asked: set[int]) -> Iterator[int]:
    """Collect signals; gives a descriptor that is readable after each."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)

    def note(number: int, _frame: FrameType | None) -> None:
        asked.add(number)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    old_wake = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(old_wake)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(wake)
        os.close(woken)


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the operator reads it
