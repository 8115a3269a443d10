"""Roles that run as processes of their own: a free port for one, and whether it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

COMMAND = "from registry.cli import main; main()"
PATIENCE = 60
"""Seconds that a role may take on a busy machine."""


@contextmanager
def served_role(folder: Path, role: str, *options: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """``kezheng serve`` in one role for a home, asked to end with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", "--home", str(folder), "--role", role, *options],
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def answers(port: int) -> bool:
    """Whether a site is up on a port of loopback."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False
