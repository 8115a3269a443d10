"""Our own verifier over what was just logged: here for a few, in processes of their own for many.

A large batch spends half its time on being verified; beside the signing it then costs no time of its own. Each chunk is
verified under the checkpoint that was published for it, every certificate by its own proof, so that the cost does not
grow with the register.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, Protocol

from certs.evidence import Evidence
from certs.issuance import check_sealed
from certs.proven_log import open_proven_log
from certs.unavailable import Unavailable
from registry.home import Home, open_home
from registry.publishing.log_folder import read_log_file
from registry.settings import Settings
from registry.store.issuing_store import Logged

MANY = 3_000
"""From so many certificates on, starting a process costs less than it saves."""


class OwnCheck(Protocol):
    """Takes logged certificates; the future ends when our verifier has passed all, or with the first refusal."""

    def submit(self, chunk: Sequence[Logged], at: datetime) -> Future[None]:
        """Start verifying certificates from their final QR texts. Fails with ``own_verification_failed``."""


class Question(NamedTuple):
    """What a verifying process needs for one chunk: envelopes, where they stand, and the checkpoint over them."""

    envelopes: list[bytes]
    places: Mapping[bytes, tuple[int, ...]]
    checkpoint: bytes


class Verifier:
    """Verifies chunks under one trust list, with the log's files read from a folder."""

    def __init__(self, public_url: str, evidence: Evidence, log_folder: Path) -> None:
        self._public_url = public_url
        self._evidence = evidence
        self._log_folder = log_folder

    def check(self, question: Question, at: datetime) -> None:
        """Every envelope must pass. Raises KezhengError ``own_verification_failed``."""
        trust, places = self._evidence.trust, question.places
        assert not isinstance(trust, Unavailable)
        log = open_proven_log(question.checkpoint, self._read, lambda digest: places.get(digest, ()), trust)
        evidence = replace(self._evidence, log=log)
        for envelope in question.envelopes:
            check_sealed(envelope, self._public_url, evidence, at)

    def _read(self, path: str) -> bytes | None:
        return read_log_file(self._log_folder, path)


class HereCheck:
    """Verifies at once, in this process."""

    def __init__(self, home: Home, evidence: Evidence) -> None:
        self._home = home
        self._verifier = Verifier(home.settings.public_url, evidence, home.settings.log_folder)

    def submit(self, chunk: Sequence[Logged], at: datetime) -> Future[None]:
        """Verify now; a refusal is raised here."""
        self._verifier.check(_question(self._home, chunk), at)
        done: Future[None] = Future()
        done.set_result(None)
        return done


class PoolCheck:
    """Verifies in other processes, which read the same published files under the same root."""

    def __init__(self, home: Home, pool: ProcessPoolExecutor) -> None:
        self._home = home
        self._pool = pool

    def submit(self, chunk: Sequence[Logged], at: datetime) -> Future[None]:
        """Hand the certificates to the next free process."""
        return self._pool.submit(_check, _question(self._home, chunk), at)


@contextmanager
def own_check(home: Home, count: int, evidence: Evidence) -> Iterator[OwnCheck]:
    """The check for so many certificates."""
    if count < MANY:
        yield HereCheck(home, evidence)
        return
    processes = max(1, (os.cpu_count() or 2) - 1)
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_start, initargs=(home.settings,)
    ) as pool:
        yield PoolCheck(home, pool)


def _question(home: Home, chunk: Sequence[Logged]) -> Question:
    places = {sha256(logged.envelope).digest(): (logged.leaf_index,) for logged in chunk}
    return Question([logged.envelope for logged in chunk], places, home.checkpoint())


_process: Verifier | None = None


def _start(settings: Settings) -> None:
    """Read what is published. It is not handed over: who starts a process waits until everything for it was taken."""
    global _process
    with open_home(settings, {}) as home, home.store.reading() as tx:
        _process = Verifier(settings.public_url, home.evidence(tx), settings.log_folder)


def _check(question: Question, at: datetime) -> None:
    assert _process is not None
    _process.check(question, at)
