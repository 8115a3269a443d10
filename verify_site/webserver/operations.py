"""What operations ask of a process: whether it lives, whether it does its work, what it has counted.

The three addresses and the counting of requests, for every role whose answers need no more than a plain application.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verify_site.webserver.counting import CONTENT_TYPE, Counting, Gauges

HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"
SHARE_SECONDS = 1.0
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of every answer that is for machines alone."""
_METHODS = frozenset({"GET", "HEAD", "POST"})
_FAILED = 500


def operation_routes(
    counting: Counting, gauges: Callable[[], Gauges], ready: Callable[[Request], Awaitable[Response]]
) -> list[Route]:
    """The routes of one process. ``gauges`` are measured when somebody asks, so they have to be at hand."""

    async def health(_request: Request) -> Response:
        return Response(b'{"status":"ok"}', headers=HEADERS, media_type="application/json")

    async def metrics(_request: Request) -> Response:
        return Response(counting.exposition(gauges()), headers=HEADERS, media_type=CONTENT_TYPE)

    return [Route(HEALTH, health), Route(READY, ready), Route(METRICS, metrics)]


def is_ready() -> Response:
    """The answer of a process that does its work."""
    return Response(b'{"status":"ready"}', headers=HEADERS, media_type="application/json")


@asynccontextmanager
async def sharing(counting: Counting, gauges: Callable[[], Gauges]) -> AsyncIterator[None]:
    """Meanwhile the role's other processes learn every second what this one counts, and at the end once more."""

    async def share() -> None:
        while True:
            counting.share(gauges())
            await asyncio.sleep(SHARE_SECONDS)

    task = asyncio.create_task(share())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        counting.share(gauges())


class CountedRequests:
    """ASGI middleware: counts answered requests by the template of their route, never by their path."""

    def __init__(
        self, app: ASGIApp, counting: Counting, routes: list[Route], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._counting = counting
        self._templates: dict[object, str] = {route.endpoint: route.path for route in routes}
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at, status = self._seconds(), _FAILED

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            route = self._templates.get(scope.get("endpoint"), "unmatched")
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            self._counting.count_request(method, route, status, self._seconds() - started_at)
