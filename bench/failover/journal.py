"""What a clerk at a machine has begun and was told: lines of JSON, each on the disk before the next thing is done.

Whatever stands here as issued or revoked was acknowledged, so it must be found again whatever happened since.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

BEGUN, ISSUED, REVOKING, REVOKED, REFUSED = "begun", "issued", "revoking", "revoked", "refused"


class Acknowledged(NamedTuple):
    """A write that a clerk was told is done: begun and told at seconds of the clock, at a machine."""

    machine: str
    begun: float
    at: float


class Certificate(NamedTuple):
    """An acknowledged certificate, as the clerk holds it."""

    number: str
    qr: str
    issued_at: float
    machine: str


@dataclass(slots=True)
class Told:
    """Everything that the journals of all clerks say."""

    certificates: list[Certificate] = field(default_factory=list)
    revoked: dict[str, float] = field(default_factory=dict)
    being_revoked: dict[str, float] = field(default_factory=dict)
    writes: list[Acknowledged] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[float, str]] = field(default_factory=list)

    def take(self, machine: str, entry: Mapping[str, Any]) -> None:
        """Take in one line of a machine's journal."""
        kind, at = entry["kind"], entry["at"]
        if kind == ISSUED:
            self.writes.append(Acknowledged(machine, entry["begun"], at))
            self.certificates += [Certificate(number, qr, at, machine) for number, qr in entry["certificates"]]
        elif kind == REVOKED:
            self.writes.append(Acknowledged(machine, entry["begun"], at))
            self.revoked[entry["number"]] = at
        elif kind == REVOKING:
            self.being_revoked[entry["number"]] = at
        elif kind == REFUSED:
            self.refusals[entry["code"]] += 1
            self.refused.append((at, entry["code"]))


class Journal:
    """A journal that is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, kind: str, at: float, **details: Any) -> None:
        """Add a line; when this returns it lies on the disk."""
        with self._path.open("ab") as file:
            file.write(orjson.dumps({"kind": kind, "at": at, **details}) + b"\n")
            file.flush()
            os.fsync(file.fileno())


class Reader:
    """A journal that is being read while it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """The lines that were finished since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield orjson.loads(line)


def unfinished(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What was begun last and not told done, for a clerk who begins again after a crash."""
    last: dict[str, Any] | None = None
    for entry in entries:
        if entry["kind"] == BEGUN:
            last = dict(entry)
        elif entry["kind"] == ISSUED:
            last = None
    return last


def read_all(journals: Mapping[str, Path]) -> Told:
    """What the journals of all machines say."""
    told = Told()
    for machine, path in journals.items():
        for entry in Reader(path).new():
            told.take(machine, entry)
    return told
