"""Sites that run as processes of their own: a free port for one, and whether it answers."""

from __future__ import annotations

import socket
from urllib.error import URLError
from urllib.request import urlopen


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
