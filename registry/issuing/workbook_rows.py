"""The rows of one worksheet, read as a stream. ECMA-376 part 1, 18.3.1.4 (cells), 18.3.1.73 (rows)."""

from __future__ import annotations

import re
from array import array
from xml.etree.ElementTree import Element

from certs.errors import KezhengError
from registry.issuing.workbook_cells import EMPTY, CellTable, TextTags, unescape
from registry.issuing.workbook_dates import iso_to_iso, serial_to_iso
from registry.issuing.workbook_limits import WorkbookLimits
from registry.issuing.workbook_xml import stream_children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
# At most three digits of exponent: a longer one would make whoever computes with it compute for ever.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?")
_NONE_KNOWN: dict[str, int] = {}
_THIN = 1.0  # points; a lower row shows nothing


class SheetRows:
    """The filled rows of a sheet, column-wise: row ``i`` has number, hidden flag and ``widths[i]`` cells."""

    __slots__ = ("cells", "hidden", "name", "numbers", "widths")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers = array("I")
        self.hidden = bytearray()
        self.widths = array("I")
        self.cells = array("I")


class SheetReader:
    """Reads sheets of one workbook against one table of cells and one limit of text."""

    def __init__(
        self,
        table: CellTable,
        shared: dict[str, int],
        date_styles: set[str],
        date1904: bool,
        limits: WorkbookLimits,
    ) -> None:
        self._table, self._shared, self._limits = table, shared, limits
        self._date_styles, self._date1904 = date_styles, date1904
        self._text_left = limits.text_bytes
        self._plain: dict[str, int] = {}  # cell numbers by the text of the value
        self._dated: dict[str, int] = {}
        self._inline: dict[str, int] = {}
        self._columns = {column_name(index): index for index in range(limits.columns)}
        self._use_namespace("")

    def _use_namespace(self, namespace: str) -> None:
        self._row_tag, self._cell_tag, self._value_tag = namespace + "row", namespace + "c", namespace + "v"
        self._formula_tag, self._inline_tag = namespace + "f", namespace + "is"
        self._text_tags = TextTags(namespace)

    def read(self, name: str, chunks: Iterator[bytes]) -> SheetRows:
        """All rows of a sheet that hold a filled cell.

        Raises KezhengError: ``file_unsafe_size``, ``too_many_rows``, ``file_damaged``, ``file_has_dtd``.
        """
        sheet = SheetRows(name)
        lists = stream_children(chunks, "worksheet", "sheetData")
        root = next(lists)[0]
        namespace = root.tag.removesuffix("worksheet")
        self._use_namespace(namespace)
        last = 0
        for rows in lists:
            for row in rows:
                if row.tag == self._row_tag:
                    last = self._read_row(sheet, row, last)
        return sheet

    def _read_row(self, sheet: SheetRows, row: Element, last: int) -> int:
        """Adds a row and answers its number. Numbers that are left out go on from the last one."""
        reference = row.get("r")
        number = last + 1 if reference is None else _whole(reference)
        if number <= last:
            raise KezhengError("file_damaged")
        cells = self._read_cells(row, str(number))
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            self._check_row(sheet, number, cells)
            sheet.numbers.append(number)
            sheet.hidden.append(_is_hidden(row))
            sheet.widths.append(len(cells))
            sheet.cells.extend(cells)
        return number

    def _check_row(self, sheet: SheetRows, number: int, cells: list[int]) -> None:
        if number > self._limits.rows + self._limits.row_slack:
            crowded = len(sheet.numbers) >= self._limits.rows
            raise KezhengError("too_many_rows" if crowded else "file_unsafe_size")
        if len(cells) > self._limits.columns:
            raise KezhengError("file_unsafe_size")
        self._text_left -= sum(map(self._table.sizes.__getitem__, cells))
        if self._text_left < 0:
            raise KezhengError("file_unsafe_size")

    def _read_cells(self, row: Element, row_text: str) -> list[int]:
        """The cell numbers of a row from column A on.

        The inner loop: most cells hold one ``v`` with a shared string or a number seen before, or one ``is`` with a
        plain text, and are done with one look-up.
        """
        cells: list[int] = []
        columns, value_tag, date_styles = self._columns, self._value_tag, self._date_styles
        inline_tag, text_tag = self._inline_tag, self._text_tags.text
        shared, plain, dated = self._shared, self._plain, self._dated
        for cell in row.findall(self._cell_tag):
            get = cell.get
            reference = get("r")
            column = len(cells) if reference is None else columns.get(reference.removesuffix(row_text))
            if column is None:
                self._pass_over(cell, reference, row_text)
                continue
            if column != len(cells):
                self._fill_gap(cells, column)
            number = None
            if len(cell) == 1:
                value, kind = cell[0], get("t")
                if value.tag == value_tag:
                    if kind == "s":
                        known = shared
                    elif kind is None:
                        known = dated if get("s") in date_styles else plain
                    else:
                        known = _NONE_KNOWN
                    number = known.get(value.text or "")
                elif kind == "inlineStr" and len(value) == 1 and value.tag == inline_tag and value[0].tag == text_tag:
                    number = self._inline_number(value[0].text or "")
            cells.append(self._cell_number(cell) if number is None else number)
        return cells

    def _fill_gap(self, cells: list[int], column: int) -> None:
        if column < len(cells):
            raise KezhengError("file_damaged")
        cells.extend([EMPTY] * (column - len(cells)))

    def _pass_over(self, cell: Element, reference: str | None, row_text: str) -> None:
        """Accepts a cell right of the last column only when it is there for its style, with nothing in it."""
        found = _REFERENCE.fullmatch(reference or "")
        if found is None or found.group(2) != row_text or found.group(1) in self._columns:
            raise KezhengError("file_damaged")
        if self._cell_number(cell):
            raise KezhengError("file_unsafe_size")

    def _cell_number(self, cell: Element) -> int:
        """The number of any cell. A formula counts, not the value that is stored beside it."""
        if len(cell) == 1 and (only := cell[0]).tag == self._inline_tag and cell.get("t") == "inlineStr":
            return self._table.number("s", self._text_tags.text_of(only))
        formula = cell.find(self._formula_tag)
        if formula is not None:
            return self._table.number("f", "=" + unescape(formula.text or ""))
        kind = cell.get("t", "n")
        inline = cell.find(self._inline_tag)
        if inline is not None and kind == "inlineStr":
            return self._table.number("s", self._text_tags.text_of(inline))
        text = cell.findtext(self._value_tag)
        if not text:
            return EMPTY
        if kind == "n":
            return self._new_number(text, cell.get("s") in self._date_styles)
        return self._shared_number(text) if kind == "s" else self._other_number(kind, text)

    def _inline_number(self, text: str) -> int:
        """The number of a plain text that stands in its cell."""
        number = self._inline.get(text)
        if number is None:
            number = self._inline[text] = self._table.number("s", unescape(text))
        return number

    def _shared_number(self, text: str) -> int:
        number = self._shared.get(text.strip())
        if number is None:
            raise KezhengError("file_damaged")
        return number

    def _new_number(self, text: str, dated: bool) -> int:
        trimmed = text.strip()
        if not _DECIMAL.fullmatch(trimmed):
            number = self._table.number("s", trimmed)
        else:
            iso = serial_to_iso(float(trimmed), self._date1904) if dated else None
            number = self._table.number("n", trimmed) if iso is None else self._table.number("d", iso)
        (self._dated if dated else self._plain)[text] = number
        return number

    def _other_number(self, kind: str, text: str) -> int:
        trimmed = text.strip()
        if kind in ("str", "inlineStr"):
            return self._table.number("s", unescape(text))
        if kind == "b":
            return self._table.number("b", "TRUE" if trimmed in ("1", "true") else "FALSE")
        if kind == "e":
            return self._table.number("e", trimmed)
        if kind == "d":
            iso = iso_to_iso(trimmed)
            return self._table.number("s", trimmed) if iso is None else self._table.number("d", iso)
        raise KezhengError("file_damaged")


def column_name(index: int) -> str:
    """The letters of a column counted from 0: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise KezhengError("file_damaged")
    return int(text)


def _is_hidden(row: Element) -> bool:
    """Hidden by its mark, which a filter or a closed group sets too, or by a height that shows nothing."""
    if row.get("hidden", "0") in ("1", "true", "on"):
        return True
    height = row.get("ht")
    try:
        return height is not None and float(height) < _THIN
    except ValueError:
        return False
