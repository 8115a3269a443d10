"""Dates in a workbook: numbers whose style shows them as a date.

ECMA-376 part 1, 18.8.30 (number formats) and 18.17.4 (serial values). A serial counts days from 1899-12-31
and takes a 29 February 1900 that never was for day 60; with ``date1904`` it counts from 1904-01-01.
"""

from __future__ import annotations

import re
from datetime import date

from registry.issuing.workbook_xml import local_name, walk_tags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# The built-in formats that show a date or a time, those of Chinese and Japanese editions included.
_BUILTIN = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
# Quoted text, an escaped or padding character, and bracketed colours, conditions and locales show no date;
# brackets round h, m or s (elapsed time) do.
_NO_TOKEN = re.compile(r'"[^"]*"?|[\\_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(r"[ymdhs]", re.IGNORECASE)
_GENERAL = re.compile(r"general|standard", re.IGNORECASE)
_DAY_ZERO = date(1899, 12, 31).toordinal()
_DAY_ZERO_1904 = date(1904, 1, 1).toordinal()
_LAST_DAY = date(9999, 12, 31).toordinal()
_LEAP_BUG = 60
_STYLE_GROUPS = frozenset(
    ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "extLst")
)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?Z?)?")
_MIDNIGHT = "00:00:00"


def is_date_format(code: str) -> bool:
    """Whether a custom number format shows a date or a time: judged by its first section."""
    shown = _NO_TOKEN.sub("", code).partition(";")[0]
    return _TOKEN.search(_GENERAL.sub("", shown)) is not None


def read_date_styles(chunks: Iterator[bytes]) -> set[str]:
    """The indexes, as text, of the cell styles that show a date. Raises as :func:`walk_tags`."""
    custom: dict[str, bool] = {}
    formats: list[str] = []
    within = ""

    def note(tag: str, attributes: dict[str, str]) -> None:
        nonlocal within
        name = local_name(tag)
        if name == "numFmt" and within == "numFmts":
            custom[attributes.get("numFmtId", "")] = is_date_format(attributes.get("formatCode", ""))
        elif name == "xf" and within == "cellXfs":
            formats.append(attributes.get("numFmtId", "0"))
        elif name in _STYLE_GROUPS:
            within = name

    walk_tags(chunks, note)
    builtin = {str(number): True for number in _BUILTIN}
    shows_date = builtin | custom
    return {str(index) for index, key in enumerate(formats) if shows_date.get(key, False)}


def serial_to_iso(serial: float, date1904: bool) -> str | None:
    """A serial as ISO text: a day, a day with a time, or for less than a day the time alone (``hh:mm:ss``).

    Seconds are rounded. 60 gives ``1900-02-29``, as the sheet shows it. None outside the years 1900–9999.
    """
    if not 0 <= serial < _LAST_DAY:
        return None
    days, seconds = divmod(round(serial * 86400), 86400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if days == 0 and not date1904:
        return clock
    day = _day_text(days, date1904)
    return day if day is None or clock == _MIDNIGHT else f"{day}T{clock}"


def _day_text(days: int, date1904: bool) -> str | None:
    if date1904:
        ordinal = _DAY_ZERO_1904 + days
    elif days == _LEAP_BUG:
        return "1900-02-29"
    else:
        ordinal = _DAY_ZERO + days - (days > _LEAP_BUG)
    return date.fromordinal(ordinal).isoformat() if ordinal <= _LAST_DAY else None


def iso_to_iso(text: str) -> str | None:
    """The text of a ``t="d"`` cell (strict form) in the shape of :func:`serial_to_iso`, or None."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, clock = found.groups()
    return day if clock in (None, _MIDNIGHT) else f"{day}T{clock}"
