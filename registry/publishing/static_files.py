"""``kezheng publish``: everything an offline verifier or a delivery network needs, as static files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER, TRUST_LIST_FILE
from certs.log_paths import CHECKPOINT_FILE, never_changes
from registry.publishing.documents import DELEGATION_FILE

KEPT_INSIDE = frozenset({DELEGATION_FILE})
"""The delegation travels in the header of the trust list."""
_LAST = {LOG_FOLDER + CHECKPOINT_FILE: 1, TRUST_LIST_FILE: 2}
"""What is written after everything else, in this order."""
MAX_FILE = 256 * 1024 * 1024


def write_published(folder: Path, files: Mapping[str, bytes], log_folder: Path) -> list[str]:
    """Write the files and the register, each whole or not at all; their names.

    The register's checkpoint comes after what it covers, and the trust list after the checkpoint that covers it. Files
    of an earlier publication that are published no more are removed. Raises KezhengError ``folder_not_empty`` for a
    folder with other content.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / TRUST_LIST_FILE).exists():
        raise KezhengError("folder_not_empty", path=str(folder))
    sources = {LOG_FOLDER + name: log_folder / name for name in _names_below(log_folder)}
    names = sorted({*files, *sources} - KEPT_INSIDE, key=lambda name: (_LAST.get(name, 0), name))
    for name in names:
        if not (_never_changes(name) and (folder / name).exists()):
            _replace(folder / name, files[name] if name in files else sources[name].read_bytes())
    for name in set(_names_below(folder)) - set(names):
        (folder / name).unlink()
    return names


def read_published(folder: Path) -> dict[str, bytes]:
    """The files of a published folder by name, but for the register's. Raises KezhengError ``file_not_found``."""
    if not folder.is_dir():
        raise KezhengError("file_not_found", path=str(folder))
    names = [name for name in _names_below(folder) if not name.startswith(LOG_FOLDER)]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).stat().st_size <= MAX_FILE}


def _never_changes(name: str) -> bool:
    return name.startswith(LOG_FOLDER) and never_changes(name.removeprefix(LOG_FOLDER))


def _names_below(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(PurePosixPath(path.relative_to(folder)).as_posix() for path in found)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(content)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)
