"""Reads the package's own data files: the only I/O inside ``certs``."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def read_bytes(*path: str) -> bytes:
    """The bytes of one data file below ``certs/``."""
    return files("certs").joinpath(*path).read_bytes()


def read_toml(*path: str) -> dict[str, Any]:
    """One data file below ``certs/`` as parsed TOML."""
    return tomllib.loads(read_bytes(*path).decode("utf-8"))


def list_files(folder: str, suffix: str) -> list[str]:
    """The sorted names of the files with this suffix in a folder below ``certs/``."""
    return sorted(entry.name for entry in files("certs").joinpath(folder).iterdir() if entry.name.endswith(suffix))
