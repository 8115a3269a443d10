"""A replacing process begins when its application is ready, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from verify_site.webserver import ready_gate
from verify_site.webserver.ready_gate import ReadyGate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Warming:
    """An application that is ready when it has been asked so many times."""

    def __init__(self, ready_after: int) -> None:
        self.left = ready_after
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            return
        self.asked.append(scope["path"])
        self.left -= 1
        await send({"type": "http.response.start", "status": 200 if self.left < 0 else 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def started(app: Warming, seconds: float) -> list[str]:
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await ReadyGate(app, "/readyz", seconds)({"type": "lifespan"}, receive, send)
    return sent


async def test_start_up_is_complete_when_the_path_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_gate, "_PAUSE_SECONDS", 0.001)
    app = Warming(ready_after=3)
    assert await started(app, 60.0) == ["lifespan.startup.complete"]
    assert app.asked == ["/readyz"] * 4


async def test_start_up_fails_when_it_does_not_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_gate, "_PAUSE_SECONDS", 0.001)
    assert await started(Warming(ready_after=1_000_000), 0.02) == ["lifespan.startup.failed"]


async def test_requests_pass_unchanged() -> None:
    app, sent = Warming(0), list[Any]()

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    await ReadyGate(app, "/readyz")({"type": "http", "path": "/any"}, receive, send)
    assert (app.asked, sent[0]["status"]) == (["/any"], 200)
