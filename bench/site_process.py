"""The public site as its users run it: processes of their own, started by the command, ready when they say so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, perf_counter, sleep
from typing import IO

from bench.loopback import HOST, free_port

PATIENCE_SECONDS = 600.0
WORKERS = 2
KEZHENG = "from registry.cli import main; main()"


@dataclass(frozen=True, slots=True)
class RunningSite:
    """A site that answers."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float
    start_cpu_seconds: float

    def largest_worker_mb(self) -> float:
        """Resident memory of its largest process, the memory that processes share counted in full."""
        return max(resident_mb(pid) for pid in family_of(self.process.pid))


@contextmanager
def running_site(home: Path, workers: int = WORKERS) -> Iterator[RunningSite]:
    """`kezheng serve --role public` over a home; with what its start took until it says that it is ready."""
    port = free_port()
    options = ["serve", "--role", "public", "--port", str(port), "--workers", str(workers), "--home", str(home)]
    with TemporaryFile() as said:
        started = perf_counter()
        process = subprocess.Popen([sys.executable, "-c", KEZHENG, *options], stdout=said, stderr=said)
        try:
            _wait_until_ready(process, port, said)
            taken = perf_counter() - started
            yield RunningSite(process, port, taken, cpu_seconds_of(process.pid))
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, said: IO[bytes]) -> None:
    """Raises RuntimeError with the end of what the site said."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or monotonic() > deadline:
            said.seek(0)
            raise RuntimeError(f"the site did not become ready: {said.read()[-2000:].decode(errors='replace')}")
        sleep(0.02)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {int(stat.name): _parent(stat) for stat in Path("/proc").iterdir() if stat.name.isdigit()}
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cpu_seconds_of(pid: int) -> float:
    """What a process and all that descend from it have taken of the processor, those that have ended among them."""
    return sum(_ticks(each) for each in family_of(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """Its own time, and that of its children that have ended; nothing when it has just ended itself."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15]))


def resident_mb(pid: int) -> float:
    """What ``VmRSS`` says."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
