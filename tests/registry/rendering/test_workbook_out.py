"""The workbooks that the registry writes, read by openpyxl and by the registry's own reader."""

from __future__ import annotations

import io
import stat
import time
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.roster_columns import columns, find_header
from certs.roster_fault import Fault
from certs.sheet import Cell, Row, Sheet, Workbook
from certs.wording import all_codes, words
from registry.issuing.roster_workbook import WorkbookLimits, decode_frame, read_workbook
from registry.issuing.workbook_child import read_to_frame
from registry.rendering.batch_sheets import BatchTitle, IssuedLine, write_hand_over_sheet, write_result_list
from registry.rendering.marked_copy import write_marked_copy
from registry.rendering.roster_template import template_choices, write_template
from registry.rendering.workbook_out import open_book, printable, write_text

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x/","a")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "'x",
    "{=1}",
    "http://x/",
    "007",
]
HEADINGS = ("姓名", "证件类型", "证件号码", "职业", "等级")
TITLE = BatchTitle("北疆数字技术评价中心", "2024年第二批")
LINES = [IssuedLine("周文远", "P0001150000012420001230", "1501**********0041"), IssuedLine("=1+1", "P2")]


def opened(buffer: io.BytesIO) -> Any:
    return openpyxl.load_workbook(buffer)


def roster() -> Workbook:
    head = Row(2, tuple(Cell("s", heading) for heading in HEADINGS), False)
    first = Row(
        3, (Cell("s", "周文远"), None, Cell("n", "1.5E+17"), Cell("f", "=A1"), Cell("s", "中级")), True
    )
    return Workbook([Sheet("说明", []), Sheet("名单", [head, first])], [])


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
@settings(max_examples=100)
def test_any_text_comes_back_as_text(texts: list[str]) -> None:
    buffer = io.BytesIO()
    with open_book(buffer) as out:
        sheet, style = out.add_sheet("sheet_roster"), out.style()
        for row, text in enumerate(texts):
            write_text(sheet, row, 0, text, style)
    rows = decode_frame(b"".join(read_to_frame(buffer.getvalue(), WorkbookLimits()))).sheets[0].rows
    found = {row.number: row.cells[0] for row in rows}
    # A reader of XML gives back one kind of line end.
    expected = {n: Cell("s", printable(text)) for n, text in enumerate(texts, 1) if text}
    assert found == expected


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_stays_text(text: str) -> None:
    buffer = io.BytesIO()
    with open_book(buffer) as out:
        write_text(out.add_sheet("sheet_roster"), 0, 0, text, out.style())
    cell = opened(buffer).worksheets[0]["A1"]
    assert (cell.data_type, cell.value, cell.number_format) == ("s", text.replace("\r", "\n"), "@")
    assert cell.quotePrefix is (text[0] in "=+-@\t'")
    assert cell.hyperlink is None


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "签领表.xlsx"
    path.write_bytes(b"old, and open to all")
    path.chmod(0o644)
    write_hand_over_sheet(path, TITLE, LINES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert len(read_workbook(path.read_bytes()).sheets[0].rows) == 5


def test_template_is_found_by_the_rules_of_rosters() -> None:
    buffer = io.BytesIO()
    write_template(buffer, all_examinees=True)
    found = read_workbook(buffer.getvalue())
    header = find_header(found)
    assert header is not None
    assert (header.sheet.name, header.row) == ("名单", 1)
    assert list(header.places) == [column.key for column in columns()]
    assert not header.missing
    assert found.faults == []
    assert len(header.sheet.rows) == 1


def test_template_columns_are_text_and_offer_choices() -> None:
    buffer = io.BytesIO()
    write_template(buffer, all_examinees=True)
    book = opened(buffer)
    sheet = book["名单"]
    headings = [cell.value for cell in sheet[1]]
    letter = sheet.cell(1, headings.index("证件号码") + 1).column_letter
    assert sheet.column_dimensions[letter].number_format == "@"
    rules = {
        headings[next(iter(rule.sqref.ranges)).min_col - 1]: rule
        for rule in sheet.data_validations.dataValidation
    }
    assert set(rules) == {"证件类型", "职业", "等级", "考核结果"}
    choices = [value.value for value in book["可选值"]["C"][1:] if value.value]
    assert choices == ["初级", "中级", "高级"] == template_choices()["grade"]
    assert rules["等级"].formula1 == "'可选值'!$C$2:$C$4"


def test_a_template_for_a_pass_list_has_no_column_of_results() -> None:
    buffer = io.BytesIO()
    write_template(buffer)
    assert "考核结果" not in [cell.value for cell in opened(buffer)["名单"][1]]


def test_template_explains_every_column() -> None:
    buffer = io.BytesIO()
    write_template(buffer)
    notes = [[cell.value or "" for cell in row] for row in opened(buffer)["填表说明"].iter_rows()]
    explained = {row[0]: row for row in notes}
    for column in columns():
        if column.key != "result":
            assert explained[column.heading][1] == ("必填" if column.required else "选填")
            assert explained[column.heading][2]
    assert any("最后通过的那一科" in row[2] for row in notes)
    assert explained["证件号码"][4][6:10] < "1905"


def test_marked_copy_shows_each_finding_in_its_place() -> None:
    faults = [
        Fault(3, "id_number", "id_stored_as_number", "1501**********0041"),
        Fault(3, None, "hidden_row"),
        Fault(3, "id_type", "id_type_unknown"),
        Fault(None, None, "too_many_rows"),
    ]
    warnings = [Fault(3, "id_number", "other_direction_held"), Fault(3, "grade", "other_direction_held")]
    buffer = io.BytesIO()
    write_marked_copy(buffer, roster(), faults, warnings)
    book = opened(buffer)
    sheet, findings = book["名单"], book["问题清单"]
    assert [cell.value for cell in sheet[2]] == list(HEADINGS)
    assert [cell.value for cell in sheet[3]] == ["周文远", None, "1.5E+17", "=A1", "中级"]
    assert {cell.data_type for cell in sheet[3]} <= {"s", "n"}
    assert sheet["D3"].data_type == "s"
    assert not sheet.row_dimensions[3].hidden
    assert "数字格式" in sheet["C3"].comment.text
    assert "其他方向" in sheet["C3"].comment.text
    assert "隐藏" in sheet["A3"].comment.text
    assert sheet["B3"].fill.fgColor.rgb == sheet["C3"].fill.fgColor.rgb == "FFFFC7CE"
    assert sheet["E3"].fill.fgColor.rgb == "FFFFEB9C"
    assert sheet["D3"].comment is None
    listed = [[cell.value for cell in row][:3] for row in findings.iter_rows(min_row=4)]
    assert listed[0] == ["3", "证件号码", "错误"]
    assert listed[3] == ["整个文件", None, "错误"]
    assert [line[2] for line in listed] == ["错误"] * 4 + ["提醒"] * 2


def test_marked_copy_can_be_uploaded_again() -> None:
    buffer = io.BytesIO()
    write_marked_copy(buffer, roster(), [Fault(3, "id_number", "id_stored_as_number")])
    again = read_workbook(buffer.getvalue())
    header = find_header(again)
    assert header is not None
    assert (header.sheet.name, header.row) == ("名单", 2)
    assert [row.number for row in header.sheet.rows] == [2, 3]
    assert header.sheet.rows[1].cells[3] == Cell("s", "=A1")


def test_marked_copy_of_what_holds_no_roster() -> None:
    for book in (Workbook([], []), Workbook([Sheet("x", [Row(1, (Cell("s", "x"),), False)])], [])):
        buffer = io.BytesIO()
        write_marked_copy(buffer, book, [Fault(None, None, "header_not_found")])
        assert opened(buffer)["问题清单"]["A4"].value == "整个文件"


def test_marked_copy_of_many_faults_stays_quick() -> None:
    cells = (Cell("s", "周文远"),) * len(HEADINGS)
    rows = [Row(number, cells, False) for number in range(2, 8_002)]
    head = Row(1, tuple(Cell("s", heading) for heading in HEADINGS), False)
    faults = [Fault(row.number, "grade", "grade_unknown", "周文远") for row in rows]
    buffer, started = io.BytesIO(), time.monotonic()
    write_marked_copy(buffer, Workbook([Sheet("名单", [head, *rows])], []), faults)
    assert time.monotonic() - started < 20
    comments = zipfile.ZipFile(buffer).read("xl/comments1.xml").count(b"<comment ")
    assert comments == 5_000


def test_hand_over_sheet_is_made_for_printing() -> None:
    buffer = io.BytesIO()
    write_hand_over_sheet(buffer, TITLE, LINES)
    sheet = opened(buffer).worksheets[0]
    assert [cell.value for cell in sheet[3]] == ["序号", "姓名", "证书编号", "领取人签字", "日期"]
    assert [cell.value for cell in sheet[4]][:3] == ["1", "周文远", "P0001150000012420001230"]
    assert sheet["B5"].value == "'=1+1"
    assert sheet["A2"].value == "北疆数字技术评价中心　　考核批次：2024年第二批　　共 2 份"
    assert (sheet.page_setup.paperSize, sheet.page_setup.fitToHeight) == (9, 0)
    assert sheet.print_title_rows == "$1:$3"


def test_result_list_shows_masked_numbers() -> None:
    buffer = io.BytesIO()
    write_result_list(buffer, TITLE, LINES)
    sheet = opened(buffer).worksheets[0]
    assert sheet["C4"].value == "1501**********0041"
    assert sheet["H4"].value == "P0001150000012420001230"
    assert sheet.page_setup.orientation == "landscape"


def test_a_title_is_never_a_formula() -> None:
    buffer = io.BytesIO()
    write_hand_over_sheet(buffer, BatchTitle("=1+1", "x"), LINES)
    assert opened(buffer).worksheets[0]["A2"].data_type == "s"


def test_every_word_has_both_languages() -> None:
    for code in all_codes("workbook"):
        assert words("workbook", code).zh
        assert words("workbook", code).en
