"""Sending one message: to the address that was looked at, by TLS under the host's own name, without following anything.

An institution's system answers with a status; nothing else of its answer is read.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import httpx

from certs.errors import KezhengError
from registry.webhooks.signature import signature_of
from registry.webhooks.target import Allows, Resolve, address_of, is_public, parse_target, resolve

TIMEOUT_SECONDS = 10.0
GONE = 410
_GOOD = range(200, 300)


class Message(NamedTuple):
    """What is sent: the same ``id`` at every attempt, so that a receiver can tell a repetition."""

    id: str
    body: bytes


class Answer(NamedTuple):
    """What became of an attempt; ``status`` is that of HTTP, None where there was no answer."""

    status: int | None
    refusal: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and self.status in _GOOD

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == GONE


Post = Callable[[str, str, Message, datetime], Answer]


class HttpsPost:
    """Posts messages by HTTPS."""

    def __init__(
        self, context: ssl.SSLContext | None = None, resolve_host: Resolve = resolve, allows: Allows = is_public
    ) -> None:
        """``context`` None: the certificate authorities that the system trusts."""
        self._context = ssl.create_default_context() if context is None else context
        self._resolve = resolve_host
        self._allows = allows

    def __call__(self, url: str, secret: str, message: Message, now: datetime) -> Answer:
        """One attempt. What goes wrong on the way is an answer too, with its code."""
        try:
            target = parse_target(url)
            address = address_of(target, self._resolve, self._allows)
        except KezhengError as error:
            return Answer(None, error.code)
        shown = f"[{address}]" if ":" in address else address
        host = target.host if target.port == 443 else f"{target.host}:{target.port}"
        headers = {"Host": host, "Content-Type": "application/json", **_signed_headers(secret, message, now)}
        return self._send(f"https://{shown}:{target.port}{target.path}", headers, message.body, target.host)

    def _send(self, address: str, headers: dict[str, str], body: bytes, name: str) -> Answer:
        by_name = {"sni_hostname": name}
        try:
            with (
                # No proxy and no redirect: both would lead to an address that nobody has looked at.
                httpx.Client(verify=self._context, trust_env=False, timeout=TIMEOUT_SECONDS) as client,
                client.stream("POST", address, headers=headers, content=body, extensions=by_name) as response,
            ):
                return Answer(response.status_code)
        except (httpx.HTTPError, ssl.SSLError):
            return Answer(None, "webhook_unreachable")


def _signed_headers(secret: str, message: Message, now: datetime) -> dict[str, str]:
    seconds = int(now.timestamp())
    signature = signature_of(secret, message.id, seconds, message.body)
    return {"webhook-id": message.id, "webhook-timestamp": str(seconds), "webhook-signature": signature}
