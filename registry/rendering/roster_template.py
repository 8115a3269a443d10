"""The roster template that institutions fill in: the list, how to fill it in, and what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from certs.assessment import AssessmentResult
from certs.grades import Grade
from certs.id_document import IdType
from certs.occupations import catalogue
from certs.roster_columns import Column, columns
from certs.wording import Words, words
from registry.rendering.workbook_out import (
    NAMESPACE,
    OutBook,
    Style,
    Target,
    open_book,
    say,
    write_line,
    write_text,
)

_ROWS = 100_001
_WIDTHS = {
    "ordinal": 6,
    "id_number": 24,
    "occupation": 26,
    "direction": 24,
    "training_certificate": 26,
    "employer": 24,
}
_WIDTH = 14
_NOTES = (
    "note_one_row",
    "note_values",
    "note_text",
    "note_dates",
    "note_two_days",
    "note_pass_list",
    "note_end",
    "note_size",
    "note_example",
)
_HEAD = {"bold": True, "border": 1, "align": "center"}
_REQUIRED = {**_HEAD, "bg_color": "#1F4E79", "font_color": "#FFFFFF"}
_OPTIONAL = {**_HEAD, "bg_color": "#DDEBF7"}
_RESULT = "result"


def template_choices() -> dict[str, list[str]]:
    """What the drop-down lists offer, by column key."""
    return {
        "id_type": [id_type.zh for id_type in IdType],
        "occupation": [occupation.name_zh for occupation in catalogue().occupations],
        "grade": [grade.zh for grade in Grade],
        "result": [result.zh for result in AssessmentResult],
    }


def write_template(
    target: Target,
    shown: Sequence[Column] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
    *,
    all_examinees: bool = False,
) -> None:
    """Writes the template with these columns (by default all) and these drop-down lists.

    The list comes first. Every column is text, so that an ID number keeps its digits and a date its form. By
    default the template is for a pass list and has no 考核结果, since that column, left empty,
    would lack a result in each row; ``all_examinees`` adds it.
    """
    if shown is None:
        shown = [column for column in columns() if all_examinees or column.key != _RESULT]
    offered = template_choices() if choices is None else choices
    with open_book(target) as out:
        roster = out.add_sheet("sheet_roster")
        _write_header(out, roster, shown)
        _write_notes(out, shown)
        _offer_choices(out, roster, shown, offered)


def _write_header(out: OutBook, sheet: Any, shown: Sequence[Column]) -> None:
    text, required, optional = out.style(), out.style(**_REQUIRED), out.style(**_OPTIONAL)
    for place, column in enumerate(shown):
        sheet.set_column(place, place, _WIDTHS.get(column.key, _WIDTH), text.plain)
        write_text(sheet, 0, place, column.heading, required if column.required else optional)
    sheet.set_row(0, 24)
    sheet.freeze_panes(1, 0)
    # Digits as text are meant so here: no green corners.
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{_ROWS}"})


def _write_notes(out: OutBook, shown: Sequence[Column]) -> None:
    sheet = out.add_sheet("sheet_notes")
    text, head = out.style(text_wrap=True), out.style(**_OPTIONAL)
    for row, code in enumerate(_NOTES):
        said = words(NAMESPACE, code)
        write_line(sheet, row, (f"{row + 1}.", "", said.zh, said.en), text)
    first = len(_NOTES) + 1
    headings = ("heading_column", "heading_required", "heading_how", "heading_how_en", "heading_example")
    write_line(sheet, first, [say(code) for code in headings], head)
    for row, column in enumerate(shown, first + 1):
        _write_column_note(sheet, row, column, words(NAMESPACE, f"column_{column.key}"), text)
    for place, width in enumerate((16, 10, 60, 60, 26)):
        sheet.set_column(place, place, width)


def _write_column_note(sheet: Any, row: int, column: Column, said: Words, style: Style) -> None:
    needed = say("required" if column.required else "optional")
    write_line(sheet, row, (column.heading, needed, said.zh, said.en, said.advice_zh), style)


def _offer_choices(out: OutBook, roster: Any, shown: Sequence[Column], offered: Mapping[str, Sequence[str]]) -> None:
    """A sheet of its own holds the lists: a list inside a rule may have 255 characters only."""
    sheet = out.add_sheet("sheet_choices")
    name = say("sheet_choices")
    text, head = out.style(), out.style(**_OPTIONAL)
    listed = [(place, column) for place, column in enumerate(shown) if offered.get(column.key)]
    for at, (place, column) in enumerate(listed):
        values = offered[column.key]
        sheet.set_column(at, at, 30, text.plain)
        write_text(sheet, 0, at, say("choices_of", heading=column.heading), head)
        for row, value in enumerate(values, 1):
            write_text(sheet, row, at, value, text)
        letter = chr(ord("A") + at)
        rule = {"validate": "list", "source": f"='{name}'!${letter}$2:${letter}${len(values) + 1}"}
        roster.data_validation(1, place, _ROWS - 1, place, rule | {"error_type": "warning"})
