"""The public register as files (C2SP tlog-tiles): checkpoint, tiles, entry bundles, index, verifier keys.

Everything here is derived from what the database has committed and can be written again at any time. Files become
visible whole and lie on the disk before the checkpoint that needs them does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from certs.errors import KezhengError
from certs.log_paths import CHECKPOINT_FILE, index_path
from certs.tlog.checkpoint import Checkpoint, read_checkpoint_text
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import leaf_hash
from certs.tlog.note import parse_note
from certs.tlog.tiles import bundle_path, encode_bundle, encode_tile, tile_path
from keys.private_files import sync_folder
from registry.log_files import read_log_file as read_log_file
from registry.store.engine import ReadTransaction
from registry.store.log_store import LogTree, entries_between, subjects_between, tile_roots_between

INDEX_BLOCK = 65_536
"""Entries that one block of the index covers; a block is written once all of them are there."""
INDEX_PREFIX = 8
"""Bytes of a subject in a record of the index; the place follows as uint64, big-endian."""
_PARTIAL = ".p"


def published_checkpoint(folder: Path) -> Checkpoint | None:
    """What the folder's checkpoint says, None when there is none. Raises ``log_checkpoint_unreadable``."""
    note = read_log_file(folder, CHECKPOINT_FILE)
    return None if note is None else checkpoint_in(note)


def checkpoint_in(note: bytes) -> Checkpoint:
    """What a note says, whoever signed it. Raises KezhengError ``log_checkpoint_unreadable``."""
    try:
        return read_checkpoint_text(parse_note(note).text)
    except KezhengError as error:
        raise KezhengError("log_checkpoint_unreadable") from error


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Nobody else on this machine writes into the folder meanwhile. The lock lies beside it, not in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _beside(folder, "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_tree(tx: ReadTransaction, folder: Path, start: int, tree: LogTree) -> None:
    """Write the tiles, bundles and index blocks of a tree, of which those of the first ``start`` entries are there."""
    first, last = start // TILE_WIDTH, -(-tree.size // TILE_WIDTH)
    step = INDEX_BLOCK // TILE_WIDTH
    for bundle in range(first, last, step):
        _write_leaves(tx, folder, bundle, min(bundle + step, last), tree.size)
    _write_upper_levels(tx, folder, start, tree.size)
    for block in range(start // INDEX_BLOCK, tree.size // INDEX_BLOCK):
        write_files(folder, {index_path(block): _index_block(tx, block)})


def remove_partial_tiles(folder: Path, start: int, size: int) -> None:
    """Remove the partial tiles and bundles of tiles that became full after ``start`` entries.

    For after the checkpoint of ``size`` entries is published; readers of older ones take the full tile instead.
    """
    level = 0
    while size := size // TILE_WIDTH:
        start = start // TILE_WIDTH
        for index in range(start, size):
            full = (tile_path(level, index), *([bundle_path(index)] if level == 0 else []))
            for name in full:
                shutil.rmtree(folder / (name + _PARTIAL), ignore_errors=True)
        level += 1


def publish_checkpoint(folder: Path, note: bytes) -> None:
    """Replace the checkpoint by that of a larger tree. Raises KezhengError ``log_rollback`` where it would go back.

    One of the same tree is left as it is: witnesses may have added their lines.
    """
    old, new = published_checkpoint(folder), checkpoint_in(note)
    if old == new:
        return
    if old is not None and old.size >= new.size:
        raise KezhengError("log_rollback", published=old.size, known=new.size)
    write_files(folder, {CHECKPOINT_FILE: note})


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files whole, and bring them and their names to the disk. For who holds the folder's lock."""
    folders = set()
    for name, content in files.items():
        path = folder / name
        _make_folder(path.parent)
        _write_durably(_beside(folder, "part"), content)
        os.replace(_beside(folder, "part"), path)
        folders.add(path.parent)
    for changed in folders:
        sync_folder(changed)


def _write_leaves(tx: ReadTransaction, folder: Path, first: int, last: int, size: int) -> None:
    """Level-0 tiles with their bundles."""
    entries = entries_between(tx, first * TILE_WIDTH, min(last * TILE_WIDTH, size))
    files = {}
    for bundle in range(first, last):
        part = entries[(bundle - first) * TILE_WIDTH : (bundle - first + 1) * TILE_WIDTH]
        files[bundle_path(bundle, len(part))] = encode_bundle(part)
        files[tile_path(0, bundle, len(part))] = encode_tile([leaf_hash(entry) for entry in part])
    write_files(folder, files)


def _write_upper_levels(tx: ReadTransaction, folder: Path, start: int, size: int) -> None:
    """Tiles of roots, at each level that the entries after ``start`` gave a root."""
    files, level = {}, 1
    start, size = start // TILE_WIDTH, size // TILE_WIDTH
    while size > start:
        first = start // TILE_WIDTH
        roots = tile_roots_between(tx, level - 1, first * TILE_WIDTH, size)
        for place in range(0, len(roots), TILE_WIDTH):
            part = roots[place : place + TILE_WIDTH]
            files[tile_path(level, first + place // TILE_WIDTH, len(part))] = encode_tile(part)
        start, size, level = start // TILE_WIDTH, size // TILE_WIDTH, level + 1
    write_files(folder, files)


def _index_block(tx: ReadTransaction, block: int) -> bytes:
    """Records of a block, sorted: first bytes of the subject ‖ place."""
    found = subjects_between(tx, block * INDEX_BLOCK, (block + 1) * INDEX_BLOCK)
    return b"".join(sorted(subject[:INDEX_PREFIX] + place.to_bytes(8, "big") for place, subject in found))


def _make_folder(folder: Path) -> None:
    """Make a folder whose name survives a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _beside(folder: Path, suffix: str) -> Path:
    """A file of ours that is not published, on the folder's own disk; a run that was killed leaves at most one."""
    return folder.with_name(f"{folder.name}.{suffix}")
