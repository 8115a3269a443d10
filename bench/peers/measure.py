"""Runs each peer in its own environment and collects what it did in a second; one process, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-peers" / "bin" / "python"
SET_UP = HERE.parents[1] / "deploy" / "setup" / "peers_environment.sh"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("node", "data_integrity.mjs"),
    ("node", "did_jwt.mjs"),
    (str(PYTHON), "blockcerts.py"),
    (str(PYTHON), "pages.py"),
)


class PeerRate(NamedTuple):
    """How often a library did something in a second; ``work`` is issue, verify or page."""

    library: str
    version: str
    work: str
    per_second: float


def measure_peers(seconds: float) -> list[PeerRate]:
    """The rates of all peers, each measured for so many seconds. Sets their environments up first."""
    subprocess.run([SET_UP], check=True)
    return [rate for command in COMMANDS for rate in _rates_of(command, seconds)]


def _rates_of(command: Sequence[str], seconds: float) -> list[PeerRate]:
    sys.stderr.write(f"peer {command[-1]} …\n")
    done = subprocess.run([*command, str(seconds)], cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[-1]} failed:\n{done.stderr[-2000:]}")
    return [PeerRate(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]
