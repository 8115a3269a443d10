"""Who is alive: each process that works at jobs holds a lease, which the system takes from it when it dies.

A lease is a lock: of a file where the register is one (flock, also lost by kill -9), of a database session where it is
a server. Who can take the lease of another knows that it is dead, and nobody else can take over from it meanwhile.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from certs.errors import KezhengError
from registry.store.session_lock import LockSession

CHECK_SECONDS = 1.0
"""How often a session is asked whether it lives; one that was lost is replaced."""
_LOGGER = logging.getLogger(__name__)


def new_executor_id() -> str:
    """A name that no process ever had: machine, process and chance."""
    machine = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40]
    return f"{machine}.{os.getpid()}.{secrets.token_hex(6)}"


class Leases(ABC):
    """The leases of all processes that share one register."""

    @abstractmethod
    @contextmanager
    def held(self, executor: str) -> Iterator[None]:
        """Hold the lease of this process for the time of a block. To be taken before any job is."""
        yield

    @abstractmethod
    @contextmanager
    def of_dead(self, executor: str) -> Iterator[bool]:
        """Whether a process is dead. While it is, nobody else finds it so until the end of the block."""
        yield False


class FileLeases(Leases):
    """Leases as locked files in a folder, for processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, executor: str) -> Iterator[None]:
        """Hold the lease; the file is gone afterwards."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(executor) as is_mine:
            assert is_mine, "an executor id is used once"
            try:
                yield
            finally:
                self._path(executor).unlink(missing_ok=True)

    @contextmanager
    def of_dead(self, executor: str) -> Iterator[bool]:
        """Whether its file is locked by nobody."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(executor) as is_dead:
            yield is_dead
            if is_dead:
                self._path(executor).unlink(missing_ok=True)

    def _path(self, executor: str) -> Path:
        return self._folder / f"{executor}.lease"

    @contextmanager
    def _locked(self, executor: str) -> Iterator[bool]:
        # Closed on exec: a program that this process starts does not keep it alive.
        descriptor = os.open(self._path(executor), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _lock(descriptor)
        finally:
            os.close(descriptor)


class SessionLeases(Leases):
    """Leases as locks of database sessions, for processes of any machine."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def held(self, executor: str) -> Iterator[None]:
        """Hold the lease in a session of its own, taken anew when the server was lost."""
        session = LockSession(self._url)
        assert session.try_lock(_lock_name(executor)), "an executor id is used once"
        ended = Event()
        keeper = Thread(target=self._keep, args=(session, executor, ended), name="job lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            keeper.join()

    @contextmanager
    def of_dead(self, executor: str) -> Iterator[bool]:
        """Whether no session holds its lock."""
        session = LockSession(self._url)
        try:
            yield session.try_lock(_lock_name(executor))
        finally:
            _release(session, executor)

    def _keep(self, session: LockSession | None, executor: str, ended: Event) -> None:
        while not ended.wait(CHECK_SECONDS):
            session = self._kept(session, executor)
        if session is not None:
            _release(session, executor)

    def _kept(self, session: LockSession | None, executor: str) -> LockSession | None:
        """The session while it lives, another one with the lock when it was lost, None while none can be had."""
        try:
            if session is not None:
                session.check()
                return session
            return self._taken_again(executor)
        except KezhengError as error:
            _LOGGER.warning("job lease lost: %s", error)
            if session is not None:
                session.close()
            return None

    def _taken_again(self, executor: str) -> LockSession | None:
        session = LockSession(self._url)
        # Not while another process looks, or until the server has noticed that the old session is gone.
        if session.try_lock(_lock_name(executor)):
            return session
        session.close()
        return None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _release(session: LockSession, executor: str) -> None:
    """Give the lock back before the session ends: its end is noticed by the server a moment later only."""
    # Without the server the lock is gone already.
    with suppress(KezhengError):
        session.unlock(_lock_name(executor))
    session.close()


def _lock_name(executor: str) -> str:
    return f"kezheng job executor {executor}"
