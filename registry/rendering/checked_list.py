"""批量查验结果: a list as it was read, with the answers on its right, and a sheet to print that counts them.

Columns and rows keep their places. Nothing of an ID is added to what the list held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certs.finding import Verdict
from certs.list_answer import MALFORMED, NO_MATCH, RESULTS, ListAnswer
from certs.list_sheet import ListSheet
from certs.status import State
from certs.timestamps import SHANGHAI
from certs.wording import words
from registry.rendering.workbook_out import OutBook, Style, Target, open_book, write_line, write_text

NAMESPACE = "list"
_HEADINGS = (
    *("heading_result", "heading_said", "heading_occupation", "heading_grade", "heading_direction"),
    *("heading_institution", "heading_issued_on", "heading_state", "heading_successor", "heading_checked_at"),
)
_WIDTHS = (12, 40, 24, 6, 22, 26, 12, 10, 26, 20)
_GREEN, _BLUE, _YELLOW, _RED, _GREY = "#C6EFCE", "#DDEBF7", "#FFEB9C", "#FFC7CE", "#E7E6E6"
_COLOURS = {
    Verdict.VALID.value: _GREEN,
    State.SUPERSEDED.value: _BLUE,
    NO_MATCH: _YELLOW,
    MALFORMED: _YELLOW,
    Verdict.UNDETERMINED.value: _GREY,
}
"""Every other result is red."""
_HEAD = {"bold": True, "bg_color": "#DDEBF7", "border": 1}
_A4 = 9


@dataclass(frozen=True, slots=True)
class CheckedList:
    """A list with the answers by row, and when, as of when and under which id it was checked."""

    listed: ListSheet
    answers: Mapping[int, ListAnswer]
    check_id: str
    checked_at: datetime
    as_of: datetime

    def counts(self) -> dict[str, int]:
        """How often each result occurs, in the order of counting; those that do not occur are left out."""
        found = Counter(answer.result for answer in self.answers.values())
        return {result: found[result] for result in RESULTS if found[result]}


def write_checked_list(target: Target, checked: CheckedList) -> None:
    """Write the workbook. It holds what the list held: a file gets mode 0600."""
    with open_book(target) as out:
        _write_summary(out, checked)
        _write_answers(out, checked)


def _write_summary(out: OutBook, checked: CheckedList) -> None:
    sheet = out.book.add_worksheet(_say("sheet_summary"))
    text, bold, head = out.style(), out.style(bold=True), out.style(**_HEAD)
    write_text(sheet, 0, 0, _say("title"), out.style(bold=True, font_size=16))
    about = (("check_id", checked.check_id), ("checked_at", _time(checked.checked_at)), ("as_of", _time(checked.as_of)))
    for row, (code, value) in enumerate(about, 2):
        write_line(sheet, row, (_say(code), value), text)
    write_line(sheet, 6, (_say("heading_result"), _say("count")), head)
    counts = checked.counts()
    styles = _styles(out)
    for row, (result, count) in enumerate(counts.items(), 7):
        write_text(sheet, row, 0, _say(result), styles[result])
        write_text(sheet, row, 1, str(count), text)
    write_line(sheet, 7 + len(counts), (_say("total"), str(len(checked.answers))), bold)
    write_text(sheet, 9 + len(counts), 0, _say("note"), text)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 28)
    _fit_to_page(sheet)


def _write_answers(out: OutBook, checked: CheckedList) -> None:
    sheet = out.book.add_worksheet(_say("sheet_checked"))
    text, styles = out.style(), _styles(out)
    listed = checked.listed
    first = max((len(row.cells) for row in listed.sheet.rows), default=0)
    checked_at = _time(checked.checked_at)
    for row in listed.sheet.rows:
        for place, cell in enumerate(row.cells):
            if cell is not None:
                write_text(sheet, row.number - 1, place, cell.text, text)
        answer = checked.answers.get(row.number)
        if answer is not None:
            _write_answer(sheet, row.number - 1, first, (answer, checked_at), text, styles[answer.result])
    for place, code in enumerate(_HEADINGS, first):
        write_text(sheet, listed.header_row - 1, place, _say(code), out.style(**_HEAD))
    for place, width in enumerate(_WIDTHS, first):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(listed.header_row, 0)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    _fit_to_page(sheet)


def _write_answer(
    sheet: Any, row: int, first: int, answered: tuple[ListAnswer, str], text: Style, coloured: Style
) -> None:
    answer, checked_at = answered
    write_text(sheet, row, first, _say(answer.result), coloured)
    fields: Sequence[str] = (*answer[1:], checked_at)
    for place, field in enumerate(fields, first + 1):
        if field:
            write_text(sheet, row, place, field, text)


def _styles(out: OutBook) -> dict[str, Style]:
    """The look of each result."""
    return {result: out.style(bg_color=_COLOURS.get(result, _RED), border=1) for result in RESULTS}


def _fit_to_page(sheet: Any) -> None:
    """A4, as wide as the page, with the page's number."""
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C&P / &N")


def _time(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _say(code: str) -> str:
    return words(NAMESPACE, code).zh
