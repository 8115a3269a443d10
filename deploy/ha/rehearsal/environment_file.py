"""Files of ``NAME=value`` lines, as systemd's ``EnvironmentFile`` reads them."""

from __future__ import annotations

from pathlib import Path


def read_environment(path: Path) -> dict[str, str]:
    """The variables of a file; comments and empty lines are left out."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
