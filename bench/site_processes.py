"""Several processes of one site, started at once, each on a port of its own; and the memory that they hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import NamedTuple

from bench.loopback import HOST
from bench.site_process import cpu_seconds_of, family_of
from verify_site.webserver.listening import listen

PATIENCE_SECONDS = 600.0
WEB_SERVER = "verify_site.webserver"


class Memory(NamedTuple):
    """Of the largest process, in MB: all that it has in memory, and the same with shared pages counted in part."""

    rss_mb: float
    pss_mb: float


class SiteProcesses(NamedTuple):
    """Processes that are ready, how long that took all of them, and how long the processor worked for the slowest."""

    processes: list[subprocess.Popen[bytes]]
    ports: list[int]
    ready_seconds: float
    ready_cpu_seconds: float

    def memory(self) -> Memory:
        every = [pid for process in self.processes for pid in family_of(process.pid)]
        return max(memory_of(pid) for pid in every)


@contextmanager
def site_processes(app: str, count: int, environment: Mapping[str, str]) -> Iterator[SiteProcesses]:
    """A factory's application in so many processes of the product's own server."""
    started, processes, ports = perf_counter(), list[subprocess.Popen[bytes]](), list[int]()
    try:
        for _ in range(count):
            with listen(HOST, 0) as listening:
                ports.append(listening.getsockname()[1])
                command = [sys.executable, "-m", WEB_SERVER, app, "--factory", "--fd", str(listening.fileno())]
                environ, passed = {**os.environ, **environment}, [listening.fileno()]
                processes.append(subprocess.Popen([*command, "--ready-path", "/readyz"], env=environ, pass_fds=passed))
        for port in ports:
            _wait_until_ready(port)
        ready_seconds = perf_counter() - started
        yield SiteProcesses(processes, ports, ready_seconds, max(cpu_seconds_of(process.pid) for process in processes))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


def memory_of(pid: int) -> Memory:
    """What the system says of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    found = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return Memory(found["Rss:"], found["Pss:"])


def _wait_until_ready(port: int) -> None:
    """The socket takes connections from the beginning; they wait there until somebody answers."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not _is_ready(port):
        if monotonic() > deadline:
            raise RuntimeError("the site did not become ready")
        sleep(0.02)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
