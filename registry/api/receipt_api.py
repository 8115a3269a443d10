"""``POST /receipts`` and ``GET /receipts/{id}.json|pdf|png``: receipts for the public site, which holds no key.

Beside them ``/healthz``, ``/readyz`` and ``/metrics`` for operations, the counters added up over the role's processes.

Reached from the public site alone, by default over loopback. What it signs it has verified itself, so whoever reaches
it gets nothing signed but the truth; limits per client are the public site's affair, for it alone knows the clients.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from certs.canonical import decode_json
from certs.errors import KezhengError
from registry.api.problem_document import problem_document
from registry.home import Home, open_home
from registry.receipts.kept_receipts import KeptReceipts
from registry.receipts.make_receipt import ReceiptMaker
from registry.receipts.receipt_paper import ReceiptPaper
from registry.role_counts import shared_counts
from registry.settings import load_settings
from registry.store.log_store import read_tree
from verify_site.webserver.counting import Counting, Meanings
from verify_site.webserver.counts_of_processes import CountsOfProcesses
from verify_site.webserver.json_log import json_to_stderr
from verify_site.webserver.operations import HEADERS, CountedRequests, is_ready, operation_routes, sharing

MAX_BODY = 16 * 1024
MADE_AT_ONCE = 2
"""Receipts and pages at one time: each keeps a processor busy for a moment."""
_STATUS_OF = {
    "request_malformed": HTTPStatus.BAD_REQUEST,
    "request_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "receipt_unknown": HTTPStatus.NOT_FOUND,
    "receipt_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
_TYPES = {"json": "application/json", "pdf": "application/pdf", "png": "image/png"}
RECEIPTS = "kezheng_receipts"
_MEANINGS = Meanings({RECEIPTS: ("Receipts asked for, by what came of it: made, or a code.", ("outcome",))}, {}, {})
_MADE = "made"


def _now() -> datetime:
    return datetime.now(UTC)


def from_environment() -> Starlette:
    """The application of the environment's home, for a server that calls a factory."""
    json_to_stderr(logging.getLogger("registry"))
    json_to_stderr(logging.getLogger("uvicorn"), logging.WARNING)
    opened = ExitStack()
    home = opened.enter_context(open_home(load_settings(None, os.environ), os.environ))
    return create_registry_app(home, counting=registry_counting(shared_counts(os.environ)), opened=opened)


def registry_counting(shared: CountsOfProcesses | None = None) -> Counting:
    """The counters of one process of the role, alone or as one of several."""
    return Counting(_MEANINGS, shared)


def create_registry_app(
    home: Home,
    clock: Callable[[], datetime] = _now,
    counting: Counting | None = None,
    opened: ExitStack | None = None,
) -> Starlette:
    """The application of an open home; ``opened`` is closed when the application ends."""
    counting = counting or registry_counting()
    api = ReceiptApi(home, clock, counting)
    routes = [
        Route("/receipts", api.make, methods=["POST"]),
        Route("/receipts/{name}", api.show),
        *operation_routes(counting, dict, api.ready),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with opened or ExitStack():
            async with sharing(counting, dict):
                yield

    handlers: dict[Any, Any] = {KezhengError: _refused, HTTPException: _refused_by_path, Exception: _failed}
    counted = Middleware(CountedRequests, counting=counting, routes=routes)
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan, middleware=[counted])
    app.router.redirect_slashes = False
    return app


class ReceiptApi:
    """Answers the public site."""

    def __init__(self, home: Home, clock: Callable[[], datetime], counting: Counting) -> None:
        self._home = home
        self._counting = counting
        self._maker = ReceiptMaker(home)
        self._kept = KeptReceipts(home.settings.receipts_folder)
        self._paper = ReceiptPaper(home)
        self._clock = clock
        self._threads = CapacityLimiter(MADE_AT_ONCE)

    async def make(self, request: Request) -> Response:
        """Check a payload, make and keep its receipt: ``{"payload": …}`` → ``{"id": …}``."""
        try:
            payload = _payload_in(await _body(request))
            identifier = await to_thread.run_sync(self._make, payload, limiter=self._threads)
        except KezhengError as error:
            self._counting.count(RECEIPTS, error.code)
            raise
        self._counting.count(RECEIPTS, _MADE)
        return _answer(orjson.dumps({"id": identifier}), "application/json", HTTPStatus.CREATED)

    async def show(self, request: Request) -> Response:
        """A kept receipt in one of its forms."""
        identifier, _, form = request.path_params["name"].partition(".")
        if form not in _TYPES:
            raise KezhengError("receipt_unknown")
        document = self._kept.find(identifier, self._clock())
        content = await to_thread.run_sync(self._in_form, document, form, limiter=self._threads)
        return _answer(content, _TYPES[form])

    async def ready(self, _request: Request) -> Response:
        """Whether receipts can be made now: register and database can be read. Else ``receipt_unavailable``."""
        await to_thread.run_sync(self._require_register)
        return is_ready()

    def _require_register(self) -> None:
        self._home.checkpoint()
        with self._home.store.reading() as tx:
            read_tree(tx)

    def _make(self, payload: str) -> str:
        now = self._clock()
        return self._kept.keep(self._maker.make(payload, now), now)

    def _in_form(self, document: bytes, form: str) -> bytes:
        if form == "pdf":
            return self._paper.pdf(document)
        return self._paper.picture(document) if form == "png" else document


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise KezhengError("request_too_large")
    return body


def _payload_in(body: bytes) -> str:
    try:
        fields = decode_json(body)
    except KezhengError as error:
        raise KezhengError("request_malformed") from error
    payload = fields.get("payload") if isinstance(fields, dict) else None
    if not isinstance(payload, str) or not payload or len(fields) != 1:
        raise KezhengError("request_malformed")
    return payload


async def _refused(_request: Request, error: KezhengError) -> Response:
    return _problem(error if error.code in _STATUS_OF else KezhengError("receipt_unavailable"))


async def _refused_by_path(_request: Request, _error: HTTPException) -> Response:
    return _problem(KezhengError("receipt_unknown"))


async def _failed(_request: Request, _error: Exception) -> Response:
    return _problem(KezhengError("receipt_unavailable"))


def _problem(error: KezhengError) -> Response:
    return problem_document(error, _STATUS_OF[error.code])


def _answer(content: bytes, media_type: str, status: int = HTTPStatus.OK) -> Response:
    return Response(content, status, HEADERS, media_type)
