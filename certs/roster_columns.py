"""The columns of a roster, and the search for its header.

Some sheet, in the first ten rows, below any merged title.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from certs.package_data import read_toml
from certs.sheet import Row, Sheet, Workbook

HEADER_ROWS = 10
_FEWEST_REQUIRED = 3
"""A row with fewer required headings than this is not taken for a header."""
_IN_BRACKETS = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]")


class Column(NamedTuple):
    """A column that the register knows. ``numeric``: its cells are codes made of digits."""

    key: str
    heading: str
    heading_en: str
    required: bool
    numeric: bool
    synonyms: tuple[str, ...]


class Header(NamedTuple):
    """Where the columns stand.

    ``places`` by column key; ``others`` are headings the register does not know.
    """

    sheet: Sheet
    row: int
    places: dict[str, int]
    repeated: tuple[Column, ...]
    others: tuple[tuple[str, int], ...]

    @property
    def missing(self) -> tuple[Column, ...]:
        """Required columns that the header does not have."""
        return tuple(column for column in columns() if column.required and column.key not in self.places)


@cache
def columns() -> tuple[Column, ...]:
    """All known columns, in the order of the template."""
    return tuple(
        Column(
            key=entry["key"],
            heading=entry["heading"],
            heading_en=entry["heading_en"],
            required=entry.get("required", False),
            numeric=entry.get("numeric", False),
            synonyms=tuple(entry["synonyms"]),
        )
        for entry in read_toml("roster_columns.toml")["column"]
    )


@cache
def columns_by_key() -> dict[str, Column]:
    """The known columns by key."""
    return {column.key: column for column in columns()}


def find_header(workbook: Workbook) -> Header | None:
    """The header with the most required headings of all sheets, the first of equals.

    None when there is none.
    """
    best: Header | None = None
    for sheet in workbook.sheets:
        for row in sheet.rows:
            if row.number > HEADER_ROWS:
                break
            header = _read_header(sheet, row)
            if best is None or _required(header) > _required(best):
                best = header
    return best if best is not None and _required(best) >= _FEWEST_REQUIRED else None


def _required(header: Header) -> int:
    known = columns_by_key()
    return sum(known[key].required for key in header.places)


def _read_header(sheet: Sheet, row: Row) -> Header:
    places: dict[str, int] = {}
    repeated: list[Column] = []
    others: list[tuple[str, int]] = []
    for place, cell in enumerate(row.cells):
        if cell is None or not cell.text.strip():
            continue
        column = _by_heading().get(_heading(cell.text))
        if column is None:
            others.append((cell.text.strip(), place))
        elif column.key in places:
            repeated.append(column)
        else:
            places[column.key] = place
    return Header(sheet, row.number, places, tuple(repeated), tuple(others))


@cache
def _by_heading() -> dict[str, Column]:
    return {_heading(text): column for column in columns() for text in (column.heading, *column.synonyms)}


def _heading(text: str) -> str:
    """A heading as it is compared: without spaces, line breaks, stars and what stands in brackets."""
    return "".join(_IN_BRACKETS.sub("", unicodedata.normalize("NFKC", text)).replace("*", "").split())
