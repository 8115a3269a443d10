"""Killing a process at its n-th write, without anything in the program that knows of it.

A child process is forked, listens to its own database engine and ends itself by SIGKILL: before a statement that
writes, before a commit, or at the beginning of the transaction after it. What the program had in memory is gone.
Where files count, it also dies before and after each call that changes a folder or brings one to the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import Engine, event

FINISHED, FAILED = 0, 9
_WRITES = ("INSERT", "UPDATE", "DELETE")
_FILE_CALLS = ((os, "replace"), (os, "fsync"), (os, "mkdir"), (shutil, "rmtree"))


def killed_at(point: int, work: Callable[[], object], *, files: bool = False, writes: bool = True) -> bool:
    """Do work in a child that dies at its n-th point (from 1); whether it died. Raises when the work failed.

    Without ``writes`` it dies only where transactions begin and end: inside of one, nothing is to be seen of it yet.
    """
    child = os.fork()
    if child == 0:
        _run_and_die(point, work, files, writes)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status) != FINISHED:
        raise AssertionError("the work failed in the child")
    return False


def in_child(work: Callable[[], object]) -> int:
    """Do work in a child that runs beside this process; its process id."""
    child = os.fork()
    if child == 0:
        _run(work)
    return child


def exit_code(child: int) -> int:
    """Wait for a child."""
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _run_and_die(point: int, work: Callable[[], object], files: bool, writes: bool) -> None:
    left = point

    def step(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(_WRITES):
            step()

    if writes:
        event.listen(Engine, "before_cursor_execute", write)
        # PostgreSQL's COPY goes past the engine.
        setattr(psycopg.Cursor, "copy", _between(step, psycopg.Cursor.copy))  # noqa: B010
    event.listen(Engine, "commit", step)
    event.listen(Engine, "begin", step)
    if files:
        for module, name in _FILE_CALLS:
            setattr(module, name, _between(step, getattr(module, name)))
    _run(work)


def _between(step: Callable[[], None], call: Callable[..., object]) -> Callable[..., object]:
    """The same call with a point before and after it."""

    def counted(*given: Any, **named: Any) -> object:
        step()
        result = call(*given, **named)
        step()
        return result

    return counted


def _run(work: Callable[[], object]) -> None:
    # A fork of the test process: it must not come back to it, whatever happens.
    code = FAILED
    try:
        work()
        code = FINISHED
    finally:
        os._exit(code)
