"""The public register's files in a folder: only names that a register can have are ever looked for."""

from __future__ import annotations

import re
from pathlib import Path

_PLACE = r"(?:x\d{3}/){0,5}\d{3}"
_NAME = re.compile(
    rf"checkpoint|log\.vkey|cosigner\.vkey|tile/(?:entries|[0-5]?\d)/{_PLACE}(?:\.p/[1-9]\d{{0,2}})?|index/\d{{1,20}}",
    re.ASCII,
)


def read_log_file(folder: Path, path: str) -> bytes | None:
    """The file at a path below the register's folder; None for one that is not there or that no register has."""
    if not _NAME.fullmatch(path):
        return None
    try:
        return (folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def never_changes(path: str) -> bool:
    """Whether a file stays as it is once it is there: tiles and index blocks do, the checkpoint does not."""
    return path.startswith(("tile/", "index/"))
