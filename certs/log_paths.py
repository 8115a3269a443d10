"""Names of the public register's files below its folder (C2SP tlog-tiles), and which of them never change."""

from __future__ import annotations

import re

CHECKPOINT_FILE = "checkpoint"
LOG_KEY_FILE, COSIGNER_KEY_FILE = "log.vkey", "cosigner.vkey"
_PLACE = r"(?:x\d{3}/)*\d{3}"
_TILE = rf"tile/(?:entries|\d\d?)/{_PLACE}(?:\.p/[1-9]\d{{0,2}})?"
_PATH = re.compile(rf"checkpoint|(?:log|cosigner)\.vkey|index/\d{{1,20}}|{_TILE}", re.ASCII)


def index_path(block: int) -> str:
    """Where a block of the index lies."""
    return f"index/{block}"


def is_log_path(path: str) -> bool:
    """Whether a register can have a file of this name: nothing else is ever looked for on a disk."""
    return _PATH.fullmatch(path) is not None


def never_changes(path: str) -> bool:
    """Whether a file stays as it is once it is there: tiles and index blocks do, the checkpoint does not."""
    return path.startswith(("tile/", "index/"))
