"""A list that somebody wants checked: which columns of a sheet hold certificate numbers, names or QR texts.

Any sheet will do that has, in one of its first ten rows, a heading for certificate numbers with one for names, or one
for QR texts. Its other columns mean nothing here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from certs.errors import KezhengError
from certs.roster_columns import HEADER_ROWS
from certs.sheet import Cell, Row, Sheet, Workbook

_NUMBER_HEADINGS = ("证书编号", "证书号", "编号")
"""What a heading of certificate numbers contains, the surest first."""
_OTHER_NUMBERS = re.compile("国家|部颁|原证书|新证书|证件|身份证|机构|批次|站点|查验|学历|学位|合同|员工|职工")
"""Numbers of other things, or of another certificate; columns that an earlier check has added."""
_NAME_HEADING, _OTHER_NAMES = "姓名", re.compile("拼音|英文|曾用|联系人|经办|父|母")
CODE_HEADING = "二维码"
_CODE_HEADINGS = re.compile(f"{CODE_HEADING}|QR", re.IGNORECASE)


class Asked(NamedTuple):
    """What one line asks: a number and a name as somebody typed them, or, without name, the text of a QR code."""

    text: str
    name: str | None = None


class Line(NamedTuple):
    """A line of a list: its row in the sheet, and what it asks."""

    row: int
    asked: Asked


class ListSheet(NamedTuple):
    """A sheet with a list, and where in it things stand: columns from 0, None for one that it does not have."""

    sheet: Sheet
    header_row: int
    number: int | None
    name: int | None
    code: int | None

    def lines(self) -> Iterator[Line]:
        """All rows below the heading that ask something. A QR text goes before number and name."""
        for row in self.sheet.rows:
            asked = self._asked(row) if row.number > self.header_row else None
            if asked is not None:
                yield Line(row.number, asked)

    def _asked(self, row: Row) -> Asked | None:
        code = _text(row, self.code)
        if code:
            return Asked(code)
        number, name = _text(row, self.number), _text(row, self.name)
        return Asked(number, name) if number or (name and self.number is not None) else None


def find_list(workbook: Workbook) -> ListSheet:
    """The first sheet with a list. Raises KezhengError ``list_header_missing``."""
    for sheet in workbook.sheets:
        for row in sheet.rows:
            if row.number > HEADER_ROWS:
                break
            found = _read_header(sheet, row)
            if found.code is not None or (found.number is not None and found.name is not None):
                return found
    raise KezhengError("list_header_missing")


def list_of_texts(text: str) -> ListSheet:
    """A list without a sheet, each line the text of a QR code: as a sheet that has them below a heading."""
    heading = Row(1, (Cell("s", CODE_HEADING),), hidden=False)
    lines = enumerate(map(str.strip, text.splitlines()), 2)
    rows = [Row(number, (Cell("s", line),), hidden=False) for number, line in lines if line]
    return ListSheet(Sheet("", [heading, *rows]), 1, None, None, 0)


def _read_header(sheet: Sheet, row: Row) -> ListSheet:
    headings = [(place, _heading(cell)) for place, cell in enumerate(row.cells)]
    numbers = [(rank, place) for place, heading in headings if (rank := _rank(heading)) is not None]
    names = [place for place, heading in headings if _NAME_HEADING in heading and not _OTHER_NAMES.search(heading)]
    codes = [place for place, heading in headings if _CODE_HEADINGS.search(heading)]
    number = min(numbers)[1] if numbers else None
    return ListSheet(sheet, row.number, number, min(names, default=None), min(codes, default=None))


def _rank(heading: str) -> int | None:
    """How sure it is that a heading stands for certificate numbers: 0 is surest, None not at all."""
    if _OTHER_NUMBERS.search(heading):
        return None
    if heading == _NUMBER_HEADINGS[0]:
        return 0
    return next((rank for rank, part in enumerate(_NUMBER_HEADINGS, 1) if part in heading), None)


def _heading(cell: Cell | None) -> str:
    return "" if cell is None else "".join(unicodedata.normalize("NFKC", cell.text).split())


def _text(row: Row, place: int | None) -> str:
    cell = row.cells[place] if place is not None and place < len(row.cells) else None
    return "" if cell is None else cell.text.strip()
