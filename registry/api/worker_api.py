"""``/healthz``, ``/readyz`` and ``/metrics`` of a worker process, on an address of loopback.

With several worker processes one of them answers: health and readiness are its own (the code says what its upkeep was
refused with), the counters are added up over all of them, and of each gauge the worst is told.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from threading import Thread
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from registry.api.problem_document import problem_document
from registry.worker_watch import WorkerWatch
from verify_site.webserver.operations import CountedRequests, is_ready, operation_routes, sharing

GRACE_SECONDS = 2


def create_worker_app(watch: WorkerWatch) -> Starlette:
    """The application of one worker process."""

    async def ready(_request: Request) -> Response:
        refusal = watch.refusal()
        return is_ready() if refusal is None else problem_document(refusal, HTTPStatus.SERVICE_UNAVAILABLE)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with sharing(watch.counting, watch.gauges):
            yield

    routes = operation_routes(watch.counting, watch.gauges, ready)
    counted = Middleware(CountedRequests, counting=watch.counting, routes=routes)
    return Starlette(routes=routes, lifespan=lifespan, middleware=[counted])


@contextmanager
def answering(watch: WorkerWatch, listening: socket.socket) -> Iterator[None]:
    """Answer on a socket that the worker's processes share, in a thread beside the work."""
    app = create_worker_app(watch)
    # Its lines go where the worker's own go, and name no address.
    quiet: dict[str, Any] = {"log_config": None, "log_level": "warning", "access_log": False}
    config = uvicorn.Config(app, lifespan="on", timeout_graceful_shutdown=GRACE_SECONDS, **quiet)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],), name="operations", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
