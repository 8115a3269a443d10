"""Killed at every write of the database and of the folder: what is published stays whole, the next command goes on."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from log_desk import NOW, PublishedLog, bodies, open_desk, read_published, use_desk
from register_crash import killed_at

from certs.log_entry import read_entry

MOST_POINTS = 400
# Before the crash, in the command that is killed: a first publication, partial tiles, tiles that become full.
STARTS = [(0, 3), (250, 4), (250, 300), (511, 1)]


def start_from(empty_register: Path, folder: Path, count: int) -> str:
    folder.mkdir()
    url = f"sqlite:///{shutil.copy(empty_register, folder / 'register.db')}"
    if count:
        use_desk(url, folder / "log", count)
    return url


def readable(url: str, folder: Path) -> PublishedLog | None:
    """The published log, which must be whole whenever there is a checkpoint, and be what the database continues."""
    with closing((desk := open_desk(url, folder)).store):
        if not (folder / "checkpoint").exists():
            return None
        published, tree = read_published(folder, desk.signers), desk.tree()
        assert published.size <= tree.size
        assert published.size < tree.size or published.root == tree.root
    return published


def signed_roots(url: str, folder: Path) -> list[set[bytes]]:
    """The roots that were ever signed, of each size."""
    desk = open_desk(url, folder)
    desk.store.close()
    by_size: dict[int, set[bytes]] = {}
    for made in desk.signer.signed():
        by_size.setdefault(made.size, set()).add(made.root)
    return list(by_size.values())


@pytest.mark.parametrize(("before", "count"), STARTS)
def test_killed_anywhere(empty_register: Path, tmp_path: Path, before: int, count: int) -> None:
    for point in range(1, MOST_POINTS):
        home = tmp_path / str(point)
        url, folder = start_from(empty_register, home, before), home / "log"
        died = killed_at(point, partial(use_desk, url, folder, count), files=True)
        left = readable(url, folder)
        assert left is None or left.size in (before, before + count)
        assert left is not None or before == 0
        use_desk(url, folder, 7, NOW + timedelta(seconds=1))
        finished = readable(url, folder)
        assert finished is not None
        assert finished.size in ({before + count + 7} if not died else {before + 7, before + count + 7})
        assert [read_entry(e).body for e in finished.entries] == [b.body for b in bodies(0, finished.size)]
        assert all(len(roots) == 1 for roots in signed_roots(url, folder))
        assert {path.name for path in home.iterdir()} <= KNOWN_FILES
        shutil.rmtree(home)
        if not died:
            assert point > 20
            return
    pytest.fail("the command never came to its end")


KNOWN_FILES = {"register.db", "register.db-wal", "register.db-shm", "log", "log.lock", "log.part", "signed.txt"}
