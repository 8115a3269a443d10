"""The files of a register in a folder: only names that a register can have are ever looked for."""

from __future__ import annotations

from pathlib import Path

from certs.log_paths import is_log_path


def read_log_file(folder: Path, path: str) -> bytes | None:
    """A file of a log at its path below the folder; None for one that is not there or can be none of a log."""
    if not is_log_path(path):
        return None
    try:
        return (folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
