"""A roster: from the typed cells of a workbook to candidates, with every fault in its place.

The steps: find the header · take the rows of the table · read each row. Nothing is guessed and nothing is
dropped silently: a row is a candidate, or has a fault, or is named in a notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from certs.candidate import Candidate
from certs.roster_columns import Header, columns, columns_by_key, find_header
from certs.roster_context import RosterContext
from certs.roster_fault import Fault
from certs.roster_findings import Findings
from certs.roster_row import RowReader
from certs.sheet import Row, Workbook

MAX_ROWS = 100_000
_PERSON_CELLS = 5
"""A row after the end of the table with so many required cells filled is a person who would be lost."""
_BOTTOM_CELLS = 2
_BOTTOM_WORDS = (
    *("合计", "总计", "小计", "共计"),
    *("填表", "制表", "经办", "复核", "审核", "说明", "备注", "注:", "注："),
)


@dataclass(frozen=True, slots=True)
class RosterReading:
    """What a file holds.

    ``candidates`` are the rows without faults, in the order of the sheet; nothing may be issued while there
    are ``faults``. ``row_count`` counts the rows of the table, with faults or without. ``other_headings`` are
    columns the register does not know; their texts are kept in each candidate's ``details.others`` in this
    order.
    """

    candidates: tuple[Candidate, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    row_count: int = 0
    sheet_name: str | None = None
    header_row: int | None = None
    other_headings: tuple[str, ...] = ()


class _Table(NamedTuple):
    """The rows of people, and what follows them."""

    rows: list[Row]
    after: list[Row]


def read_roster(workbook: Workbook, context: RosterContext) -> RosterReading:
    """The candidates of a workbook, or all its faults."""
    findings = Findings()
    for code, params in workbook.faults:
        findings.add(Fault(None, None, code, params=params))
    header = find_header(workbook)
    if header is None:
        if not findings.faults:
            findings.add(Fault(None, None, "header_not_found"))
        return _reading((), findings)
    table = _table(header)
    _judge_header(header, findings)
    _judge_table(table, findings)
    if findings.faults:
        return _reading((), findings, header, len(table.rows))
    reader = RowReader(header, context, findings)
    candidates = [candidate for row in table.rows if (candidate := reader.read(row)) is not None]
    _report_rows_after(header, table.after, findings)
    return _reading(tuple(candidates), findings, header, len(table.rows))


def _reading(
    candidates: tuple[Candidate, ...], findings: Findings, header: Header | None = None, row_count: int = 0
) -> RosterReading:
    faults, warnings = tuple(findings.faults), tuple(findings.warnings)
    if header is None:
        return RosterReading(candidates, faults, warnings)
    others = tuple(heading for heading, _ in header.others)
    return RosterReading(candidates, faults, warnings, row_count, header.sheet.name, header.row, others)


def _judge_header(header: Header, findings: Findings) -> None:
    for code, found in (("header_missing", header.missing), ("header_duplicate", header.repeated)):
        for column in found:
            params = {"heading": column.heading, "heading_en": column.heading_en}
            findings.add(Fault(header.row, column.key, code, params=params))
    if header.others:
        headings = "、".join(heading for heading, _ in header.others)
        findings.add(Fault(header.row, None, "columns_not_known", params={"headings": headings[:200]}))


def _judge_table(table: _Table, findings: Findings) -> None:
    if not table.rows:
        findings.add(Fault(None, None, "no_rows"))
    if len(table.rows) > MAX_ROWS:
        findings.add(Fault(None, None, "too_many_rows"))


def _report_rows_after(header: Header, after: list[Row], findings: Findings) -> None:
    ignored = []
    for row in after:
        if _required_cells(header, row) >= _PERSON_CELLS:
            findings.add(Fault(row.number, None, "row_after_end"))
        else:
            ignored.append(row.number)
    if ignored:
        findings.add(Fault(ignored[0], None, "bottom_rows_ignored", params={"count": len(ignored)}))


def _table(header: Header) -> _Table:
    """The rows from the first that is filled to the first gap or the first line of the foot."""
    below = [row for row in header.sheet.rows if row.number > header.row]
    rows: list[Row] = []
    for place, (row, is_filled) in enumerate(_filled(header, below)):
        gap = bool(rows) and row.number != rows[-1].number + 1
        if gap or (rows and not is_filled) or (is_filled and _is_foot(header, row)):
            return _Table(rows, [r for r, filled in _filled(header, below[place:]) if filled])
        if is_filled:
            rows.append(row)
    return _Table(rows, [])


def _filled(header: Header, rows: list[Row]) -> Iterator[tuple[Row, bool]]:
    """Each row with whether any known column but 序号 holds something.

    Templates come with numbers filled in.
    """
    name = header.places.get("name", -1)
    places = [place for key, place in header.places.items() if key != "ordinal"]
    for row in rows:
        cells = row.cells
        if 0 <= name < len(cells) and (cell := cells[name]) is not None and cell.text.strip():
            yield row, True
        else:
            yield row, any(_holds(row, place) for place in places)


def _is_foot(header: Header, row: Row) -> bool:
    """合计, 填表说明, 填表人: a line that begins with such a word and fills hardly anything."""
    first = next((cell.text.strip() for cell in row.cells if cell is not None and cell.text.strip()), "")
    return first.startswith(_BOTTOM_WORDS) and _required_cells(header, row) <= _BOTTOM_CELLS


def _required_cells(header: Header, row: Row) -> int:
    known = columns_by_key()
    return sum(known[key].required and _holds(row, place) for key, place in header.places.items())


def _holds(row: Row, place: int) -> bool:
    cell = row.cells[place] if place < len(row.cells) else None
    return cell is not None and bool(cell.text.strip())


def template_headings() -> list[str]:
    """The headings of the template, in its order."""
    return [column.heading for column in columns()]
