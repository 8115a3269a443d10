"""A workbook as it was read: sheets of numbered rows of typed cells, before any meaning is given to them."""

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    """One filled cell.

    ``kind`` is one letter:

    - ``s`` text
    - ``n`` number; ``text`` is the decimal text as stored (``59.5``, ``1.1010519491231E+17``)
    - ``d`` date; ``text`` is ``yyyy-mm-dd`` at midnight, else ``yyyy-mm-ddThh:mm:ss``;
      a time of day without a date is ``hh:mm:ss``
    - ``b`` boolean, ``TRUE`` or ``FALSE``
    - ``e`` an error such as ``#N/A``
    - ``f`` a formula; ``text`` is the formula with its ``=``, never the value stored beside it
    """

    kind: str
    text: str


class Row(NamedTuple):
    """One row. ``number`` is the sheet's own (1-based); ``cells`` starts at column A, gaps are ``None``."""

    number: int
    cells: tuple[Cell | None, ...]
    hidden: bool


class Sheet(NamedTuple):
    """One worksheet: only rows that hold a filled cell, in ascending order."""

    name: str
    rows: list[Row]


class Workbook(NamedTuple):
    """All visible worksheets, and what was found while reading that did not stop it: (code, params)."""

    sheets: list[Sheet]
    faults: list[tuple[str, dict[str, str | int]]]
