"""How long a connection is kept that nothing comes over, by a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from verify_site.webserver.at_once import HeaderBlock, Reply
from verify_site.webserver.http_protocol import ShortWayProtocol, protocol_for

KEPT = 5
ASKED = b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"


class Application:
    posts_at_once = frozenset[str]()

    def at_once(self, _scope: Any, _body: bytes) -> Reply:
        return Reply(200, HeaderBlock([]), (b"answered",))

    async def __call__(self, _scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("nothing goes the ordinary way here")


class Timer:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at, self.call, self.is_cancelled = at, call, False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """A loop whose time passes when it is told so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, call))
        return self.timers[-1]

    def pass_to(self, now: float) -> None:
        while due := [timer for timer in self.timers if timer.at <= now]:
            self.timers.remove(due[0])
            self.now = due[0].at
            if not due[0].is_cancelled:
                due[0].call()
        self.now = now


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.written.append(b"".join(pieces))

    def get_extra_info(self, _name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


class Connection:
    def __init__(self) -> None:
        config = uvicorn.Config(Application(), lifespan="off", timeout_keep_alive=KEPT)
        config.load()
        self.loop, self.transport = Loop(), Transport()
        made: Any = protocol_for(Application())
        self.protocol: ShortWayProtocol = made(config, ServerState(), {}, self.loop)
        self.protocol.connection_made(self.transport)

    def ask(self) -> None:
        self.protocol.data_received(ASKED)


@pytest.fixture
def connection() -> Connection:
    return Connection()


def test_an_idle_connection_is_closed_when_its_time_is_over(connection: Connection) -> None:
    connection.ask()
    connection.loop.pass_to(100 + KEPT - 0.01)
    assert not connection.transport.is_closed
    connection.loop.pass_to(100 + KEPT)
    assert connection.transport.is_closed


def test_each_answer_begins_the_time_anew_with_one_timer(connection: Connection) -> None:
    for at in (100, 103, 106, 109.5):
        connection.loop.pass_to(at)
        connection.ask()
        assert len(connection.loop.timers) == 1
    assert len(connection.transport.written) == 4
    connection.loop.pass_to(109.5 + KEPT - 0.01)
    assert not connection.transport.is_closed
    connection.loop.pass_to(109.5 + KEPT)
    assert connection.transport.is_closed


def test_a_request_that_has_begun_is_not_cut_off(connection: Connection) -> None:
    connection.ask()
    connection.loop.pass_to(104)
    connection.protocol.data_received(ASKED[:10])
    connection.loop.pass_to(120)
    assert not connection.transport.is_closed
    connection.protocol.data_received(ASKED[10:])
    assert len(connection.transport.written) == 2
    connection.loop.pass_to(120 + KEPT)
    assert connection.transport.is_closed


def test_what_is_closed_leaves_no_timer_behind(connection: Connection) -> None:
    connection.ask()
    connection.protocol.connection_lost(None)
    assert [timer.is_cancelled for timer in connection.loop.timers] == [True]
