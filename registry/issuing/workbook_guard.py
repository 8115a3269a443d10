"""Runs a part of this program over hostile bytes in a process of its own, with bounded time and output."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import registry

_CHUNK = 1 << 18
# -I and -S: no environment, no site packages, no start-up files; only this program's packages are found.
_START = "import sys; sys.path.append(sys.argv[1]); from {module} import main; main(sys.argv[2:])"
_PROGRAM_FOLDER = str(Path(registry.__file__).parent.parent)


def run_guarded(
    module: str, arguments: list[str], data: bytes, *, wall_seconds: float, output_bytes: int
) -> bytes | None:
    """Feeds ``data`` to ``main(arguments)`` of a module in a new process and returns what it writes.

    None when the process died, took longer than ``wall_seconds`` or wrote more than ``output_bytes``. The
    process gets no environment and no open files; its limits of memory and processor time it sets itself.
    """
    command = [sys.executable, "-I", "-S", "-c", _START.format(module=module), _PROGRAM_FOLDER, *arguments]
    pipe = subprocess.PIPE
    deadline = time.monotonic() + wall_seconds
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0, env={}, cwd="/"
    ) as child:
        try:
            output = _exchange(child, data, deadline, output_bytes)
            if output is not None:
                child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            output = None
        finally:
            child.kill()  # does nothing once the process has been waited for
    return output if child.returncode == 0 else None


def _exchange(child: subprocess.Popen[bytes], data: bytes, deadline: float, limit: int) -> bytes | None:
    """Writes and reads side by side until the child closes its output; None past the deadline or the size."""
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        return None
    unsent, received, size = memoryview(data), list[bytes](), 0
    os.set_blocking(stdin.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(stdin, selectors.EVENT_WRITE)
        selector.register(stdout, selectors.EVENT_READ)
        while size <= limit:
            ready = [key.fileobj for key, _ in selector.select(deadline - time.monotonic())]
            if not ready or time.monotonic() > deadline:
                return None
            if stdin in ready:
                unsent = _write_some(stdin, unsent)
                if not unsent:
                    selector.unregister(stdin)
                    stdin.close()
            if stdout in ready:
                chunk = os.read(stdout.fileno(), _CHUNK)
                if not chunk:
                    return b"".join(received)
                received.append(chunk)
                size += len(chunk)
    return None


def _write_some(stdin: IO[bytes], unsent: memoryview) -> memoryview:
    """What is left to write: nothing when the child has closed its end."""
    try:
        return unsent[os.write(stdin.fileno(), unsent[:_CHUNK]) :]
    except BlockingIOError:
        return unsent
    except BrokenPipeError:
        return unsent[:0]
