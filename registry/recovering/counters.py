"""Moving what is counted past everything that was ever given out: serials of numbers, places in status lists.

What is known exactly is taken exactly. Where certificates are lost, nobody knows how many numbers were taken beside
them; then a counter skips as many as all batches approved since could have taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from certs.certificate_number import Layout, format_number, number_prefix, parse_number
from certs.grades import Grade
from certs.roster import MAX_ROWS
from certs.status_list import LIST_SIZE, StatusList
from registry.home import Home
from registry.store.engine import WriteTransaction
from registry.store.recovery_writes import (
    LostSerials,
    add_lost_serials,
    highest_status_index,
    move_serials,
    move_status_places,
    next_serials,
    next_status_place,
    serials_since,
    status_indices_between,
)

LAST_TENTH = 10
"""A skip leaves a tenth of a year's serials, so that the institution can go on issuing."""


class VoidNumbers(NamedTuple):
    """Numbers of a prefix that are void from the first to the last; the same number twice for a single one."""

    prefix: str
    first: str
    last: str
    numbers: int


class Series(NamedTuple):
    """A series of serials: those of an institution, a year and a grade."""

    institution: str
    year: int
    grade: Grade | None


class Moved(NamedTuple):
    """Where the counters stand now, and which numbers are void because nobody knows whose they were."""

    serials: Mapping[str, int]
    status_place: int
    void: tuple[VoidNumbers, ...]


def move_counters(
    home: Home, tx: WriteTransaction, numbers: Iterable[str], uncertain: Sequence[Series], batches: int, now: datetime
) -> Moved:
    """Move the counters past these numbers and all status indices that are in use.

    ``uncertain`` are the series of which certificates are lost, ``batches`` how many may have taken numbers since.
    """
    highest = _highest(numbers, home)
    before, moved, void = next_serials(tx), {}, []
    for series in sorted({*highest, *uncertain}, key=repr):
        prefix = _prefix(home.layout, series)
        stop = max(highest.get(series, 0) + 1, before.get(prefix, 1))
        if series in uncertain:
            stop = _skipped(home.layout, stop, batches)
        gaps = _gaps(tx, prefix, before.get(prefix, 1), stop)
        add_lost_serials(tx, [LostSerials(prefix, gap.start, gap.stop - 1, now) for gap in gaps])
        void += [_void(home.layout, prefix, series, gap) for gap in gaps]
        if stop > before.get(prefix, 1):
            move_serials(tx, prefix, stop)
            moved[prefix] = stop
    return Moved(moved, _move_places(home, tx, batches if uncertain else 0), tuple(void))


def numbers_of_status(status: StatusList | None) -> list[str]:
    """The numbers that a status file names: predecessors and successors."""
    entries = () if status is None else tuple(status.entries.values())
    named = [entry.facts.supersedes for entry in entries]
    named += [event.successor for entry in entries for event in entry.events]
    return [number for number in named if number is not None]


def _highest(numbers: Iterable[str], home: Home) -> dict[Series, int]:
    """The highest serial of each series; numbers of layouts in which none is given any more count for nothing."""
    found: dict[Series, int] = defaultdict(int)
    for number in (parse_number(text, home.layouts) for text in numbers):
        if number.layout == home.layout:
            series = Series(number.institution_code, number.year, number.grade)
            found[series] = max(found[series], number.serial)
    return found


def _prefix(layout: Layout, series: Series) -> str:
    return number_prefix(layout, institution_code=series.institution, issued_year=series.year, grade=series.grade)


def _skipped(layout: Layout, stop: int, batches: int) -> int:
    """Past all that so many batches could have taken, but not into the last tenth of the year's serials."""
    limit: int = 10 ** layout.width("serial")
    return max(stop, min(stop + batches * MAX_ROWS, limit - limit // LAST_TENTH + 1))


def _gaps(tx: WriteTransaction, prefix: str, first: int, stop: int) -> list[range]:
    """The serials in a range that no certificate has, as few ranges as there are."""
    used = sorted(serial for serial in serials_since(tx, prefix, first) if serial < stop)
    starts, ends = [first, *(serial + 1 for serial in used)], [*used, stop]
    return [range(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _void(layout: Layout, prefix: str, series: Series, gap: range) -> VoidNumbers:
    first, last = (
        format_number(
            layout, institution_code=series.institution, issued_year=series.year, grade=series.grade, serial=serial
        )
        for serial in (gap.start, gap.stop - 1)
    )
    return VoidNumbers(prefix, first, last, len(gap))


def _move_places(home: Home, tx: WriteTransaction, batches: int) -> int:
    """Move the counter of status places past every index in use; where it then stands.

    An index says its list, and which counter value gave it only whoever has the key: the list is gone through.
    """
    highest = highest_status_index(tx)
    if highest < 0:
        return next_status_place(tx)
    first = highest // LIST_SIZE * LIST_SIZE
    given = home.keyring.status_indices(range(first, first + LIST_SIZE))
    counters = {index: place for place, index in enumerate(given)}
    used = [counters[index] for index in status_indices_between(tx, first, first + LIST_SIZE)]
    past = first + max(used) + 1
    if batches:
        past = -(-(past + batches * MAX_ROWS) // LIST_SIZE) * LIST_SIZE
    move_status_places(tx, past)
    return next_status_place(tx)
