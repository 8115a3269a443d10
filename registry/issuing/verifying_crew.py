"""Processes of our own that verify beside the one that signs, and how they are asked.

They are started by the first large batch and end with this process, however it ends. One that dies costs its share of
the speed and nothing else: what it was asked is verified here.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import NamedTuple

import registry
from registry.issuing.verifying_process import Published, Question, answer_to, read_answer, verifier_of

# -I: no environment, no user's packages, no current folder; this program's own packages come first.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from registry.issuing.verifying_process import main; main()"
_PROGRAM_FOLDER = str(Path(registry.__file__).parent.parent)


class _Task(NamedTuple):
    published: Published
    question: Question
    done: Future[None]


class VerifyingCrew:
    """Several processes and one queue. ``is_complete`` until one of them dies."""

    def __init__(self, size: int) -> None:
        self.is_complete = True
        self.owner = os.getpid()
        self._waiting: SimpleQueue[_Task | None] = SimpleQueue()
        self._members = [_Member() for _ in range(size)]
        self._threads = [Thread(target=self._serve, args=(member,), daemon=True) for member in self._members]
        for thread in self._threads:
            thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether more waits than every process has to do next."""
        return self._waiting.qsize() >= len(self._members)

    @property
    def process_ids(self) -> list[int]:
        """The processes."""
        return [member.process.pid for member in self._members]

    def submit(self, published: Published, question: Question) -> Future[None]:
        """Have the next free process verify; the future fails as `Verifier.check` does."""
        done: Future[None] = Future()
        self._waiting.put(_Task(published, question, done))
        return done

    def close(self) -> None:
        """End the processes once they have answered what waits."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self, member: _Member) -> None:
        with member:
            while (task := self._waiting.get()) is not None:
                try:
                    read_answer(self._ask(member, task))
                except BaseException as error:  # whatever it is, it is raised where the answer is waited for
                    task.done.set_exception(error)
                else:
                    task.done.set_result(None)

    def _ask(self, member: _Member, task: _Task) -> bytes:
        try:
            return member.ask(task.published, task.question)
        except (EOFError, OSError):
            self.is_complete = False
            return answer_to(verifier_of(task.published), task.question)


class _Member:
    """One process with its socket, asked by one thread. It ends with the block."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-I", "-c", _START, _PROGRAM_FOLDER, str(theirs.fileno())]
            self.process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={}
            )
        self._connection = Connection(ours.detach())
        self._told: Published | None = None

    def ask(self, published: Published, question: Question) -> bytes:
        """The answer of the process. Raises EOFError or OSError when it is gone."""
        if self._told is not published:
            self._connection.send(published)
            self._told = published
        self._connection.send(question)
        return self._connection.recv_bytes()

    def __enter__(self) -> _Member:
        return self

    def __exit__(self, *_: object) -> None:
        # It ends when nobody can ask it any more.
        self._connection.close()
        self.process.wait()


_crew: VerifyingCrew | None = None
_making = Lock()


def verifying_crew() -> VerifyingCrew:
    """The crew of this process: one process for each core but the one that signs."""
    global _crew
    with _making:
        if _crew is not None and _crew.owner == os.getpid() and _crew.is_complete:
            return _crew
        _close_own(_crew)
        _crew = VerifyingCrew(max(1, (os.cpu_count() or 2) - 1))
        return _crew


@atexit.register
def end_crew() -> None:
    """End the processes of this process's crew; the next large batch starts others."""
    global _crew
    with _making:
        _close_own(_crew)
        _crew = None


def _close_own(crew: VerifyingCrew | None) -> None:
    # What a forked process finds here belongs to the one that it was forked from.
    if crew is not None and crew.owner == os.getpid():
        crew.close()
