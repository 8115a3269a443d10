"""Servers and load on the loopback address of this machine alone, bounded, and ended by the benchmark."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any, cast

import uvloop

from verify_site.webserver.listening import listen

HOST = "127.0.0.1"
START_SECONDS = 30.0
LOAD_SECONDS = 120.0
CONNECTIONS = 16
BUFFER = 16 * 1024
END_OF_HEAD = b"\r\n\r\n"


@contextmanager
def server(app: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """An ASGI application in one process of the product's own server; gives its port."""
    with listen(HOST, 0) as listening:
        port: int = listening.getsockname()[1]
        command = [sys.executable, "-m", "verify_site.webserver", app, "--fd", str(listening.fileno()), *arguments]
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, pass_fds=[listening.fileno()]
        )
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers. Raises RuntimeError when it ends or takes too long.

    Its socket takes connections from the beginning; they wait there until it is ready.
    """
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        with socket.create_connection((HOST, port)) as probe:
            probe.settimeout(1.0)
            probe.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            with suppress(TimeoutError, ConnectionError):
                if probe.recv(1):
                    return
    raise RuntimeError("the server did not start")


def get(path: str, accept: str = "application/json") -> bytes:
    """The bytes of one request that keeps the connection."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: {accept}\r\n\r\n".encode("ascii")


def post_json(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}"
    )
    return head.encode("ascii") + END_OF_HEAD + body


def send_all(port: int, requests: Sequence[bytes]) -> int:
    """Send every request once over a few connections at a time; how many were answered with 200.

    Raises RuntimeError for any other answer: a fast refusal is no result.
    """
    return uvloop.run(_send_all(port, requests))


async def _send_all(port: int, requests: Sequence[bytes]) -> int:
    loop = asyncio.get_running_loop()
    shares = [requests[start::CONNECTIONS] for start in range(min(CONNECTIONS, len(requests)))]
    async with asyncio.timeout(LOAD_SECONDS):
        clients = [Client(share, loop.create_future()) for share in shares]
        for client in clients:
            await loop.create_connection(partial(_same, client), HOST, port)
        return sum(await asyncio.gather(*(client.finished for client in clients)))


def _same(client: Client) -> Client:
    return client


class Client(asyncio.BufferedProtocol):
    """One connection that sends its requests one after the other and checks each answer's status and length.

    It reads into one small buffer again and again: a client on the same machine shall not drive the server's data out
    of the caches that they share.
    """

    def __init__(self, requests: Sequence[bytes], finished: asyncio.Future[Any]) -> None:
        self.requests = requests
        self.finished = finished
        self.answered = 0
        self.head = b""
        self.missing = 0
        self.buffer = bytearray(BUFFER)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.keep(transport)
        self.transport.write(self.requests[0])

    def keep(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class, not one of asyncio's

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the protocol passes it
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.missing:
            self.missing -= nbytes
        elif not self.begin(self.head + self.buffer[:nbytes]):
            return
        if not self.missing:
            self.go_on()

    def begin(self, received: bytes) -> bool:
        """Whether the head of an answer is there, which says how much follows."""
        end = received.find(END_OF_HEAD)
        if end < 0:
            self.head = received
            return False
        self.head = b""
        if not received.startswith(b"HTTP/1.1 200 "):
            self.fail(received[:end].decode("latin-1").splitlines()[0])
            return False
        self.missing = content_length(received[:end]) - (len(received) - end - len(END_OF_HEAD))
        return True

    def go_on(self) -> None:
        self.answered += 1
        if self.answered < len(self.requests):
            self.transport.write(self.requests[self.answered])
        else:
            self.transport.close()
            self.finished.set_result(self.answered)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol passes it
        self.fail("the connection was closed")

    def fail(self, reason: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(RuntimeError(reason))
            self.transport.close()


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError("an answer without a length")
