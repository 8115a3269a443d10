"""Where in a log the entries about a digest stand: sorted records of eight bytes, searched without being read in.

A record is the first four bytes of the subject and the entry's place in its segment. They lie in pages, each with its
first record and a checksum, so that a page is checked whenever an answer rests on it, also the answer "none". Numbers
are in the byte order of the machine: a segment is looked at where it was made.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from struct import pack
from typing import NamedTuple
from zlib import crc32

from certs.errors import KezhengError

PAGE = 64
"""Records in a page, but for the last."""
CHECK_LENGTH = 8
"""A page's CRC-32, as a uint64 like everything else: against damage, which does not choose what it writes."""
RECORD_LENGTH = 8
MOST_ENTRIES = 1 << 32
_KEY_LENGTH = 4
_PLACE = (1 << 32) - 1
_PAGES_AT_ONCE = 64
_NEAR = 128


class Segment(NamedTuple):
    """The records of the entries from one place of a log up to another.

    All three are views of uint64: ``records`` and ``fences`` sorted, ``checks`` the checksums of the pages.
    """

    start: int
    stop: int
    records: memoryview
    fences: memoryview
    checks: memoryview

    def places(self, key: int) -> list[int]:
        """The places in the log of the entries whose subject begins with a key, in order.

        Raises KezhengError ``log_cache_damaged``.
        """
        low, fences, found = key << 32, self.fences, list[int]()
        high = low | _PLACE
        page = self._last_page(high)
        while page >= 0:
            records = self.page(page)
            at, here = bisect_left(records, low), list[int]()
            while at < len(records) and records[at] <= high:
                here.append(self.start + (records[at] & _PLACE))
                at += 1
            found[:0] = here
            if fences[page] < low:
                break
            page -= 1  # the page before may end with the same key
        return found

    def _last_page(self, record: int) -> int:
        """The last page that begins with a record or before it; -1 for none.

        Digests are spread evenly, so it lies near where it should: fewer places of a large table are looked at.
        """
        fences, count = self.fences, len(self.fences)
        expected = record * count >> 64
        low, high = max(0, expected - _NEAR), min(count, expected + _NEAR)
        is_before, is_after = low > 0 and fences[low] > record, high < count and fences[high] <= record
        if is_before or is_after:
            low, high = 0, count
        return bisect_right(fences, record, low, high) - 1

    def page(self, page: int) -> memoryview:
        """The records of a page. Raises KezhengError ``log_cache_damaged``."""
        records = self.records[page * PAGE : (page + 1) * PAGE]
        if _check(records) != self.checks[page]:
            raise KezhengError("log_cache_damaged")
        return records


class SegmentTable:
    """What belongs to the records of a segment: collected while they are written, page by page."""

    def __init__(self) -> None:
        self.count = 0
        self._fences: list[int] = []
        self._checks: list[int] = []

    def take(self, records: Sequence[int]) -> bytes:
        """The next records, whole pages but for the last time: as they are written."""
        written = pack(f"={len(records)}Q", *records)
        view = memoryview(written).cast("Q")
        for start in range(0, len(records), PAGE):
            self._fences.append(records[start])
            self._checks.append(_check(view[start : start + PAGE]))
        self.count += len(records)
        return written

    def content(self) -> bytes:
        """First records of all pages, then their checksums."""
        return pack(f"={2 * len(self._fences)}Q", *self._fences, *self._checks)


def key_of(subject: bytes) -> int:
    """What a record keeps of a subject."""
    return int.from_bytes(subject[:_KEY_LENGTH], "big")


def record_of(key: int, place: int) -> int:
    """The record of an entry at a place counted from its segment's start."""
    return key << 32 | place


def table_length(count: int) -> int:
    """Bytes of the table of so many records."""
    return -(-count // PAGE) * (RECORD_LENGTH + CHECK_LENGTH)


def segment_of(start: int, stop: int, count: int, content: memoryview) -> Segment:
    """The segment in the bytes of its records and table. Raises KezhengError ``log_cache_damaged`` for other sizes."""
    if len(content) != count * RECORD_LENGTH + table_length(count):
        raise KezhengError("log_cache_damaged")
    numbers, pages = content.cast("Q"), -(-count // PAGE)
    return Segment(start, stop, numbers[:count], numbers[count : count + pages], numbers[count + pages :])


def segment_in_memory(start: int, stop: int, pages: Iterable[Sequence[int]]) -> Segment:
    """A segment of sorted records that come in whole pages."""
    table = SegmentTable()
    records = b"".join([table.take(some) for some in pages])
    return segment_of(start, stop, table.count, memoryview(records + table.content()))


def in_pages(records: Iterable[Sequence[int]]) -> Iterator[Sequence[int]]:
    """The same records in whole pages, many at a time."""
    waiting: list[int] = []
    for some in records:
        waiting += some
        whole = len(waiting) - len(waiting) % PAGE
        if whole:
            yield waiting[:whole]
            del waiting[:whole]
    if waiting:
        yield waiting


def merged(segments: Sequence[Segment]) -> Iterator[list[int]]:
    """The records of segments that follow each other in the log, sorted, as those of one; a part at a time.

    Raises KezhengError ``log_cache_damaged``: damage is not passed on under a new checksum.
    """
    if segments[-1].stop - segments[0].start > MOST_ENTRIES:
        raise ValueError("places in a segment have 32 bits")
    largest = max(segments, key=lambda segment: len(segment.records))
    bounds = [fence >> 32 << 32 for fence in largest.fences[_PAGES_AT_ONCE::_PAGES_AT_ONCE]]
    taken = [_Taken(segment, segment.start - segments[0].start) for segment in segments]
    for bound in [*bounds, None]:
        yield sorted(record for one in taken for record in one.below(bound))


def segments_to_merge(lengths: Sequence[int]) -> int:
    """From which segment on all are to become one: few stay, and no record is copied often.

    Each segment that stays is more than four times as long as all after it together.
    """
    after = sum(lengths)
    for place, length in enumerate(lengths):
        after -= length
        if length <= 4 * after:
            return place
    return max(0, len(lengths) - 1)


class _Taken:
    """How far a segment has been taken into a merged one."""

    def __init__(self, segment: Segment, shift: int) -> None:
        self._segment = segment
        self._shift = shift
        self._next = 0
        self._checked_pages = 0

    def below(self, bound: int | None) -> list[int]:
        """The next records, up to a bound that does not split a key."""
        records = self._segment.records
        stop = len(records) if bound is None else bisect_left(records, bound, self._next)
        while self._checked_pages * PAGE < stop:
            self._segment.page(self._checked_pages)
            self._checked_pages += 1
        found = records[self._next : stop].tolist()
        self._next = stop
        return [record + self._shift for record in found] if self._shift else found


def _check(records: memoryview) -> int:
    return crc32(records)
