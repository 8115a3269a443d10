"""Work done by several processes at once: all are made ready first, and let go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

Opened = AbstractContextManager[Callable[[], None]]
"""What one process has made ready: the work that it does when it is let go."""


class SideBySide:
    """Processes that each open something and work with it once. ``open_work`` is a function of a module."""

    def __init__(self, open_work: Callable[..., Opened]) -> None:
        self._open_work = open_work
        self._running: list[tuple[BaseProcess, Connection]] = []

    def make_ready(self, arguments: Sequence[tuple[Any, ...]]) -> None:
        """Start a process for each set of arguments, and wait until all are ready."""
        self.end()
        context = get_context("spawn")
        for given in arguments:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._open_work, given))
            process.start()
            theirs.close()
            self._running.append((process, ours))
        self._wait()

    def work(self) -> None:
        """Let them go, and wait until all have done. Raises EOFError when one failed."""
        for _, connection in self._running:
            connection.send("go")
        self._wait()

    def end(self) -> None:
        """End the processes."""
        for process, connection in self._running:
            connection.close()
            process.join()
        self._running.clear()

    def _wait(self) -> None:
        for _, connection in self._running:
            connection.recv()


def _serve(connection: Connection, open_work: Callable[..., Opened], arguments: tuple[Any, ...]) -> None:
    with open_work(*arguments) as work:
        connection.send("ready")
        try:
            connection.recv()
        except EOFError:
            return
        work()
        connection.send("done")
