"""``kezheng backup``: database, archive and published register of a home on another disk, while everything goes on.

A second backup into the same folder adds what is new to the archive and replaces the database. Private keys lie
elsewhere: they are backed up once, when they are made, and only ever encrypted.
"""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from certs.errors import KezhengError
from certs.timestamps import format_instant
from keys.hsm_pin import pin_file
from keys.passphrase import passphrase_file
from keys.private_files import FILE_MODE, make_private_folder, sync_folder
from registry.home import Home
from registry.publishing.archive_block import open_block
from registry.publishing.archive_folder import BlockFile, block_files, write_block
from registry.settings import SETTINGS_FILE
from registry.store.engine import open_read_store
from registry.store.log_store import read_tree
from registry.store.recovery_copy import copy_database

DATABASE_FILE, ARCHIVE_FOLDER, KEYS_FOLDER = "kezheng.db", "archive", "keys"
MANIFEST_FILE = "backup.json"
"""Written last: a folder without it holds no whole backup."""


class Backup(NamedTuple):
    """What was written: the size of the register in the copy of the database, and how many blocks are new."""

    folder: Path
    size: int
    new_blocks: int
    with_keys: bool


def back_up(home: Home, folder: Path, now: datetime, *, with_keys: bool) -> Backup:
    """Back a home up. Blocks that the folder has are not copied again.

    Raises KezhengError ``backup_needs_sqlite``, ``folder_not_empty`` for a folder with something else in it,
    ``store_damaged``, ``archive_unreachable``, ``keystore_permissions`` for a folder that others may read.
    """
    _make_folder(folder)
    copy_database(home.settings.database_url, folder / DATABASE_FILE)
    # After the database: the archive so goes at least as far as the copy.
    blocks = _copy_blocks(home, folder / ARCHIVE_FOLDER)
    for name in (SETTINGS_FILE, home.settings.pinned_root_file.name):
        if (home.settings.home / name).is_file():
            shutil.copy2(home.settings.home / name, folder / name)
    if with_keys:
        _copy_keys(home, folder / KEYS_FOLDER)
    made = Backup(folder, _size_of_copy(folder), blocks, with_keys)
    _write_manifest(made, now)
    return made


def backup_document(made: Backup) -> dict[str, Any]:
    """The result for ``--json``."""
    return {"folder": str(made.folder), "size": made.size, "new_blocks": made.new_blocks, "with_keys": made.with_keys}


def _make_folder(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST_FILE).exists():
        raise KezhengError("folder_not_empty", path=str(folder))
    make_private_folder(folder)


def _copy_keys(home: Home, target: Path) -> None:
    """The key files as they are, encrypted; never beside them what opens them."""
    opening = {passphrase_file(home.settings.home).name, pin_file(home.settings.home).name}
    shutil.copytree(
        home.settings.keys_folder, target, dirs_exist_ok=True, ignore=lambda _, names: opening.intersection(names)
    )


def _copy_blocks(home: Home, target: Path) -> int:
    """Copy the blocks that the target lacks, each after it was opened: a block never changes."""
    have = {(block.start, block.stop) for block in block_files(target)}
    new = [block for block in block_files(home.settings.archive_folder) if (block.start, block.stop) not in have]
    for block in new:
        write_block(target, block.start, block.stop, [_readable(home, block)])
    return len(new)


def _readable(home: Home, block: BlockFile) -> bytes:
    """What a block holds; one that was damaged on the disk is written again from the database first."""
    try:
        open_block(block.path.read_bytes(), home.keyring.cipher)
    except KezhengError as error:
        if error.code != "archive_damaged":
            raise
        with home.store.reading() as tx:
            home.archive.write_again(tx, range(block.start, block.stop))
    return block.path.read_bytes()


def _size_of_copy(folder: Path) -> int:
    """How far the register goes in the copy, read as a home would read it."""
    store = open_read_store(f"sqlite:///{folder / DATABASE_FILE}")
    try:
        with store.reading() as tx:
            return read_tree(tx).size
    finally:
        store.close()


def _write_manifest(made: Backup, now: datetime) -> None:
    content = {"made_at": format_instant(now), "size": made.size, "with_keys": made.with_keys}
    part = made.folder / f".{MANIFEST_FILE}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, made.folder / MANIFEST_FILE)
    sync_folder(made.folder)
