"""Lists of certificates as people hand them in: a workbook, or a text with a QR text on each line."""

from __future__ import annotations

from certs.errors import KezhengError
from certs.list_sheet import Line, ListSheet, find_list, list_of_texts
from registry.issuing.roster_workbook import read_workbook

_ZIP = b"PK"


def read_list(content: bytes) -> tuple[ListSheet, list[Line]]:
    """The list in an XLSX file, or in a text with a QR text on each line, and its lines.

    Raises KezhengError ``file_not_xlsx``, ``list_header_missing``, ``list_empty``, and as `read_workbook`.
    """
    if content.startswith(_ZIP):
        listed = find_list(read_workbook(content))
    else:
        try:
            listed = list_of_texts(content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise KezhengError("file_not_xlsx") from error
    lines = list(listed.lines())
    if not lines:
        raise KezhengError("list_empty")
    return listed, lines
