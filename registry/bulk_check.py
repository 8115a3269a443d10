"""Checking many certificates on all cores: lines go out in chunks, answers come back in their order.

Each process reads the published evidence, and opens the public side of the database where numbers are asked for. Never
more than a few chunks are on their way, so that memory does not grow with the list.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import orjson

from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.list_answer import ListAnswer, answer_asked, typed_numbers
from certs.list_sheet import Asked
from registry.settings import Settings
from registry.store.engine import PublicStore, open_public_store
from registry.store.public_reader import public_envelopes
from registry.verifying import evidence_of_folder, evidence_of_home

MANY = 2_000
"""From so many lines on, starting processes costs less than it saves."""
CHUNK = 500
_CHUNKS_FOR_EACH = 3
"""One is being answered, one waits, one is read."""


@dataclass(frozen=True, slots=True)
class BulkSource:
    """Where the evidence comes from: a home with its database, or a folder of published files under a root file."""

    settings: Settings
    folder: Path | None = None
    root_file: Path | None = None


class BulkCheck(Protocol):
    """Answers lines."""

    def answers(self, asked: Iterable[Asked], at: datetime) -> Iterator[ListAnswer]:
        """The answers in the order of the lines, judged for ``at``."""


class Checker:
    """Answers lines in this process."""

    def __init__(self, evidence: Evidence, store: PublicStore | None) -> None:
        """``store`` None: nothing is at hand but published files, and no number is found."""
        self._evidence = evidence
        self._store = store

    def answers(self, asked: Iterable[Asked], at: datetime) -> Iterator[ListAnswer]:
        """The answers in the order of the lines, judged for ``at``."""
        for chunk in _chunks(asked):
            yield from self.chunk(chunk, at)

    def chunk(self, asked: list[Asked], at: datetime) -> list[ListAnswer]:
        """The answers to a chunk: one look-up for all its numbers."""
        envelopes = self._envelopes(typed_numbers(asked))
        return [answer_asked(each, self._evidence, at, envelopes) for each in asked]

    def _envelopes(self, numbers: Sequence[str]) -> dict[str, bytes]:
        if self._store is None or not numbers:
            return {}
        with self._store.reading() as tx:
            return public_envelopes(tx, numbers)


class PoolCheck:
    """Answers lines in other processes."""

    def __init__(self, pool: ProcessPoolExecutor, processes: int) -> None:
        self._pool = pool
        self._most_waiting = processes * _CHUNKS_FOR_EACH

    def answers(self, asked: Iterable[Asked], at: datetime) -> Iterator[ListAnswer]:
        """The answers in the order of the lines. Raises KezhengError ``bulk_check_stopped`` when a process ended."""
        waiting: deque[Future[bytes]] = deque()
        try:
            for chunk in _chunks(asked):
                waiting.append(self._pool.submit(_answer_chunk, chunk, at))
                if len(waiting) >= self._most_waiting:
                    yield from _answers_of(waiting.popleft())
            while waiting:
                yield from _answers_of(waiting.popleft())
        except BrokenProcessPool as error:
            raise KezhengError("bulk_check_stopped") from error
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def bulk_check(source: BulkSource, count: int, processes: int | None = None) -> Iterator[BulkCheck]:
    """The check for so many lines. Raises KezhengError as `open_public_store`, `evidence_of_folder` do."""
    if count < MANY:
        with _opened(source) as checker:
            yield checker
        return
    used = processes or os.cpu_count() or 1
    with ProcessPoolExecutor(
        used, mp_context=get_context("spawn"), initializer=_start, initargs=(source,)
    ) as pool:
        yield PoolCheck(pool, used)


@contextmanager
def _opened(source: BulkSource) -> Iterator[Checker]:
    if source.folder is not None:
        yield Checker(evidence_of_folder(source.settings, source.folder, source.root_file), None)
        return
    settings = source.settings
    with closing(open_public_store(settings.public_database_url or settings.database_url)) as store:
        yield Checker(evidence_of_home(settings), store)


def _chunks(asked: Iterable[Asked]) -> Iterator[list[Asked]]:
    lines = iter(asked)
    while chunk := list(islice(lines, CHUNK)):
        yield chunk


def _answers_of(future: Future[bytes]) -> Iterator[ListAnswer]:
    return (ListAnswer(*fields) for fields in orjson.loads(future.result()))


_process: Checker | KezhengError | None = None
_held = ExitStack()


def _start(source: BulkSource) -> None:
    """Open what a process needs, which lives as long as the process. What is refused is said to whoever asks."""
    global _process
    try:
        _process = _held.enter_context(_opened(source))
    except KezhengError as error:
        _process = error


def _answer_chunk(asked: list[Asked], at: datetime) -> bytes:
    """The answers as JSON, which is put together and taken apart in a fraction of the time that objects need."""
    assert _process is not None
    if isinstance(_process, KezhengError):
        raise _process
    return orjson.dumps([list(answer) for answer in _process.chunk(asked, at)])
