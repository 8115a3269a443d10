"""Several processes of one site, started at once; and the memory that they hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from bench.loopback import HOST
from bench.site_process import cpu_seconds_of, family_of
from verify_site.webserver.lifeline import Lifeline
from verify_site.webserver.listening import listen

WEB_SERVER = (sys.executable, "-m", "verify_site.webserver.http_generation")


class Memory(NamedTuple):
    """Of the largest process, in MB: all that it has in memory, and the same with shared pages counted in part."""

    rss_mb: float
    pss_mb: float


class SiteProcesses(NamedTuple):
    """Processes that are ready, how long that took, and how long the processor worked for all of them together."""

    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float
    ready_cpu_seconds: float

    def memory(self) -> Memory:
        return max(memory_of(pid) for pid in family_of(self.process.pid))


@contextmanager
def site_processes(app: str, count: int, environment: Mapping[str, str]) -> Iterator[SiteProcesses]:
    """A factory's application in so many processes of the product's own server, which say when all of them are ready.

    They say so to whoever replaces others by them: this stands in the place of that group.
    """
    started, (ready, told), (life, held) = perf_counter(), os.pipe(), os.pipe()
    lifeline = Lifeline(told, life, replaces=True)
    with listen(HOST, 0) as listening:
        port, fd = listening.getsockname()[1], listening.fileno()
        command = [*WEB_SERVER, app, "--factory", "--fd", str(fd), "--workers", str(count), "--ready-path", "/readyz"]
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment, **lifeline.environ()},
            pass_fds=[fd, *lifeline.descriptors()],
        )
    os.close(told)
    os.close(life)
    try:
        if not os.read(ready, 1):
            raise RuntimeError("the site did not become ready")
        yield SiteProcesses(process, port, perf_counter() - started, cpu_seconds_of(process.pid))
    finally:
        process.terminate()
        process.wait(timeout=60)
        os.close(ready)
        os.close(held)


def memory_of(pid: int) -> Memory:
    """What the system says of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    found = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return Memory(found["Rss:"], found["Pss:"])
