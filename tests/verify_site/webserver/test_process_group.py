"""Groups of processes: kept at their number, replaced without a pause, ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("group_child.py")
ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30
pytestmark = pytest.mark.slow


class Group:
    """A running group and what its processes have written."""

    def __init__(self, folder: Path, deed: str, size: int) -> None:
        self.folder = folder
        program = [sys.executable, str(CHILD), str(folder), deed]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "verify_site.webserver.run", "--workers", str(size), *program],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def states(self) -> list[str]:
        """What became of each process, in the order of their starts."""
        return [path.read_text() for path in sorted(self.folder.iterdir())]

    def pids(self, state: str) -> list[int]:
        return [int(path.name.partition("-")[2]) for path in sorted(self.folder.iterdir()) if path.read_text() == state]

    def wait_for(self, condition: Callable[[list[str]], bool]) -> list[str]:
        end = time.monotonic() + PATIENCE
        while not condition(self.states()):
            assert time.monotonic() < end, self.states()
            time.sleep(0.02)
        return self.states()

    def end(self) -> tuple[int, str]:
        """Ask it to end; its status and what it said."""
        self.process.terminate()
        return self.process.wait(timeout=PATIENCE), self.said()

    def said(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Group]]:
    started: list[Group] = []

    def begin(deed: str = "serve", size: int = 2) -> Group:
        started.append(Group(tmp_path, deed, size))
        return started[-1]

    yield begin
    for group in started:
        group.process.kill()
        group.process.wait()
        assert group.process.stderr is not None
        group.process.stderr.close()


Start = Callable[..., Group]


def test_all_end_together(start: Start) -> None:
    group = start()
    group.wait_for(lambda states: states == ["ready"] * 2)
    assert group.end() == (0, "")
    assert group.states() == ["left"] * 2


def test_new_ones_are_ready_before_the_old_ones_are_sent_away(start: Start) -> None:
    group = start()
    group.wait_for(lambda states: states == ["ready"] * 2)
    group.process.send_signal(signal.SIGHUP)
    seen = set()
    end = time.monotonic() + PATIENCE
    while group.states() != ["left", "left", "ready", "ready"]:
        assert time.monotonic() < end, group.states()
        seen.add(min(4, group.states().count("ready")))
    assert min(seen) >= 2
    assert group.end()[0] == 0
    assert group.states() == ["left"] * 4


def test_a_second_wish_while_the_first_is_under_way_is_granted_after_it(start: Start) -> None:
    group = start(size=1)
    group.wait_for(lambda states: states == ["ready"])
    group.process.send_signal(signal.SIGHUP)
    group.wait_for(lambda states: len(states) == 2)
    group.process.send_signal(signal.SIGHUP)
    group.wait_for(lambda states: states == ["left", "left", "ready"])
    assert group.end()[0] == 0


def test_when_a_new_one_cannot_begin_the_old_ones_stay(start: Start) -> None:
    group = start("fail-when-replacing")
    group.wait_for(lambda states: states == ["ready"] * 2)
    group.process.send_signal(signal.SIGHUP)
    assert group.process.stderr is not None
    assert group.process.stderr.readline().endswith("the old ones stay\n")
    assert group.states()[:2] == ["ready"] * 2
    assert group.end()[0] == 0
    assert group.states()[:2] == ["left"] * 2


def test_a_process_that_was_killed_is_started_again(start: Start) -> None:
    group = start()
    group.wait_for(lambda states: states == ["ready"] * 2)
    os.kill(group.pids("ready")[0], signal.SIGKILL)
    group.wait_for(lambda states: states == ["ready"] * 3)
    status, said = group.end()
    assert (status, "ended with -9" in said) == (0, True)
    assert group.states() == ["ready", "left", "left"]


def test_a_process_that_keeps_ending_is_started_later_and_later(start: Start) -> None:
    begun = time.monotonic()
    group = start("fail-later", size=1)
    group.wait_for(lambda states: states == ["failed", "failed", "failed", "ready"])
    assert time.monotonic() - begun >= 0.5 + 1.0 + 2.0
    assert group.end()[0] == 0


def test_a_program_that_never_becomes_ready_ends_the_group_with_its_status(start: Start) -> None:
    group = start("fail")
    assert group.process.wait(timeout=PATIENCE) == 7
    assert set(group.states()) <= {"failed", "started"}


def test_who_is_left_without_its_group_ends(start: Start) -> None:
    group = start()
    group.wait_for(lambda states: states == ["ready"] * 2)
    group.process.kill()
    group.wait_for(lambda states: states == ["orphaned"] * 2)


def test_the_group_ends_before_any_process_is_ready(start: Start) -> None:
    group = start("stay-silent")
    group.wait_for(lambda states: states == ["started"] * 2)
    assert group.end()[0] == 0
    assert group.states() == ["left"] * 2
