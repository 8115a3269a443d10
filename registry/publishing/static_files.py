"""``kezheng publish``: everything an offline verifier or a delivery network needs, as static files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from certs.errors import KezhengError
from certs.evidence import TRUST_LIST_FILE
from registry.publishing.documents import DELEGATION_FILE

KEPT_INSIDE = frozenset({DELEGATION_FILE})
"""The delegation travels in the header of the trust list."""
MAX_FILE = 256 * 1024 * 1024


def write_published(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Write the files, each whole or not at all, the trust list last; their names.

    Files of an earlier publication that are published no more are removed. Raises KezhengError
    ``folder_not_empty`` for a folder with other content.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / TRUST_LIST_FILE).exists():
        raise KezhengError("folder_not_empty", path=str(folder))
    names = sorted(set(files) - KEPT_INSIDE, key=lambda name: (name == TRUST_LIST_FILE, name))
    for name in names:
        _replace(folder / name, files[name])
    for path in _files_below(folder):
        if path.relative_to(folder).as_posix() not in names:
            path.unlink()
    return names


def read_published(folder: Path) -> dict[str, bytes]:
    """The files of a published folder by name. Raises KezhengError ``file_not_found``."""
    if not folder.is_dir():
        raise KezhengError("file_not_found", path=str(folder))
    found = {}
    for path in _files_below(folder):
        if path.stat().st_size <= MAX_FILE:
            found[PurePosixPath(path.relative_to(folder)).as_posix()] = path.read_bytes()
    return found


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(content)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)
