"""People with phones: scans at a steady rate, whatever comes of those before. ``python -m bench.failover.scanning``.

Each is a connection of its own to the balancer, for a certificate that a clerk holds; what the answer has to be is
known from the journals. Every answer becomes a line: when it was asked, how long it took, what came.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import uvloop

from bench.failover.journal import Certificate, Reader, Told

SETTLE_SECONDS = 3.0
"""What was issued or revoked so short a time ago may not be seen everywhere yet."""
GIVE_UP_SECONDS = 15.0
LOOK_SECONDS = 0.5
RIGHT = "right"
VALID, REVOKED = "valid", "not_in_force"
_END_OF_HEAD = b"\r\n\r\n"


class Pool:
    """The certificates that may be scanned, and what each answer must be."""

    def __init__(self, journals: Mapping[str, Path]) -> None:
        self._readers = {machine: Reader(path) for machine, path in journals.items()}
        self._told = Told()
        self._random = random.Random(4)

    def look(self) -> None:
        """Take in what the clerks were told meanwhile."""
        for machine, reader in self._readers.items():
            for entry in reader.new():
                self._told.take(machine, entry)

    def choose(self, now: float) -> tuple[Certificate, str] | None:
        """A certificate and its verdict; None when none has settled."""
        settled = [each for each in self._told.certificates[-200:] if each.issued_at <= now - SETTLE_SECONDS]
        for certificate in self._random.sample(settled, len(settled)):
            if (verdict := expected(self._told, certificate.number, now)) is not None:
                return certificate, verdict
        return None


def expected(told: Told, number: str, now: float) -> str | None:
    """What a scan must say; None while a revocation of it is under way or only just done."""
    if number not in told.being_revoked:
        return VALID
    done = told.revoked.get(number)
    return REVOKED if done is not None and done <= now - SETTLE_SECONDS else None


async def scan(host: str, port: int, path: str) -> bytes:
    """Ask for one address on a new connection; the whole answer. Raises OSError, TimeoutError."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    async with asyncio.timeout(GIVE_UP_SECONDS):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(request.encode("ascii"))
            return await reader.read()
        finally:
            writer.close()


def outcome_of(answer: bytes, verdict: str) -> str:
    """``right``, or what else came."""
    head, found, body = answer.partition(_END_OF_HEAD)
    status = head.split(b" ", 2)[1:2]
    if not found or status != [b"200"]:
        return f"status {status[0].decode('ascii', 'replace')}" if status else "no answer"
    told = orjson.loads(body)
    said = told["verdict"]
    codes = ",".join(check["code"] for check in told.get("checks", ()) if check["outcome"] != "passed")
    return RIGHT if said == verdict else f"{said} ({codes}) for {verdict}"


class Scanner:
    """Scans from now on, each as a task of its own."""

    def __init__(self, address: str, pool: Pool, out: Path) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._pool = pool
        self._out = out.open("ab")
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, rate: float) -> None:
        """Begin scans at the rate, for ever."""
        begin, count, looked = time.monotonic(), 0, 0.0
        while True:
            if time.monotonic() - looked >= LOOK_SECONDS:
                self._pool.look()
                self._out.flush()
                looked = time.monotonic()
            if (chosen := self._pool.choose(time.time())) is not None:
                task = asyncio.create_task(self._scan(*chosen))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            count += 1
            await asyncio.sleep(max(0.0, begin + count / rate - time.monotonic()))

    async def _scan(self, certificate: Certificate, verdict: str) -> None:
        at, path = time.time(), urlsplit(certificate.qr).path
        try:
            outcome = outcome_of(await scan(self._host, self._port, path), verdict)
        except (OSError, TimeoutError) as error:
            outcome = type(error).__name__
        self._out.write(orjson.dumps([at, time.time() - at, outcome]) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scanning", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--address", required=True)
    parser.add_argument("--rate", type=float, required=True, help="scans a second")
    parser.add_argument("--journal", action="append", required=True, metavar="MACHINE=FILE")
    chosen = parser.parse_args()
    journals = {name: Path(path) for name, _, path in (given.partition("=") for given in chosen.journal)}
    uvloop.run(Scanner(chosen.address, Pool(journals), chosen.out).run(chosen.rate))


if __name__ == "__main__":
    main()
