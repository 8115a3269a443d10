"""Our own verifier over what was just sealed: here for a few, in processes of their own for many.

A large batch spends half its time on being verified; beside the signing it then costs no time of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from typing import Protocol

from certs.evidence import Evidence, gather_evidence
from certs.issuance import check_sealed
from certs.trust_list import RootKey

MANY = 3_000
"""From so many certificates on, starting a process costs less than it saves."""


class OwnCheck(Protocol):
    """Takes envelopes; the future ends when our verifier has passed all, or with the refusal of the first."""

    def submit(self, envelopes: Sequence[bytes], at: datetime) -> Future[None]:
        """Start verifying envelopes from their final QR texts. Fails with ``own_verification_failed``."""


class HereCheck:
    """Verifies at once, in this process."""

    def __init__(self, public_url: str, evidence: Evidence) -> None:
        self._public_url = public_url
        self._evidence = evidence

    def submit(self, envelopes: Sequence[bytes], at: datetime) -> Future[None]:
        """Verify now; a refusal is raised here."""
        check_all(envelopes, self._public_url, self._evidence, at)
        done: Future[None] = Future()
        done.set_result(None)
        return done


class PoolCheck:
    """Verifies in other processes, which read the same published files under the same root."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def submit(self, envelopes: Sequence[bytes], at: datetime) -> Future[None]:
        """Hand the envelopes to the next free process."""
        return self._pool.submit(_check, list(envelopes), at)


@contextmanager
def own_check(
    count: int, public_url: str, evidence: Evidence, files: Mapping[str, bytes], root: RootKey
) -> Iterator[OwnCheck]:
    """The check for so many certificates; ``files`` are those that ``evidence`` was gathered from."""
    if count < MANY:
        yield HereCheck(public_url, evidence)
        return
    processes = max(1, (os.cpu_count() or 2) - 1)
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_start, initargs=(public_url, dict(files), root)
    ) as pool:
        yield PoolCheck(pool)


def check_all(envelopes: Sequence[bytes], public_url: str, evidence: Evidence, at: datetime) -> None:
    """Every envelope must pass. Raises KezhengError ``own_verification_failed``."""
    for envelope in envelopes:
        check_sealed(envelope, public_url, evidence, at)


_process: HereCheck | None = None


def _start(public_url: str, files: dict[str, bytes], root: RootKey) -> None:
    global _process
    _process = HereCheck(public_url, gather_evidence(files, root))


def _check(envelopes: list[bytes], at: datetime) -> None:
    assert _process is not None
    _process.submit(envelopes, at)
