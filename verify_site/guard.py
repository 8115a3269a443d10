"""What surrounds every answer: security headers, counters, one log line, and a calm answer to a fault of the
program.

Log line and counters carry the route's template, never its path: a scanned path holds a name and part of an
ID number.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certs.errors import KezhengError
from verify_site.problems import INTERNAL, problem_response
from verify_site.site import Site

MAX_ADDRESS = 8 * 1024
"""Bytes of path and query. The longest code of ours takes 2,048 characters."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_ERROR_LOG = logging.getLogger("kezheng.site")


def security_headers(public_url: str) -> list[tuple[bytes, bytes]]:
    """The headers of every answer, unless the answer itself sets one of them otherwise."""
    headers = {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
    if public_url.startswith("https://"):
        headers["strict-transport-security"] = "max-age=31536000"
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


class Guard:
    """The outermost layer of the site."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site
        self._headers = security_headers(site.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = self._site.seconds()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = with_headers(message["headers"], self._headers)
            await send(message)

        try:
            await self._answer(scope, receive, send_guarded)
        except Exception as error:  # the last line of defence: no traceback and no value leaves the process
            tell_of_fault(error)
            if not status:
                await problem_response(KezhengError(INTERNAL))(scope, receive, send_guarded)
        route = getattr(scope.get("route"), "path_format", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._site.record(method, route, status, self._site.seconds() - started_at)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > MAX_ADDRESS:
            await problem_response(KezhengError("address_too_long"))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def with_headers(given: Iterable[tuple[bytes, bytes]], wanted: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An answer's own headers with those wanted of every answer, but for what it sets itself."""
    headers = list(given)
    present = {name for name, _ in headers}
    return headers + [header for header in wanted if header[0] not in present]


def tell_of_fault(error: Exception) -> None:
    """Log where a fault of the program arose, and nothing of what it was about."""
    _ERROR_LOG.error("%s at %s", type(error).__name__, _places(error))


def _places(error: BaseException) -> str:
    """Where an error arose, as file and line: its message may quote what a stranger sent."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
