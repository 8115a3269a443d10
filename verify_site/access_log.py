"""What the site tells its operators: one JSON object a line, for requests and for faults alike.

A line names the route's template and never its path: a scanned path holds a name and part of an ID number. No
address of a client is in it either. Lines of requests are gathered for a moment and written together, because a
system call for each would cost a tenth of what a verification costs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable

import orjson

from verify_site.webserver.json_log import format_moment, json_to_stderr

GATHER_SECONDS = 0.2
MAX_WAITING = 256
Write = Callable[[bytes], object]
Line = tuple[float, str, str, int, float]


class AccessLog:
    """Lines of requests. ``write`` takes whole lines as bytes; without it nothing is kept."""

    def __init__(self, write: Write | None = None, seconds: Callable[[], float] = time.time) -> None:
        """``seconds`` gives the time of day as seconds since 1970; it is replaced in tests."""
        self._write = write
        self._seconds = seconds
        self._waiting: list[Line] = []

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; ``route`` is a template, ``seconds`` how long the answer took. On the event loop."""
        if self._write is None:
            return
        self._waiting.append((self._seconds(), method, route, status, seconds))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self.flush)
        elif len(self._waiting) >= MAX_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._write is not None and self._waiting:
            gathered, self._waiting = self._waiting, []
            self._write(b"".join(map(_request_line, gathered)))


def log_to_stderr() -> AccessLog:
    """Lines of this process to stderr; gives the log of requests. The server's own one would write whole paths."""
    logging.getLogger("uvicorn.access").disabled = True
    json_to_stderr(logging.getLogger("kezheng"))
    json_to_stderr(logging.getLogger("uvicorn"), logging.WARNING)
    return AccessLog(_write_to_stderr)


def _write_to_stderr(lines: bytes) -> None:
    sys.stderr.buffer.write(lines)
    sys.stderr.buffer.flush()


def _request_line(line: Line) -> bytes:
    at, method, route, status, seconds = line
    fields = {
        "time": format_moment(at),
        "level": "info",
        "event": "request",
        "pid": os.getpid(),
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 2),
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
