"""`python -m bench.open_loop`: scans at a steady rate, whether or not the earlier ones have been answered.

Each request has its moment, and its time runs from that moment, also while it waits for a free connection: a server
that stands still for a while is so charged with everybody who came meanwhile. Beside it the endpoint that does nothing
but one check of a signature, under the same load on the same server: what of the times is the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import uvloop

from bench.loopback import CONNECTIONS, HOST, Client, get, server
from bench.sample_texts import sealed_certificates
from bench.verify_over_http import HOME_VARIABLE, PIECE, path_of, write_home

PATIENCE_SECONDS = 60.0
AT_MOST_MS = 10.0


class Pace:
    """Requests with their moments, given to whichever connection is free."""

    def __init__(self, requests: Sequence[bytes], rate: float, count: int) -> None:
        self.requests = requests
        self.rate = rate
        self.count = count
        self.waited_ms: list[float] = []
        self.waiting: deque[float] = deque()
        self.free: list[Paced] = []
        self.finished = asyncio.get_running_loop().create_future()
        self.sent = 0

    async def run(self) -> list[float]:
        """Milliseconds of every request, in the order of the answers."""
        begun = perf_counter()
        for number in range(self.count):
            moment = begun + number / self.rate
            if (early := moment - perf_counter()) > 0:
                await asyncio.sleep(early)
            self.waiting.append(moment)
            if self.free:
                self.take(self.free.pop())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.finished
        return self.waited_ms

    def take(self, connection: Paced) -> None:
        """Give a free connection the request that has waited longest, or keep it."""
        if not self.waiting:
            self.free.append(connection)
            return
        connection.moment = self.waiting.popleft()
        self.sent += 1
        connection.transport.write(self.requests[self.sent % len(self.requests)])

    def answered(self, connection: Paced) -> None:
        self.waited_ms.append((perf_counter() - connection.moment) * 1000)
        if len(self.waited_ms) == self.count:
            self.finished.set_result(None)
        self.take(connection)


class Paced(Client):
    """One connection, which asks when it is told to."""

    def __init__(self, pace: Pace) -> None:
        super().__init__((), pace.finished)
        self.pace = pace
        self.moment = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.keep(transport)
        self.pace.take(self)

    def go_on(self) -> None:
        self.pace.answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # A quick server leaves some connections without work, and closes them as idle.
        if self in self.pace.free and len(self.pace.free) > 1:
            self.pace.free.remove(self)
        elif not self.pace.finished.done():
            super().connection_lost(exc)


def paced(port: int, requests: Sequence[bytes], rate: float, count: int) -> list[float]:
    """Milliseconds of so many requests at so many a second. Raises RuntimeError for an answer that is no 200."""
    return uvloop.run(_paced(port, requests, rate, count))


async def _paced(port: int, requests: Sequence[bytes], rate: float, count: int) -> list[float]:
    pace, loop = Pace(requests, rate, count), asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(partial(Paced, pace), HOST, port)
    found = await pace.run()
    for connection in pace.free:
        connection.transport.close()
    return found


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.open_loop", description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    registry, sealed = sealed_certificates(PIECE)
    count = int(chosen.rate * chosen.seconds)
    with TemporaryDirectory() as folder:
        write_home(Path(folder), registry)
        with (
            server("bench.verify_over_http:mirror_app", "--factory", environment={HOME_VARIABLE: folder}) as site,
            server("bench.empty_endpoint:app") as empty,
        ):
            for label, port, requests in (
                ("scan, JSON", site, [get(path_of(each)) for each in sealed]),
                ("scan, page", site, [get(path_of(each), "text/html") for each in sealed]),
                ("empty endpoint + verify", empty, [get("/verified")]),
            ):
                paced(port, requests, chosen.rate, int(chosen.rate))  # warms up
                times = paced(port, requests, chosen.rate, count)
                shown = " ".join(f"p{share:g} {percentile(times, share / 100):.2f}" for share in (50, 90, 99, 99.9))
                print(f"{label}: {shown} max {max(times):.2f} ms at {chosen.rate:g}/s (bar: p99 < {AT_MOST_MS:g} ms)")


if __name__ == "__main__":
    main()
