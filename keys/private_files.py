"""Files that only their owner may read, written whole or not at all, and never over another."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from certs.errors import KezhengError

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_OTHERS = 0o077


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner alone; one that exists must be so already (``keystore_permissions``)."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    require_private(folder)


def require_private(path: Path) -> None:
    """Raise KezhengError ``keystore_permissions`` when others than the owner have any right to a path."""
    if path.stat().st_mode & _OTHERS:
        raise KezhengError("keystore_permissions", path=str(path))


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner may read."""
    require_private(path)
    return path.read_bytes()


def write_new_private(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet (``key_file_exists``).

    It appears under its name only when all of it is on the disk: a crash leaves at most a nameless rest
    that ends in ``.part`` and is never read.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        _write_durably(part, content)
        # A rename would replace an existing file silently; a link refuses.
        os.link(part, path)
    except FileExistsError as error:
        raise KezhengError("key_file_exists", path=str(path)) from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    sync_folder(path.parent)


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
