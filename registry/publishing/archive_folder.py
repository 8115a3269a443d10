"""The archive as files: blocks that are written once, lie on the disk before the register shows them, never change.

A block is named by its first place and the one after its last. The folder may lie on another disk, or be one that only
lets files be added; machines that publish the same register may share it, and then stretches may lie there twice.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from certs.errors import KezhengError
from keys.private_files import FILE_MODE, FOLDER_MODE, sync_folder

FOLDER_PLACES = 4_096
"""Places whose blocks lie in one folder, so that the newest is found quickly; no block reaches into the next one."""
_GROUP_PLACES = 256 * FOLDER_PLACES
_NAME = re.compile(r"([0-9]{12})-([0-9]{12})\.block")
_FOLDER = re.compile(r"[0-9]{6}")


class BlockFile(NamedTuple):
    """A block's file and the stretch that it holds."""

    start: int
    stop: int
    path: Path


def archive_end(folder: Path) -> int:
    """The place after the last one that is archived; 0 for an archive without blocks, or that is not there.

    Blocks are written from the end on, without gaps; the last folder that has a block has the last block.
    Raises KezhengError ``archive_unreachable``.
    """
    with _reachable(folder):
        for group in reversed(_subfolders(folder)):
            for part in reversed(_subfolders(folder / group)):
                stops = [int(match[2]) for match, _ in _named_blocks(folder / group / part)]
                if stops:
                    return max(stops)
    return 0


def block_files(folder: Path, start: int = 0) -> Iterator[BlockFile]:
    """The blocks that hold something from a place on, in order of their first place.

    Raises KezhengError ``archive_unreachable``.
    """
    with _reachable(folder):
        for group in _subfolders(folder, start // _GROUP_PLACES):
            for part in _subfolders(folder / group):
                yield from sorted(block for block in _blocks_in(folder / group / part) if block.stop > start)


def write_block(folder: Path, start: int, stop: int, parts: Iterable[bytes]) -> None:
    """Write a block whole; when this returns, it is on the disk. Raises KezhengError ``archive_unreachable``."""
    with _reachable(folder):
        part = folder / f"{start // _GROUP_PLACES:06}" / f"{start % _GROUP_PLACES // FOLDER_PLACES:06}"
        _make_folder(part)
        path = part / f"{start:012}-{stop:012}.block"
        unfinished = part / f".{path.name}.{secrets.token_hex(8)}.part"
        try:
            _write_durably(unfinished, parts)
            os.replace(unfinished, path)
        finally:
            with suppress(FileNotFoundError):
                unfinished.unlink()
        sync_folder(part)


def _blocks_in(folder: Path) -> list[BlockFile]:
    return [BlockFile(int(match[1]), int(match[2]), Path(path)) for match, path in _named_blocks(folder)]


def _named_blocks(folder: Path) -> Iterator[tuple[re.Match[str], str]]:
    """The names of blocks, taken apart, with their paths. Every change of the register reads them: no more is made."""
    for entry in os.scandir(folder):
        match = _NAME.fullmatch(entry.name)
        if match is not None:
            yield match, entry.path


def _subfolders(folder: Path, first: int = 0) -> list[str]:
    """The names of the numbered folders from one on, in order; none where the folder is not there."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if _FOLDER.fullmatch(entry.name))
    except FileNotFoundError:
        return []
    return [name for name in names if int(name) >= first]


def _make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, whose name survives a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(FOLDER_MODE, exist_ok=True)
        sync_folder(folder.parent)


def _write_durably(path: Path, parts: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _reachable(folder: Path) -> Iterator[None]:
    """A full, unmounted or forbidden disk is one refusal, which whoever publishes meets before anything is public."""
    try:
        yield
    except OSError as error:
        raise KezhengError("archive_unreachable", path=str(folder), cause=os.strerror(error.errno or 0)) from error
