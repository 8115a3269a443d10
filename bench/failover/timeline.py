"""When writes were acknowledged and scans answered, held against what was done to the machines, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.failover.journal import Acknowledged
from bench.failover.scanning import RIGHT


class Event(NamedTuple):
    """Something that was done to the machines at a second of the clock, and until when its effect is looked at."""

    name: str
    done: str
    at: float
    until: float


class Scan(NamedTuple):
    """One scan: asked when, answered after how many seconds, with what."""

    at: float
    seconds: float
    outcome: str

    @property
    def answered_at(self) -> float:
        """When the answer was there."""
        return self.at + self.seconds


class Effect(NamedTuple):
    """What an event did. ``pause``: the longest time without an acknowledged write; ``gap``: without a right answer."""

    event: Event
    writes: int
    pause: float
    refusals: int
    scans: int
    failures: Counter[str]
    gap: float
    slowest: float
    p99: float


def effect_of(
    event: Event, writes: Sequence[Acknowledged], refused: Sequence[tuple[float, str]], scans: Sequence[Scan]
) -> Effect:
    """What happened between an event and the end of its time."""
    told = [write.at for write in writes if event.at <= write.at <= event.until]
    asked = [scan for scan in scans if event.at <= scan.at <= event.until]
    right = [scan.answered_at for scan in asked if scan.outcome == RIGHT]
    seconds = sorted(scan.seconds for scan in asked)
    return Effect(
        event=event,
        writes=len(told),
        pause=longest_pause(told, event.at, event.until),
        refusals=sum(event.at <= at <= event.until for at, _ in refused),
        scans=len(asked),
        failures=Counter(scan.outcome for scan in asked if scan.outcome != RIGHT),
        gap=longest_pause(right, event.at, event.until),
        slowest=seconds[-1] if seconds else 0.0,
        p99=seconds[int(len(seconds) * 0.99)] if seconds else 0.0,
    )


def longest_pause(moments: Iterable[float], start: float, end: float) -> float:
    """The longest time without a moment between start and end, which count as moments themselves."""
    inside = sorted(moment for moment in moments if start <= moment <= end)
    known = [start, *inside, end]
    return max(later - earlier for earlier, later in pairwise(known))


def read_scans(path: Path) -> list[Scan]:
    """The scans in a file; a last line that was cut short is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [Scan(*orjson.loads(line)) for line in lines]


def effect_document(effect: Effect) -> dict[str, Any]:
    """An effect as JSON, in seconds."""
    return {
        "name": effect.event.name,
        "done": effect.event.done,
        "seconds": round(effect.event.until - effect.event.at, 1),
        "writes": effect.writes,
        "longest_pause_of_writes": round(effect.pause, 2),
        "refusals": effect.refusals,
        "scans": effect.scans,
        "scans_failed": dict(effect.failures),
        "longest_gap_of_scans": round(effect.gap, 2),
        "scan_p99": round(effect.p99, 3),
        "slowest_scan": round(effect.slowest, 2),
    }
