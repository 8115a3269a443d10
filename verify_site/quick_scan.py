"""The scan path in front of the web framework: most requests of a register are scans, and this is all they need.

``GET /v/{payload}`` without a view, and ``POST /api/v1/verify`` with a QR text, are answered here, with the same
headers, counters and log line as everything else; whatever is unusual goes the ordinary way. From the request to the
answer nothing is waited for: no database, no file, no lock, no other thread.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from certs.errors import KezhengError
from verify_site.guard import MAX_ADDRESS, security_headers, tell_of_fault, with_headers
from verify_site.page_renderer import CONTENT_TYPE, NO_INDEX
from verify_site.problems import INTERNAL, problem_response
from verify_site.scan_route import JSON, ScanRoute, wants_json
from verify_site.site import Site
from verify_site.verify_api import API_HEADERS, VerifyApi
from verify_site.webserver.at_once import HeaderBlock, Reply

VERIFY = "/api/v1/verify"
_ROUTES = {"/v/": "/v/{payload}", "/V/": "/V/{payload}"}
_METHODS = ("GET", "HEAD")


class QuickScan:
    """An application that answers plain scans itself and hands everything else on."""

    def __init__(self, app: ASGIApp, site: Site, scans: ScanRoute, api: VerifyApi) -> None:
        self._app = app
        self._site = site
        self._scans = scans
        self._api = api
        self._guarding = security_headers(site.public_url)
        self._json_headers = self._headers_of({"content-type": JSON, "vary": "Accept", **NO_INDEX})
        self._page_headers = self._headers_of({"content-type": CONTENT_TYPE, "vary": "Accept", **NO_INDEX})
        self._api_headers = self._headers_of({"content-type": JSON, **API_HEADERS})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        reply = self.at_once(scope, b"") if scope["type"] == "http" else None
        if reply is None:
            await self._app(scope, receive, send)
            return
        headers = [*reply.headers.pairs, (b"content-length", b"%d" % reply.length)]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"".join(reply.pieces)})

    def at_once(self, scope: MutableMapping[str, Any], body: bytes) -> Reply | None:
        """The answer that can be given from memory to a plain scan or a posted QR text, else None."""
        path, started_at = scope["path"], self._site.seconds()
        route = path if path == VERIFY else _ROUTES.get(path[:3])
        if route is None:
            return None
        try:
            reply = self._posted(scope, body) if path == VERIFY else self._scanned(scope, path)
            if reply is not None:
                self._site.record(scope["method"], route, reply.status, self._site.seconds() - started_at)
        except Exception as error:  # the last line of defence, as in the guard: no value leaves the process
            tell_of_fault(error)
            return self._failed(route)
        return reply

    def _scanned(self, scope: MutableMapping[str, Any], path: str) -> Reply | None:
        found = self._scans.answered_at_once(path[3:]) if _is_plain(scope, path) else None
        if found is None:
            return None
        given, evidence = found
        if _asks_for_json(scope["headers"]):
            return Reply(200, self._json_headers, self._scans.report(given, evidence))
        return Reply(200, self._page_headers, (self._scans.page(given, evidence, _language(scope["query_string"])),))

    def _posted(self, scope: MutableMapping[str, Any], body: bytes) -> Reply | None:
        is_plain = scope["method"] == "POST" and len(scope["query_string"]) <= MAX_ADDRESS - len(VERIFY)
        found = self._api.verify_at_once(body) if is_plain else None
        return None if found is None else Reply(200, self._api_headers, self._scans.report(*found))

    def _failed(self, route: str) -> Reply:
        self._site.metrics.count_request("GET", route, HTTPStatus.INTERNAL_SERVER_ERROR, 0.0)
        refusal = problem_response(KezhengError(INTERNAL))
        headers = HeaderBlock(with_headers(refusal.raw_headers, self._guarding))
        return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, headers, (bytes(refusal.body),))

    def _headers_of(self, own: Mapping[str, str]) -> HeaderBlock:
        encoded = [(name.encode(), value.encode()) for name, value in own.items()]
        return HeaderBlock(with_headers(encoded, self._guarding))


def _is_plain(scope: MutableMapping[str, Any], path: str) -> bool:
    """Whether it asks for the report or the page itself. One address is short; the ordinary way refuses others."""
    query: bytes = scope["query_string"]
    is_short = len(scope.get("raw_path") or b"") + len(query) <= MAX_ADDRESS
    is_view = bool(query) and (b"view" in query or b"%" in query)
    return is_short and not is_view and len(path) > 3 and scope["method"] in _METHODS


def _asks_for_json(headers: list[tuple[bytes, bytes]]) -> bool:
    """As `wants_json` of the first such header, which is what the ordinary way takes."""
    for name, value in headers:
        if name == b"accept":
            return wants_json(value.decode("latin-1"))
    return False


def _language(query: bytes) -> str | None:
    return dict(parse_qsl(query.decode("latin-1"))).get("lang") if query else None
