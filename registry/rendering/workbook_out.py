"""Workbooks that the registry writes: text only, formula-proof, readable by their owner alone.

Every cell goes through :func:`write_text`, hence ``write_string``: nothing that came from outside can become
a formula, a number or a link. Files are put together in memory: temporary files would hold personal data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import xlsxwriter

from certs.errors import Param
from certs.wording import words

Target = str | Path | BinaryIO

NAMESPACE = "workbook"
_TEXT_FORMAT = "@"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "'")
# Characters that XML cannot hold, or that turn the direction of what is read.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_LONGEST = 32_000
"""Characters in a cell; Excel takes 32,767 UTF-16 units."""


class Style(NamedTuple):
    """One look of a cell: as it is, and with the mark that keeps Excel from reading a text as a formula."""

    plain: Any
    quoted: Any


class OutBook:
    """A workbook under construction."""

    def __init__(self, buffer: BytesIO) -> None:
        self.book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
        self.book.set_properties({"title": "", "author": "", "company": ""})

    def style(self, **properties: Any) -> Style:
        """A text style with these properties of XlsxWriter."""
        base = {"num_format": _TEXT_FORMAT, "valign": "vcenter", **properties}
        return Style(self.book.add_format(base), self.book.add_format({**base, "quote_prefix": True}))

    def add_sheet(self, code: str) -> Any:
        """A sheet named by a code of the wording."""
        return self.book.add_worksheet(say(code))


@contextmanager
def open_book(target: Target) -> Iterator[OutBook]:
    """A workbook that is written to ``target`` when the block ends well. A file gets mode 0600."""
    buffer = BytesIO()
    out = OutBook(buffer)
    yield out
    out.book.close()
    if isinstance(target, str | Path):
        _write_private(Path(target), buffer.getbuffer())
    else:
        target.write(buffer.getbuffer())


def write_text(sheet: Any, row: int, column: int, text: str, style: Style) -> None:
    """Writes one text cell (row and column from 0). An empty text is a blank cell of that style."""
    shown = printable(text)
    if not shown:
        sheet.write_blank(row, column, None, style.plain)
    else:
        sheet.write_string(row, column, shown, style.quoted if shown.startswith(_DANGEROUS) else style.plain)


def write_line(sheet: Any, row: int, texts: Sequence[str], style: Style) -> None:
    """Writes texts side by side from the first column on."""
    for column, text in enumerate(texts):
        write_text(sheet, row, column, text, style)


def printable(text: str) -> str:
    """The text with U+FFFD for what a workbook cannot hold, cut to what a cell can hold."""
    return _UNPRINTABLE.sub("\ufffd", text[:_LONGEST])


def say(code: str, **params: Param) -> str:
    """The Chinese words of a code of the workbook wording."""
    return words(NAMESPACE, code, **params).zh


def _write_private(path: Path, content: memoryview) -> None:
    """Replaces the file in one step: a reader sees the old one or the new one, and nobody else sees any."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
