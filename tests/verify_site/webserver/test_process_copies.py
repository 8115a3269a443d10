"""Copies of a process: they share what was loaded, say together that they are ready, and end with it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from verify_site.webserver.lifeline import Lifeline
from verify_site.webserver.process_copies import ProcessCopies

CHILD = Path(__file__).with_name("copies_child.py")
ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30


class Running:
    """A process with copies, and this test's ends of its lifeline."""

    def __init__(self, folder: Path, size: int, deed: str, *, replaces: bool) -> None:
        self.folder = folder
        self.ready, told = os.pipe()
        life, self.life = os.pipe()
        lifeline = Lifeline(told, life, replaces)
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), str(folder), str(size), deed],
            env={**os.environ, "PYTHONPATH": str(ROOT), **lifeline.environ()},
            pass_fds=lifeline.descriptors(),
            stderr=subprocess.DEVNULL,
        )
        os.close(told)
        os.close(life)

    def hear(self) -> bytes:
        """What it says of being ready; nothing when it has ended."""
        assert select.select([self.ready], [], [], PATIENCE)[0]
        return os.read(self.ready, 1)

    def said(self) -> list[str]:
        return [path.read_text() for path in self.folder.iterdir()]

    def wait_for(self, said: list[str]) -> None:
        end = time.monotonic() + PATIENCE
        while self.said() != said:
            assert time.monotonic() < end, self.said()
            time.sleep(0.02)


@contextmanager
def running(folder: Path, size: int = 3, deed: str = "serve", *, replaces: bool = False) -> Iterator[Running]:
    found = Running(folder, size, deed, replaces=replaces)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        os.close(found.ready)
        os.close(found.life)


@pytest.mark.slow
def test_what_was_loaded_once_serves_all_of_them_but_no_random_number_twice(tmp_path: Path) -> None:
    with running(tmp_path, replaces=True) as copies:
        assert copies.hear() == b"1"
        told = [line.split() for line in copies.said()]
        assert [by for by, _, _ in told] == [str(copies.process.pid)] * 3
        assert len({number for _, number, _ in told}) == 3
        assert [replaces for _, _, replaces in told] == ["True"] * 3


@pytest.mark.slow
def test_who_replaces_others_is_not_ready_when_one_copy_fails(tmp_path: Path) -> None:
    with running(tmp_path, deed="fail", replaces=True) as copies:
        assert copies.hear() == b""
        assert copies.process.wait(timeout=PATIENCE) == 7


@pytest.mark.slow
def test_when_the_process_is_killed_its_copies_end(tmp_path: Path) -> None:
    with running(tmp_path) as copies:
        assert copies.hear() == b"1"
        copies.process.kill()
        copies.wait_for(["orphaned"] * 3)


@pytest.mark.slow
def test_when_the_group_above_has_gone_all_end(tmp_path: Path) -> None:
    with running(tmp_path, replaces=True) as copies:
        assert copies.hear() == b"1"
        pids = [int(path.name) for path in tmp_path.iterdir()]
        os.close(copies.life)
        assert copies.process.wait(timeout=PATIENCE) == 0
        copies.life = os.open(os.devnull, os.O_RDONLY)
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.slow
def test_a_wish_for_new_ones_is_for_the_group_above(tmp_path: Path) -> None:
    with running(tmp_path, replaces=True) as copies:
        assert copies.hear() == b"1"
        for path in tmp_path.iterdir():
            os.kill(int(path.name), signal.SIGHUP)
        copies.process.send_signal(signal.SIGHUP)
        os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)  # who is lost is started again: the fourth file
        end = time.monotonic() + PATIENCE
        while len(copies.said()) < 4:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert copies.process.poll() is None
        copies.process.terminate()
        assert copies.process.wait(timeout=PATIENCE) == 0
        assert len(copies.said()) == 4


def test_a_process_with_other_threads_is_not_copied() -> None:
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        with pytest.raises(RuntimeError):
            ProcessCopies(print, 1, Lifeline()).launch(Lifeline())
    finally:
        over.set()
        other.join()
