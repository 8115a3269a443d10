"""How the rows come back from the reading process: flat arrays and texts, no object that could run anything.

A frame is the outcome (``W`` workbook or ``F`` fault), then sections, each after its length in four bytes.
"""

from __future__ import annotations

import struct

from registry.issuing.workbook_cells import CellTable
from registry.issuing.workbook_rows import SheetRows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = struct.Struct("<I")
_BETWEEN = "\0"  # no cell holds it


def encode_fault(code: str, params: dict[str, str | int]) -> bytes:
    """A fault that ends the reading."""
    words = [code, *(f"{key}={value}" for key, value in params.items())]
    return b"F" + _section(_BETWEEN.join(words).encode())


def encode_workbook(table: CellTable, sheets: list[SheetRows], ignored: list[str]) -> Iterator[bytes]:
    """The table of cells, the names of the hidden sheets that were passed over, and the sheets."""
    yield b"W"
    yield _section("".join(table.kinds).encode())
    yield _section(_BETWEEN.join(table.texts).encode())
    yield _section(_BETWEEN.join(ignored).encode())
    for sheet in sheets:
        yield _section(sheet.name.encode())
        for column in (sheet.numbers, sheet.hidden, sheet.widths, sheet.cells):
            yield _section(bytes(column))


class Frame:
    """A frame taken apart. Raises ValueError for bytes that are none."""

    __slots__ = ("fault", "ignored", "kinds", "sheets", "texts")

    def __init__(self, data: bytes) -> None:
        sections = _sections(data)
        self.fault: list[str] | None = None
        self.kinds, self.texts, self.ignored = "", [""], [""]
        self.sheets: list[SheetRows] = []
        if data[:1] == b"F":
            self.fault = next(sections).decode().split(_BETWEEN)
        elif data[:1] == b"W":
            self._read_workbook(sections)
        else:
            raise ValueError("no frame")

    def _read_workbook(self, sections: Iterator[bytes]) -> None:
        self.kinds = next(sections).decode()
        self.texts = next(sections).decode().split(_BETWEEN)
        self.ignored = [name for name in next(sections).decode().split(_BETWEEN) if name]
        for name in sections:
            self.sheets.append(_read_sheet(name.decode(), sections))
        if len(self.kinds) != len(self.texts):
            raise ValueError("kinds and texts differ")


def _read_sheet(name: str, sections: Iterator[bytes]) -> SheetRows:
    sheet = SheetRows(name)
    sheet.numbers.frombytes(next(sections, b""))
    sheet.hidden.extend(next(sections, b""))
    sheet.widths.frombytes(next(sections, b""))
    sheet.cells.frombytes(next(sections, b""))
    rows = len(sheet.numbers)
    if rows != len(sheet.hidden) or rows != len(sheet.widths) or sum(sheet.widths) != len(sheet.cells):
        raise ValueError("columns of different length")
    return sheet


def _section(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def _sections(data: bytes) -> Iterator[bytes]:
    position = 1
    while position < len(data):
        if position + _LENGTH.size > len(data):
            raise ValueError("cut short")
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        if position + length > len(data):
            raise ValueError("cut short")
        yield data[position : position + length]
        position += length
