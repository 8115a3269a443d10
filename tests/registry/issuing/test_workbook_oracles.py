"""openpyxl and calamine, two programs that are not ours, read the same values out of the same workbooks."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
import python_calamine
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.sheet import Cell
from registry.issuing.roster_workbook import WorkbookLimits, decode_frame, read_workbook
from registry.issuing.workbook_child import read_to_frame
from registry.issuing.workbook_dates import is_date_format

Value = str | float | bool | dt.datetime | None

# No control characters, which openpyxl leaves escaped, and no "_x", which it only half decodes.
texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=20).filter(
    lambda text: "_x" not in text
)
numbers = st.one_of(
    st.integers(-(10**15), 10**15).map(float), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
clocks = st.one_of(st.just(dt.time()), st.times().map(lambda clock: clock.replace(microsecond=0)))
moments = st.builds(dt.datetime.combine, st.dates(dt.date(1900, 1, 1), dt.date(9999, 12, 30)), clocks)
values = st.one_of(st.none(), texts, numbers, st.booleans(), moments)
sheets = st.lists(st.lists(values, max_size=8), min_size=1, max_size=8)


def write_with_xlsxwriter(rows: list[list[Value]], *, inline: bool = False, date1904: bool = False) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer,
        {"constant_memory": inline, "date_1904": date1904, "default_date_format": "yyyy-mm-dd hh:mm:ss"},
    )
    sheet = book.add_worksheet()
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            if isinstance(value, str):
                sheet.write_string(row, column, value)
            elif value is not None:
                sheet.write(row, column, value)
    book.close()
    return buffer.getvalue()


def write_with_openpyxl(rows: list[list[Value]]) -> bytes:
    book = openpyxl.Workbook()
    for row, cells in enumerate(rows, 1):
        for column, value in enumerate(cells, 1):
            cell = book.worksheets[0].cell(row, column, value)
            if isinstance(value, str):
                cell.data_type = "s"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def plain(value: Any) -> Value:
    """A value of either program in one form: numbers as floats, days as moments, emptiness as None."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return None if value == "" else value


def ours(data: bytes) -> dict[tuple[int, int], Value]:
    found = decode_frame(b"".join(read_to_frame(data, WorkbookLimits()))).sheets[0]
    return {
        (row.number, column): meaning(cell)
        for row in found.rows
        for column, cell in enumerate(row.cells, 1)
        if cell is not None
    }


def meaning(cell: Cell) -> Value:
    if cell.kind == "n":
        return float(cell.text)
    if cell.kind == "b":
        return cell.text == "TRUE"
    return dt.datetime.fromisoformat(cell.text) if cell.kind == "d" else cell.text


def by_openpyxl(data: bytes) -> dict[tuple[int, int], Value]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    cells = ((cell.row, cell.column, plain(cell.value)) for row in sheet.iter_rows() for cell in row)
    return {(row, column): value for row, column, value in cells if value is not None}


def by_calamine(data: bytes) -> dict[tuple[int, int], Value]:
    sheet = python_calamine.load_workbook(io.BytesIO(data)).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)
    cells = {(r, c): plain(value) for r, row in enumerate(rows, 1) for c, value in enumerate(row, 1)}
    return {place: value for place, value in cells.items() if value is not None}


def trimmed(cells: dict[tuple[int, int], Value]) -> dict[tuple[int, int], Value]:
    """Texts without outer spaces: openpyxl does not mark them as kept, and calamine then drops them."""
    texts = {place: value.strip() if isinstance(value, str) else value for place, value in cells.items()}
    return {place: value for place, value in texts.items() if value != ""}


def differences(one: dict[tuple[int, int], Value], other: dict[tuple[int, int], Value]) -> list[Any]:
    return [
        (place, one.get(place), other.get(place))
        for place in one | other
        if one.get(place) != other.get(place)
    ]


@given(sheets, st.booleans(), st.booleans())
@settings(max_examples=120)
def test_what_xlsxwriter_wrote(rows: list[list[Value]], inline: bool, date1904: bool) -> None:
    if date1904:
        rows = [[v for v in row if not isinstance(v, dt.datetime) or v.year > 1904] for row in rows]
    data = write_with_xlsxwriter(rows, inline=inline, date1904=date1904)
    found = ours(data)
    assert differences(found, by_openpyxl(data)) == []
    assert differences(found, by_calamine(data)) == []


@given(sheets)
@settings(max_examples=60)
def test_what_openpyxl_wrote(rows: list[list[Value]]) -> None:
    data = write_with_openpyxl(rows)
    found = ours(data)
    assert differences(found, by_openpyxl(data)) == []
    assert differences(trimmed(found), trimmed(by_calamine(data))) == []


def test_the_process_reads_what_is_read_in_place() -> None:
    rows: list[list[Value]] = [
        ["姓名", "𠮷", 59.5, True, dt.datetime.fromisoformat("2024-05-20")],
        [None, "李四"],
    ]
    data = write_with_xlsxwriter(rows)
    assert read_workbook(data) == decode_frame(b"".join(read_to_frame(data, WorkbookLimits())))


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("General", False),
        ("@", False),
        ("0.00E+00", False),
        ("#,##0.00_);[Red](#,##0.00)", False),
        ('"yyyy"0', False),
        (r"0\d", False),
        ("0_d", False),
        ("[$-804]General", False),
        ('0"年"', False),
        ("[Red]0", False),
        ("yyyy/m/d;@", True),
        ('[$-804]yyyy"年"m"月"d"日";@', True),
        ("yyyy年m月d日", True),
        ("mm-dd-yy", True),
        ("[h]:mm:ss", True),
        ("[h]", True),
        ("[DBNum1][$-804]yyyy", True),
        ("m/d/yy h:mm", True),
    ],
)
def test_date_formats(code: str, is_date: bool) -> None:
    assert is_date_format(code) is is_date
