"""Counters of several processes as one: each writes its own file into a folder they share, whoever is asked adds up.

A process writes its counts about once a second and whenever it is asked for the sum, and the sum is made of what is
written alone: so a total never goes back, whichever process answers. What a process has counted stays when it has
gone: the next one that is asked adds it to the past. A process lives as long as it holds the lock of its file; one
that is killed loses what it counted since it last wrote.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

Sample = tuple[str, ...]
"""The name of a metric and the values of its labels."""
_PAST = "past.json"


class Shared(NamedTuple):
    """The counts of all processes there have been, and of each living one its gauges with the time they are of."""

    counts: Mapping[Sample, float]
    gauges: list[tuple[float, Mapping[Sample, float]]]


class CountsOfProcesses:
    """This process's place in a folder of counts. The folder is on this machine and lasts as long as the site."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = 0
        self._name = ""
        self._held: int | None = None

    def leave(self) -> None:
        """Count among those that have gone, as when the process ends."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _take_place(self) -> None:
        """A name and a lock of one's own, with the first counts: a process that was forked since takes another one."""
        if self._process == os.getpid():
            return
        self.leave()
        self._process = os.getpid()
        self._name = f"{self._process}-{secrets.token_hex(4)}"
        self._held = os.open(self._folder / f"{self._name}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def write(self, counts: Mapping[Sample, float], gauges: Mapping[Sample, float], at: float) -> None:
        """Make this process's counts and gauges known; ``at`` is a time that all processes share, in seconds."""
        self._take_place()
        members = {"at": at, "gauges": _rows(gauges), "counts": _rows(counts)}
        _replace(self._folder / f"{self._name}.json", orjson.dumps(members))

    def read(self) -> Shared:
        """What all processes have written."""
        with self._alone():
            past = self._with_the_dead(_read(self._folder / _PAST))
            living = [_read(path) for path in self._files() if path.stem not in past.get("names", ())]
        counts: Counter[Sample] = Counter()
        for found in (past, *living):
            counts.update(_samples(found.get("counts", ())))
        return Shared(counts, [(found["at"], _samples(found["gauges"])) for found in living if found])

    def _with_the_dead(self, past: dict[str, Any]) -> dict[str, Any]:
        """The past with whoever has gone since; first it names them, then their files go, so none counts twice."""
        dead = [path for path in self._files() if path.stem != self._name and not _is_held(path.with_suffix(".lock"))]
        counts = Counter(_samples(past.get("counts", ())))
        names = set(past.get("names", ()))
        for path in dead:
            if path.stem not in names:
                counts.update(_samples(_read(path).get("counts", ())))
        if not dead:
            return past
        now_past = {"names": sorted(names | {path.stem for path in dead}), "counts": _rows(counts)}
        _replace(self._folder / _PAST, orjson.dumps(now_past))
        for path in dead:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
        return now_past

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*.json") if path.name != _PAST)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _rows(counts: Mapping[Sample, float]) -> list[tuple[str | float, ...]]:
    return [(*sample, count) for sample, count in counts.items()]


def _samples(rows: Iterable[list[Any]]) -> dict[Sample, Any]:
    return {tuple(sample): value for *sample, value in rows}


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _replace(path: Path, content: bytes) -> None:
    """Readers meet the old content or the new one, never a part."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as part:
        part.write(content)
    os.replace(part.name, path)


def _is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
