"""Checking many certificates on all cores: lines go out in chunks, answers come back in their order.

Never more than a few chunks are on their way, so that memory does not grow with the list.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from itertools import islice
from queue import SimpleQueue
from typing import Protocol

from certs.list_answer import ListAnswer
from certs.list_sheet import Asked
from registry.checking_process import CheckingProcess
from registry.line_checker import BulkSource, opened

MANY = 2_000
"""From so many lines on, starting processes costs less than it saves."""
CHUNK = 500
_CHUNKS_FOR_EACH = 3
"""One is being answered, one waits, one is read."""


class AnswersLines(Protocol):
    """Something that answers a chunk of lines: a process, or what does the same here."""

    def answers(self, asked: Sequence[Asked], at: datetime) -> list[ListAnswer]:
        """The answers to some lines, judged for ``at``."""


class BulkCheck:
    """Answers lists by those who answer chunks of them; each is asked one thing at a time, by a thread."""

    def __init__(self, checkers: Sequence[AnswersLines], threads: Executor) -> None:
        self._idle: SimpleQueue[AnswersLines] = SimpleQueue()
        self._most_waiting = len(checkers) * _CHUNKS_FOR_EACH
        self._threads = threads
        for checker in checkers:
            self._idle.put(checker)

    def answers(self, asked: Iterable[Asked], at: datetime) -> Iterator[ListAnswer]:
        """The answers in the order of the lines. Raises KezhengError as those who are asked do."""
        waiting: deque[Future[list[ListAnswer]]] = deque()
        try:
            for chunk in _chunks(asked):
                waiting.append(self._threads.submit(self._ask, chunk, at))
                if len(waiting) >= self._most_waiting:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _ask(self, chunk: list[Asked], at: datetime) -> list[ListAnswer]:
        checker = self._idle.get()
        try:
            return checker.answers(chunk, at)
        finally:
            self._idle.put(checker)


@contextmanager
def bulk_check(source: BulkSource, count: int, processes: int | None = None) -> Iterator[BulkCheck]:
    """The check for so many lines: here for a few, else in processes, by default one for each core.

    Raises KezhengError as `registry.line_checker.opened` does, for many with the first answer.
    """
    with ExitStack() as held:
        number = 1 if count < MANY else processes or os.cpu_count() or 1
        checkers: list[AnswersLines]
        if count < MANY:
            checkers = [held.enter_context(opened(source))]
        else:
            checkers = [held.enter_context(closing(CheckingProcess(source))) for _ in range(number)]
        yield BulkCheck(checkers, held.enter_context(ThreadPoolExecutor(number)))


def _chunks(asked: Iterable[Asked]) -> Iterator[list[Asked]]:
    lines = iter(asked)
    while chunk := list(islice(lines, CHUNK)):
        yield chunk
