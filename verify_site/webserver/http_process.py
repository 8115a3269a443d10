"""One process that answers HTTP on a socket that its group holds: uvicorn with a calm beginning and end.

It begins to take connections when the application is ready. When it is asked to end it takes no new ones and tells
those it has, with the next answer, that they close; only then does it go. So nobody who is asking meets a closed door.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import time
from email.utils import formatdate

import uvicorn

from verify_site.webserver.http_protocol import CLOSE, protocol_for
from verify_site.webserver.lifeline import Lifeline
from verify_site.webserver.listening import BACKLOG
from verify_site.webserver.ready_gate import App, ReadyGate

KEEP_ALIVE_SECONDS = 5
GRACE_SECONDS = 10
"""How long requests that are being answered may take when a process is ended."""
SWITCH_SECONDS = 0.0005
"""How long another thread may hold up the one that answers: a tenth of Python's own 5 ms."""


class CalmServer(uvicorn.Server):
    """Takes leave of its connections before it closes them."""

    def __init__(self, config: uvicorn.Config, lifeline: Lifeline) -> None:
        super().__init__(config)
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        # What has been loaded stays; the collector would walk it again and again while requests wait.
        gc.collect()
        gc.freeze()
        self._lifeline.say_ready()
        if self._lifeline.life_fd is not None:
            asyncio.get_running_loop().add_reader(self._lifeline.life_fd, self._group_has_gone)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, close each with its next answer, wait for the idle ones to run out, and end."""
        for server in self.servers:
            server.close()
        date = (b"date", formatdate(usegmt=True).encode("ascii"))
        self.server_state.default_headers = [date, CLOSE]
        end = time.monotonic() + KEEP_ALIVE_SECONDS + 1
        while self.server_state.connections and time.monotonic() < end and not self.force_exit:
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)

    def _group_has_gone(self) -> None:
        self.should_exit = True
        asyncio.get_running_loop().remove_reader(self._lifeline.life_fd or 0)


def serve(app: App, listening: socket.socket, lifeline: Lifeline, ready_path: str | None) -> None:
    """Serve an application until told to end."""
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    if hasattr(config.loaded_app, "at_once"):
        config.http_protocol_class = protocol_for(config.loaded_app)
    if ready_path and lifeline.replaces:
        config.loaded_app = ReadyGate(config.loaded_app, ready_path)
    CalmServer(config, lifeline).run(sockets=[listening])
