"""All places of a log by what its entries are about: segments that were kept earlier, and what was read since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from certs.subject_segment import (
    Segment,
    in_pages,
    key_of,
    merged,
    record_of,
    segment_in_memory,
    segments_to_merge,
)

RECENT = 65_536
"""So many entries are sorted at a time; a dictionary of more would need twenty times the memory."""

Placed = tuple[int, int]
"""What a record keeps of a subject, and the place of its entry."""


class _Held(NamedTuple):
    segments: tuple[Segment, ...]
    recent_from: int
    recent: dict[int, list[int]]


class SubjectPlaces:
    """Where entries stand. It may be asked from other threads while it grows."""

    def __init__(self, kept: Sequence[Segment] = (), size: int = 0) -> None:
        """``kept`` covers at least the first ``size`` entries; whatever it says of later ones is not used."""
        self._kept = tuple(kept)
        self._kept_size = size
        self._knows_more = bool(kept) and kept[-1].stop > size
        self._held = _Held((), size, {})

    def add(self, placed: Iterable[Placed], stop: int) -> None:
        """The entries up to ``stop``, after those that are known."""
        recent = self._held.recent
        for key, place in placed:
            recent.setdefault(key, []).append(place)
        self._sort_if_many(stop)

    def append(self, later: SubjectPlaces, stop: int) -> None:
        """All of ``later``, which begins where this ends and ends at ``stop``."""
        held, more = self._held, later._held
        if not more.segments:
            self.add(((key, place) for key, found in more.recent.items() for place in found), stop)
            return
        segments = [*held.segments, *self._sorted(more.segments[0].start), *more.segments]
        self._held = _Held(tuple(segments), more.recent_from, more.recent)

    def find(self, subject: bytes, size: int) -> list[int]:
        """Places below ``size`` of entries whose subject begins like this one, in order: to be compared.

        Raises KezhengError ``log_cache_damaged``.
        """
        key, held, places = key_of(subject), self._held, list[int]()
        for segment in self._kept:
            places += segment.places(key)
        if self._knows_more:
            places = [place for place in places if place < self._kept_size]
        for segment in held.segments:
            places += segment.places(key)
        places += held.recent.get(key, ())
        return [place for place in places if place < size]

    def _sort_if_many(self, stop: int) -> None:
        """Put what came last into a segment; readers see the one or the other."""
        held = self._held
        if stop - held.recent_from < RECENT:
            return
        segments = [*held.segments, *self._sorted(stop)]
        first = segments_to_merge([each.stop - each.start for each in segments])
        if first < len(segments) - 1:
            start = segments[first].start
            segments[first:] = [segment_in_memory(start, stop, in_pages(merged(segments[first:])))]
        self._held = _Held(tuple(segments), stop, {})

    def _sorted(self, stop: int) -> list[Segment]:
        """What came last as a segment, where there is any."""
        start = self._held.recent_from
        records = sorted(record_of(key, place - start) for key, found in self._held.recent.items() for place in found)
        return [segment_in_memory(start, stop, in_pages([records]))] if stop > start else []
