"""The copy of the register that a home must agree with: a mirror in a folder or under an address.

It sees what the home itself cannot: that the home was restored from a backup and is about to write history twice.
"""

from __future__ import annotations

from pathlib import Path

import httpx

from certs.errors import KezhengError
from certs.log_paths import CHECKPOINT_FILE
from certs.tlog.checkpoint import Checkpoint
from registry.publishing.log_folder import checkpoint_in, read_log_file

TIMEOUT_SECONDS = 5.0
MAX_CHECKPOINT = 65_536
"""Bytes of the longest signed note (C2SP signed-note)."""


def witness_checkpoint(witness: str) -> Checkpoint:
    """What the checkpoint of a mirror says: a folder, or an http(s) address above ``checkpoint``.

    Raises KezhengError ``log_witness_unreachable`` also when there is none, for silence is no agreement;
    ``log_checkpoint_unreadable``.
    """
    is_address = witness.startswith(("http://", "https://"))
    note = _fetch(f"{witness.rstrip('/')}/{CHECKPOINT_FILE}") if is_address else _read(Path(witness))
    if note is None or len(note) > MAX_CHECKPOINT:
        raise KezhengError("log_witness_unreachable", witness=witness)
    return checkpoint_in(note)


def _read(folder: Path) -> bytes | None:
    try:
        return read_log_file(folder, CHECKPOINT_FILE)
    except OSError:
        return None


def _fetch(address: str) -> bytes | None:
    try:
        with httpx.stream("GET", address, timeout=TIMEOUT_SECONDS) as response:
            content = b""
            for part in response.iter_bytes():
                content += part
                if len(content) > MAX_CHECKPOINT:
                    break
            return content if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
