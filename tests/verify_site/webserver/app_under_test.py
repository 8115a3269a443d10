"""An application for the server's tests: some paths are answered at once, some by the ordinary way."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from verify_site.webserver.at_once import HeaderBlock, Reply

HEADERS = HeaderBlock([(b"Content-Type", b"text/plain"), (b"X-Own", b"1"), (b"content-length", b"999")])
LARGE = b"x" * 200_000
READY_AT = time.monotonic() + float(os.environ.get("READY_AFTER", "0"))


class Application:
    """Says which way it was asked, by which process."""

    posts_at_once = frozenset({"/posted", "/refused"})

    def at_once(self, scope: Any, body: bytes) -> Reply | None:
        if scope["path"] == "/posted":
            return Reply(200, HEADERS, (f"at once {os.getpid()} ".encode(), body))
        if scope["path"] == "/now":
            return Reply(200, HEADERS, (f"at once {os.getpid()} ".encode(), scope["query_string"]))
        if scope["path"] == "/not found":
            return Reply(404, HEADERS, (b"nothing here",))
        return Reply(200, HEADERS, (LARGE[:1], LARGE[1:])) if scope["path"] == "/large" else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        body = b""
        while scope["method"] == "POST":
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        if scope["path"] == "/slow":
            await asyncio.sleep(0.3)
        status = 503 if scope["path"] == "/ready" and time.monotonic() < READY_AT else 200
        said = b"in time %d %b %b" % (os.getpid(), body, scope["query_string"])
        answer = LARGE if scope["path"] == "/large" else said
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


app = Application()
