"""Looking into a stranger's file in a process of its own, with bounded memory, time and output."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, Any

from certs.errors import KezhengError
from registry.scanning.scan_limits import CPU_SECONDS, MAX_OUTPUT_BYTES, MEMORY_BYTES, WALL_SECONDS

# -I: no environment and no folder of the caller decides what is imported.
_PYTHON = (sys.executable, "-I")


def confine() -> None:
    """In the child, from here on: bounded memory and time, no file can grow, no core is dumped."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ask_child(module: str, data: bytes, *arguments: str) -> dict[str, Any]:
    """What a module answers in JSON about the bytes on its standard input.

    Raises KezhengError ``file_unreadable`` when it died, took too long, or answered with too much.
    """
    with TemporaryFile() as upload:
        upload.write(data)
        upload.seek(0)
        with subprocess.Popen(
            (*_PYTHON, "-m", module, *arguments),
            stdin=upload,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
        ) as child:
            output = _read_in_time(child)
    if child.returncode or len(output) > MAX_OUTPUT_BYTES:
        raise KezhengError("file_unreadable")
    try:
        answer = json.loads(output)
    except ValueError:
        raise KezhengError("file_unreadable") from None
    if not isinstance(answer, dict):
        raise KezhengError("file_unreadable")
    return answer


def _read_in_time(child: subprocess.Popen[bytes]) -> bytes:
    """What the child writes, up to one byte too many; it is killed when its time is over."""
    assert child.stdout is not None
    stdout: IO[bytes] = child.stdout
    alarm = Timer(WALL_SECONDS, child.kill)
    alarm.start()
    try:
        output = stdout.read(MAX_OUTPUT_BYTES + 1)
        if len(output) > MAX_OUTPUT_BYTES:
            child.kill()
        child.wait()
    finally:
        alarm.cancel()
    return output
