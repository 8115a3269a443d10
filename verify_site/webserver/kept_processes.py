"""Processes that do the same work: kept at their number, replaced without a pause on SIGHUP, ended together.

The parent holds what they share, such as the listening socket, and does nothing else. On SIGHUP as many new processes
are started beside the old ones, which go on until all new ones have said that they are ready; if one of them cannot,
the old ones stay. On SIGTERM or SIGINT all are ended and waited for. A process that ends by itself is started again, at
once the first time, later and later when it keeps ending. How a process is started is for those who inherit to say.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Protocol

from verify_site.webserver.lifeline import Lifeline

READY_SECONDS = 120.0
"""How long new processes may take until they are ready; then the old ones stay."""
LONGEST_PAUSE_SECONDS = 10.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""What a group listens to."""
_SHORT_LIFE_SECONDS = 10.0


class Process(Protocol):
    """A process of a group, however it was started."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; whether it has ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


@dataclass(slots=True, eq=False)
class Child:
    """One process. ``ready_fd`` is where it says that it is ready, None once it has."""

    process: Process
    ready_fd: int | None
    started_at: float
    is_ready: bool = False


class KeptProcesses(ABC):
    """So many processes. ``own`` ties this process to a group above it: it says when the processes do their work.

    Those that replace others do it when all of them are ready; else the first one counts.
    """

    can_replace = True
    """Whether a process that is started now is a new one, not a copy of what was loaded long ago."""
    end_seconds = 30.0

    def __init__(self, size: int, own: Lifeline | None = None) -> None:
        self.size = size
        self._own = own or Lifeline()
        self._serving: list[Child] = []
        self._coming: list[Child] = []
        self._leaving: list[Child] = []
        self._life = (-1, -1)
        self._give_up_at = 0.0
        self._start_at: float | None = None
        self._pause = 0.0
        self._was_ready = False
        self._asked: set[int] = set()
        self.ends = set(self._own.descriptors())
        """Ends of pipes for this process alone: while another one holds them too, nobody sees that a pipe has ended."""

    @abstractmethod
    def launch(self, lifeline: Lifeline) -> Process:
        """Start one process that inherits the two descriptors of its lifeline."""

    def run(self) -> int:
        """Run until a signal ends the group, or the group above has gone; the exit status.

        As long as they were not ready the first failure ends it.
        """
        self._life = os.pipe()
        self.ends.add(self._life[1])
        with _signals_into(self._asked) as woken:
            for _ in range(self.size):
                self._serving.append(self._start(replaces=self._own.replaces))
            while True:
                self._wait(woken)
                if self._asked & {signal.SIGTERM, signal.SIGINT}:
                    return self._end(0)
                failed = self._reap()
                if failed is not None:
                    return self._end(failed)
                if signal.SIGHUP in self._asked and not self._coming:
                    self._asked.discard(signal.SIGHUP)
                    if self.can_replace:
                        self._replace_all()
                self._go_on(time.monotonic())

    def _start(self, *, replaces: bool) -> Child:
        ready, told = os.pipe()
        self.ends.add(ready)
        process = self.launch(Lifeline(told, self._life[0], replaces))
        os.close(told)
        return Child(process, ready, time.monotonic())

    def _wait(self, woken: int) -> None:
        """Until a signal came, a process said something, or it is time to do something."""
        with selectors.DefaultSelector() as selector:
            selector.register(woken, selectors.EVENT_READ)
            waiting = {child.ready_fd: child for child in (*self._serving, *self._coming) if child.ready_fd is not None}
            for descriptor in (*waiting, *([] if self._own.life_fd is None else [self._own.life_fd])):
                selector.register(descriptor, selectors.EVENT_READ)
            for key, _ in selector.select(timeout=1.0):
                if key.fd == woken:
                    os.read(woken, 512)
                elif key.fd == self._own.life_fd:
                    self._asked.add(signal.SIGTERM)  # the group above has gone
                else:
                    self._hear(waiting[key.fd])

    def _hear(self, child: Child) -> None:
        assert child.ready_fd is not None
        said = os.read(child.ready_fd, 1)
        self._forget(child)
        if said:
            child.is_ready = True
            self._note_ready()
        elif child in self._coming:
            self._keep_the_old("a new process did not become ready")

    def _note_ready(self) -> None:
        """Once it is so, tell the group above."""
        ready = sum(child.is_ready for child in self._serving)
        if not self._was_ready and ready >= (self.size if self._own.replaces else 1):
            self._was_ready = True
            self.ends -= {self._own.ready_fd}
            self._own.say_ready()
            self._own = replace(self._own, ready_fd=None)

    def _reap(self) -> int | None:
        """Take note of who has ended; the status to end with when nothing has ever been ready."""
        for child in [child for child in self._serving if child.process.poll() is not None]:
            self._serving.remove(child)
            self._forget(child)
            status = child.process.poll()
            if not self._was_ready:
                return status or 1
            short = time.monotonic() - child.started_at < _SHORT_LIFE_SECONDS
            self._pause = min(LONGEST_PAUSE_SECONDS, max(0.5, 2 * self._pause)) if short else 0.0
            self._start_at = time.monotonic() + self._pause
            _tell(f"process {child.process.pid} ended with {status}; another one is started")
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
            if not child.process.wait(max(0.0, end - time.monotonic())):
                child.process.kill()
                child.process.wait(self.end_seconds)
        return status

    def _forget(self, child: Child) -> None:
        """Hear no more of it."""
        if child.ready_fd is not None:
            self.ends.discard(child.ready_fd)
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

    before = {number: signal.signal(number, note) for number in SIGNALS}
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
