"""Answers that an application can give at once, without a task of their own: what a busy endpoint needs.

An application that has a method ``at_once`` is asked with each GET and HEAD request, and with POST requests to the
paths that it names, once their small body is there. It gives a reply, or None: then the request takes the ordinary way
of ASGI. A reply has to be made from memory, in far less than a millisecond, since nobody else is answered meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

LARGEST_BODY = 16 * 1024
Pairs = list[tuple[bytes, bytes]]


def encoded_pairs(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they go over the wire."""
    return b"".join([b"%b: %b\r\n" % pair for pair in pairs])


class HeaderBlock:
    """Headers that many replies share, encoded once. Without ``content-length``, which each reply has of its own."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self.pairs: Pairs = [(name.lower(), value) for name, value in pairs if name.lower() != b"content-length"]
        self.encoded = encoded_pairs(self.pairs)


class Reply(NamedTuple):
    """A whole answer. Its body comes in pieces, so that a large one which many answers share is never copied."""

    status: int
    headers: HeaderBlock
    pieces: tuple[bytes, ...]

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.pieces))


class AtOnce(Protocol):
    """An application that can answer some requests at once."""

    @property
    def posts_at_once(self) -> frozenset[str]:
        """The paths of which a POST may be answered at once."""

    def at_once(self, scope: MutableMapping[str, Any], body: bytes, /) -> Reply | None:
        """The answer to a request, or None for the ordinary way. Never raises and never waits."""


STATUS_LINES = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}


class OwnHeaders:
    """The server's own headers, encoded when they have changed: another list each second."""

    def __init__(self) -> None:
        self._pairs: Pairs = []
        self._encoded = b""

    def encoded(self, pairs: Pairs) -> bytes:
        """These headers as they go over the wire; the same list has the same headers."""
        if pairs is not self._pairs:
            self._pairs, self._encoded = pairs, encoded_pairs(pairs)
        return self._encoded


def encoded_head(reply: Reply, before: bytes, *, keeps_alive: bool) -> bytes:
    """Status line and headers as they go over the wire, with the server's own headers ``before`` the reply's."""
    return b"".join(
        (
            STATUS_LINES[reply.status],
            before,
            b"" if keeps_alive else b"connection: close\r\n",
            reply.headers.encoded,
            b"content-length: %d\r\n\r\n" % reply.length,
        )
    )
