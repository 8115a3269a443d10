"""uvicorn's HTTP protocol with a short way for replies that can be given at once.

The short way spares a task, an event and the checks of each header, which together cost more than a small answer. It is
taken only when nothing of an earlier request is unfinished and the peer reads what it is sent; all else is uvicorn's.
"""

from __future__ import annotations

import urllib.parse
from asyncio import TimerHandle
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from verify_site.webserver.at_once import LARGEST_BODY, AtOnce, OwnHeaders, encoded_head

CLOSE = (b"connection", b"close")
_BODILESS = ("GET", "HEAD")


class ShortWayProtocol(HttpToolsProtocol):
    """One connection to an application that can answer at once."""

    answering: ClassVar[AtOnce]
    own_headers: ClassVar[OwnHeaders]
    _answered = False
    _body: bytes | None = None
    """What has come of the body of a request that may still be answered at once."""
    _idle_since: float | None = None
    """When the last answer was given at once, in the loop's time; None when a request has begun since."""
    _idle_timer: TimerHandle | None = None

    def on_headers_complete(self) -> None:
        """All headers are there: answer at once, wait for a small body, or begin uvicorn's way."""
        self._answered, self._body = False, None
        if self._may_be_short():
            scope = self._scope_of_headers()
            if scope["method"] in _BODILESS:
                self._answered = self._answer(scope, b"")
            elif self._awaits_body(scope):
                self._body = b""
                return
        if not self._answered:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body; what was answered has none that matters."""
        if self._body is None:
            if not self._answered:
                super().on_body(body)
            return
        self._body += body
        if len(self._body) > LARGEST_BODY:
            self._go_uvicorns_way()

    def on_message_complete(self) -> None:
        """The request has been read."""
        if self._body is not None:
            self._answered = self._may_be_short() and self._answer(self._scope_of_headers(), self._body)
            if not self._answered:
                self._go_uvicorns_way()
        if not self._answered:
            super().on_message_complete()

    def _go_uvicorns_way(self) -> None:
        """As if headers and body had only now come."""
        body, self._body = self._body or b"", None
        super().on_headers_complete()
        super().on_body(body)

    def _may_be_short(self) -> bool:
        is_free = self.cycle is None or self.cycle.response_complete
        return is_free and not self.flow.write_paused and not self.parser.should_upgrade()

    def _awaits_body(self, scope: dict[str, Any]) -> bool:
        is_named = scope["method"] == "POST" and scope["path"] in self.answering.posts_at_once
        return is_named and not self.expect_100_continue

    def _answer(self, scope: dict[str, Any], body: bytes) -> bool:
        reply = self.answering.at_once(scope, body)
        if reply is None:
            return False
        own = self.server_state.default_headers
        is_leaving = CLOSE in own
        keeps_alive = not is_leaving and self.parser.should_keep_alive()
        head = encoded_head(reply, self.own_headers.encoded(own), keeps_alive=keeps_alive or is_leaving)
        self.transport.writelines((head, *reply.pieces) if scope["method"] != "HEAD" else (head,))
        self.server_state.total_requests += 1
        if keeps_alive:
            self._unset_keepalive_if_required()
            self._idle_since = self.loop.time()
            if self._idle_timer is None:
                self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._end_when_idle)
        else:
            self.transport.close()
        return True

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        self._idle_since = None
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def _end_when_idle(self) -> None:
        """Close the connection when nothing has come for as long as it is kept; else look again when it may be so.

        One timer serves many requests: uvicorn's own is made anew for each.
        """
        self._idle_timer = None
        if self._idle_since is None:
            return  # a request is under way: with its answer the time begins anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._end_when_idle)
        else:
            self.timeout_keep_alive_handler()

    def _scope_of_headers(self) -> dict[str, Any]:
        """uvicorn's scope with what the request line says."""
        parsed, scope = httptools.parse_url(self.url), self.scope
        path = parsed.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = parsed.path
        scope["query_string"] = parsed.query or b""
        return scope  # type: ignore[return-value]  # a typed dictionary of uvicorn's


def protocol_for(app: AtOnce) -> type[ShortWayProtocol]:
    """The protocol of an application; uvicorn makes one for each connection."""
    return type("ShortWayProtocol", (ShortWayProtocol,), {"answering": app, "own_headers": OwnHeaders()})
