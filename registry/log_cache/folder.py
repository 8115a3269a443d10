"""A folder of our own: files are written whole or grow at their end, for the owner alone, one writer at a time."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from certs.errors import KezhengError

_FILE_MODE, _FOLDER_MODE, _OTHERS = 0o600, 0o700, 0o077
_LOCK = "lock"
_LOOK_SECONDS = 0.05
SILENCE_SECONDS = 10.0
"""So long a writer may give no sign before others stop waiting for it."""


class CacheFolder:
    """Files by name. Any method may raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the folder. Raises KezhengError ``log_cache_not_private`` when others have any right to it."""
        self.path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        self.require_private()

    def require_private(self) -> None:
        """Raises KezhengError ``log_cache_not_private``: what others can write is not our own memory."""
        found = self.path.stat()
        if found.st_mode & _OTHERS or found.st_uid != os.geteuid():
            raise KezhengError("log_cache_not_private", path=str(self.path))

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Whether the folder is ours to write in; not when another writer holds it and gives no sign any more."""
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            yield _lock_in_time(descriptor)
        finally:
            os.close(descriptor)

    def give_sign(self) -> None:
        """Show those who wait that work goes on."""
        os.utime(self.path / _LOCK)

    def write_whole(self, name: str, parts: Iterable[bytes]) -> None:
        """Write a file that appears under its name once all of it is on the disk."""
        part = self.path / f"{name}.part"
        with self.open_growing(part.name, 0) as file:
            for content in parts:
                file.write(content)
            file.sync()
        os.replace(part, self.path / name)
        self._sync()

    @contextmanager
    def open_growing(self, name: str, length: int) -> Iterator[GrowingFile]:
        """A file to be written on from a length on; what stands behind is a rest of an earlier attempt."""
        descriptor = os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            os.ftruncate(descriptor, length)
            os.lseek(descriptor, length, os.SEEK_SET)
            yield GrowingFile(descriptor)
        finally:
            os.close(descriptor)

    def read(self, name: str, length: int | None = None) -> bytes:
        """A file, or its first bytes."""
        with (self.path / name).open("rb") as file:
            return file.read(-1 if length is None else length)

    def map(self, name: str) -> memoryview:
        """A file as if it lay in memory; the system reads the pages that are looked at, for all processes once."""
        with (self.path / name).open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return memoryview(b"")
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapped.madvise(mmap.MADV_RANDOM)
        return memoryview(mapped)

    def open_reading(self, name: str) -> int:
        """A descriptor for reading at places; who asks closes it."""
        return os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC)

    def marker(self, name: str) -> tuple[int, int, int] | None:
        """Another value when a file that is written whole was replaced; None when there is none."""
        try:
            found = os.stat(self.path / name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove every other file; who has one open or mapped goes on with it."""
        kept = {_LOCK, *names}
        for path in self.path.iterdir():
            if path.name not in kept:
                self.remove(path.name)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            (self.path / name).unlink()

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class GrowingFile:
    """The end of a file that is being written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, content: bytes) -> None:
        """Write all of it."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def sync(self) -> None:
        """Bring it to the disk."""
        os.fsync(self._descriptor)


def _lock_in_time(descriptor: int) -> bool:
    waits_since = time.monotonic()
    sign = os.fstat(descriptor).st_mtime_ns
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        newest = os.fstat(descriptor).st_mtime_ns
        if newest != sign:
            sign, waits_since = newest, time.monotonic()
        if time.monotonic() - waits_since > SILENCE_SECONDS:
            return False
        time.sleep(_LOOK_SECONDS)
