"""The sheets of an issued batch: the list to be signed at the hand-over, and the list of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from registry.rendering.workbook_out import OutBook, Style, Target, open_book, say, write_line, write_text

_A4 = 9
_ROW_HEIGHT = 26  # points: room for a signature
_BORDERED = {"border": 1, "align": "center", "shrink": True}
_HEAD = {"border": 1, "align": "center", "bold": True, "bg_color": "#DDEBF7"}
_TITLE_ROWS = 3
_LITERAL = ("=", "+", "-", "@", "\t", "\r")


class IssuedLine(NamedTuple):
    """One certificate of a batch, each value as it is to be read. ``id_masked`` is never the whole number."""

    name: str
    number: str
    id_masked: str = ""
    occupation: str = ""
    direction: str = ""
    grade: str = ""
    assessed_on: str = ""
    issued_on: str = ""


class BatchTitle(NamedTuple):
    """Whose batch it is: names as they are to be printed."""

    institution: str
    batch: str


def write_hand_over_sheet(target: Target, title: BatchTitle, lines: Sequence[IssuedLine]) -> None:
    """签领表: 序号, 姓名, 证书编号, 领取人签字, 日期; A4 upright, the head on each page. Mode 0600."""
    headings = ("ordinal", "name", "number", "signature", "signed_on")
    rows = [(str(ordinal), line.name, line.number, "", "") for ordinal, line in enumerate(lines, 1)]
    _write_list(target, "sheet_hand_over", title, headings, rows, widths=(7, 16, 30, 22, 16))


def write_result_list(target: Target, title: BatchTitle, lines: Sequence[IssuedLine]) -> None:
    """发证清单: one line for each certificate of the batch, A4 on its side. Mode 0600."""
    headings = (
        "ordinal", "name", "id", "occupation", "direction", "grade", "assessed_on", "number", "issued_on",
    )  # fmt: skip
    rows = [
        (
            str(ordinal), line.name, line.id_masked, line.occupation, line.direction, line.grade,
            line.assessed_on, line.number, line.issued_on,
        )
        for ordinal, line in enumerate(lines, 1)
    ]  # fmt: skip
    widths = (7, 14, 24, 26, 26, 8, 12, 28, 12)
    _write_list(target, "sheet_result", title, headings, rows, widths=widths, landscape=True)


def _write_list(
    target: Target,
    name: str,
    title: BatchTitle,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    widths: Sequence[int],
    landscape: bool = False,
) -> None:
    with open_book(target) as out:
        sheet = out.add_sheet(name)
        _write_title(out, sheet, name, title, len(rows), len(headings))
        write_line(sheet, _TITLE_ROWS - 1, [say(f"heading_{code}") for code in headings], out.style(**_HEAD))
        _write_rows(sheet, rows, out.style(**_BORDERED))
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        _prepare_print(sheet, landscape)


def _write_rows(sheet: Any, rows: Sequence[Sequence[str]], style: Style) -> None:
    for number, texts in enumerate(rows, _TITLE_ROWS):
        sheet.set_row(number, _ROW_HEIGHT)
        write_line(sheet, number, [literal(text) for text in texts], style)


def literal(text: str) -> str:
    """A text that no program takes for a formula, not even after the sheet was saved as CSV."""
    return f"'{text}" if text.startswith(_LITERAL) else text


def _write_title(out: OutBook, sheet: Any, name: str, title: BatchTitle, count: int, columns: int) -> None:
    big, small = out.style(bold=True, font_size=16, align="center"), out.style(align="center")
    shown = say("title_batch", institution=title.institution, batch=title.batch, count=count)
    heading = say(name.replace("sheet_", "title_"))
    for row, (text, style) in enumerate(((heading, big), (shown, small))):
        sheet.merge_range(row, 0, row, columns - 1, "", style.plain)
        write_text(sheet, row, 0, text, style)
    sheet.set_row(0, 32)


def _prepare_print(sheet: Any, landscape: bool) -> None:
    if landscape:
        sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, _TITLE_ROWS - 1)
    sheet.center_horizontally()
    sheet.set_footer("&C&P / &N")
    sheet.freeze_panes(_TITLE_ROWS, 0)
