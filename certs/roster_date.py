"""Days as clerks write them.

A day that does not exist is refused, never rolled over; a day that can be read twice is asked.

Read: real date cells, ``2024-5-20``, ``2024/5/20``, ``2024.5.20``, ``20240520``, ``2024年5月20日``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from certs.errors import Param

_YEAR_FIRST = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|\.([0-9]{1,2})\.([0-9]{1,2})"
    r"|年([0-9]{1,2})月([0-9]{1,2})日|([0-9]{2})([0-9]{2}))"
)
_TIME_OF_DAY = re.compile(r"[T ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")


class DateFault(NamedTuple):
    """Why a day was refused: a code of the roster words, with what the words need."""

    code: str
    params: Mapping[str, Param]


@lru_cache(maxsize=16_384)
def read_day(text: str) -> date | DateFault:
    """The day that a cell's text names.

    Faults: ``date_impossible`` (31 November), ``date_ambiguous`` (5/6/2024), ``date_not_understood``.
    """
    written = unicodedata.normalize("NFKC", text).strip()
    plain = _TIME_OF_DAY.sub("", written)
    match = _YEAR_FIRST.fullmatch("".join(plain.split()))
    if match is not None:
        year, month, day = (int(part) for part in match.groups() if part is not None)
        return _day(year, month, day) or DateFault("date_impossible", {"text": written})
    return _year_last(plain) or DateFault("date_not_understood", {"text": written[:40]})


def _year_last(text: str) -> DateFault | None:
    match = _YEAR_LAST.fullmatch(text)
    if match is None:
        return None
    first, second, year = (int(part) for part in match.groups())
    one, other = _day(year, first, second), _day(year, second, first)
    if one is None or other is None or one == other:
        return None
    return DateFault("date_ambiguous", {"text": text, "one": one.isoformat(), "other": other.isoformat()})


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
