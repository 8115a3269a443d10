"""标错件: the roster as it was read, written new, with every fault in its cell and all of them in a list.

Rows and columns keep their places, so that the corrected copy can itself be uploaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from certs.roster_columns import find_header
from certs.roster_fault import Fault
from certs.sheet import Sheet, Workbook
from registry.rendering.workbook_out import (
    OutBook,
    Style,
    Target,
    open_book,
    printable,
    say,
    write_line,
    write_text,
)

COMMENTS = 5_000
"""More comments than this make programs slow to open the file; the list holds every finding."""
_FAULT = {"bg_color": "#FFC7CE", "border": 1}
_WARNING = {"bg_color": "#FFEB9C", "border": 1}
_HEAD = {"bold": True, "bg_color": "#DDEBF7", "border": 1}
_COMMENT_SIZE = {"width": 260, "height": 90, "font_size": 9}


class _Mark(NamedTuple):
    messages: list[str]
    is_fault: bool


_Marks = Mapping[tuple[int, int], _Mark]  # by the sheet's row number and the place of the column


def write_marked_copy(
    target: Target, workbook: Workbook, faults: Sequence[Fault], warnings: Sequence[Fault] = ()
) -> None:
    """Writes the roster's sheet (the first one when it has no header) and the list of all findings.

    A finding without a column is marked in the first filled cell of its row; one without a row is in the list
    alone. Hidden rows are shown. The copy holds whole ID numbers, like the upload: the file has mode 0600.
    """
    header = find_header(workbook)
    sheet = header.sheet if header is not None else next(iter(workbook.sheets), Sheet("", []))
    places = header.places if header is not None else {}
    marks = _collect_marks(sheet, places, faults, warnings)
    with open_book(target) as out:
        _write_sheet(out, sheet, marks)
        _write_list(out, faults, warnings, len(marks))


def _collect_marks(
    sheet: Sheet, places: Mapping[str, int], faults: Sequence[Fault], warnings: Sequence[Fault]
) -> _Marks:
    found: dict[tuple[int, int], list[tuple[str, bool]]] = defaultdict(list)
    first_cells = {row.number: _first_filled(row.cells) for row in sheet.rows}
    for findings, is_fault in ((faults, True), (warnings, False)):
        for finding in findings:
            if finding.row is not None:
                first = first_cells.get(finding.row, 0)
                place = first if finding.column is None else places.get(finding.column, first)
                found[finding.row, place].append((finding.zh, is_fault))
    return {
        at: _Mark([message for message, _ in said], any(is_fault for _, is_fault in said)) for at, said in found.items()
    }


def _first_filled(cells: Sequence[object]) -> int:
    return next((place for place, cell in enumerate(cells) if cell is not None), 0)


def _write_sheet(out: OutBook, sheet: Sheet, marks: _Marks) -> None:
    written = out.add_sheet("sheet_roster")
    text, fault, warning = out.style(), out.style(**_FAULT), out.style(**_WARNING)
    filled: set[tuple[int, int]] = set()
    for row in sheet.rows:
        for place, cell in enumerate(row.cells):
            mark = marks.get((row.number, place))
            style = text if mark is None else fault if mark.is_fault else warning
            if cell is not None or mark is not None:
                write_text(written, row.number - 1, place, "" if cell is None else cell.text, style)
            if mark is not None:
                filled.add((row.number, place))
    for number, place in marks.keys() - filled:
        write_text(written, number - 1, place, "", fault if marks[number, place].is_fault else warning)
    _write_comments(written, marks)
    _set_widths(written, sheet, text)


def _write_comments(written: Any, marks: _Marks) -> None:
    for number, place in sorted(marks)[:COMMENTS]:
        message = printable("\n".join(marks[number, place].messages))
        written.write_comment(number - 1, place, message, _COMMENT_SIZE)


def _set_widths(written: Any, sheet: Sheet, style: Style) -> None:
    """As wide as the first rows need; a Chinese character takes two places."""
    widths: dict[int, int] = defaultdict(lambda: 8)
    for row in sheet.rows[:200]:
        for place, cell in enumerate(row.cells):
            if cell is not None:
                widths[place] = max(widths[place], min(36, 2 + len(cell.text.encode("gb18030", "replace"))))
    for place, width in widths.items():
        written.set_column(place, place, width, style.plain)
    written.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})


def _write_list(out: OutBook, faults: Sequence[Fault], warnings: Sequence[Fault], marked: int) -> None:
    sheet = out.add_sheet("sheet_faults")
    text, head = out.style(text_wrap=True), out.style(**_HEAD)
    counts = {"faults": len(faults), "warnings": len(warnings)}
    write_text(sheet, 0, 0, say("summary", sheet=say("sheet_roster"), **counts), out.style(bold=True))
    if marked > COMMENTS:
        said = say("more_comments", count=COMMENTS, sheet=say("sheet_faults"))
        write_text(sheet, 1, 0, said, out.style())
    headings = ("row", "column", "severity", "message", "message_en", "value")
    write_line(sheet, 2, [say(f"heading_{name}") for name in headings], head)
    red, yellow = out.style(**_FAULT), out.style(**_WARNING)
    kinds = [(finding, say("fault"), red) for finding in faults]
    kinds += [(finding, say("warning"), yellow) for finding in warnings]
    for row, (finding, kind, style) in enumerate(kinds, 3):
        where = say("whole_file") if finding.row is None else str(finding.row)
        write_line(sheet, row, (where, finding.heading or "", "", finding.zh, finding.en, finding.value), text)
        write_text(sheet, row, 2, kind, style)
    for place, width in enumerate((10, 16, 8, 60, 60, 30)):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(3, 0)
