"""What ties a process to the group that started it: it says when it is ready, and learns when the group has gone.

Two pipes, handed over by number in the environment: one that the process writes one byte into, one that ends when the
parent does, however it ended. A process that was started by hand has neither and is told nothing.
"""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

READY_FD, LIFE_FD, REPLACES = "WEBSERVER_READY_FD", "WEBSERVER_LIFE_FD", "WEBSERVER_REPLACES"


@dataclass(frozen=True, slots=True)
class Lifeline:
    """``replaces``: others do this work until this process is ready, so it takes its time and does it well."""

    ready_fd: int | None = None
    life_fd: int | None = None
    replaces: bool = False

    def descriptors(self) -> tuple[int, ...]:
        """The ends of the pipes that are there."""
        return tuple(each for each in (self.ready_fd, self.life_fd) if each is not None)

    def environ(self) -> dict[str, str]:
        """How a process that is started by its command learns of it."""
        pipes = {READY_FD: str(self.ready_fd), LIFE_FD: str(self.life_fd)}
        return {**pipes, REPLACES: "1" if self.replaces else "0"}

    def say_ready(self) -> None:
        """Tell the group that this process does its work. Once."""
        if self.ready_fd is not None:
            with suppress(BrokenPipeError):  # the group has just gone: `wait` tells
                os.write(self.ready_fd, b"1")
            os.close(self.ready_fd)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the group has gone; whether it is still there."""
        waiting = [] if self.life_fd is None else [self.life_fd]
        gone, _, _ = select.select(waiting, [], [], seconds)
        return not gone


def lifeline_of(environ: Mapping[str, str]) -> Lifeline:
    """The lifeline in an environment."""
    return Lifeline(_number(environ, READY_FD), _number(environ, LIFE_FD), environ.get(REPLACES) == "1")


def _number(environ: Mapping[str, str], name: str) -> int | None:
    value = environ.get(name)
    return int(value) if value else None
