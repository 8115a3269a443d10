"""Keeps a process that replaces another one from answering before its application says that it is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

WAIT_SECONDS = 60.0
_PAUSE_SECONDS = 0.1


class ReadyGate:
    """An ASGI application around another one: start-up is complete when a path of it answers 200.

    It fails when that takes longer than ``seconds``: whoever was to be replaced goes on.
    """

    def __init__(self, app: App, path: str, seconds: float = WAIT_SECONDS) -> None:
        self._app = app
        self._path = path
        self._seconds = seconds

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, or take part in starting and ending."""
        if scope["type"] != "lifespan":
            return self._app(scope, receive, send)

        async def send_when_ready(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete" and not await self._becomes_ready():
                message = {"type": "lifespan.startup.failed", "message": "not ready in time"}
            await send(message)

        return self._app(scope, receive, send_when_ready)

    async def _becomes_ready(self) -> bool:
        end = time.monotonic() + self._seconds
        while not await self._is_ready():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(_PAUSE_SECONDS)
        return True

    async def _is_ready(self) -> bool:
        statuses: list[int] = []

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._app(_request(self._path), nothing, note)
        return statuses == [200]


def _request(path: str) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("ascii"),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"accept", b"application/json")],
        "client": None,
        "server": None,
    }
