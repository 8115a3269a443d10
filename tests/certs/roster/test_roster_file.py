"""Whole files: where the header is, where the table ends, and that nobody is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from certs.roster import MAX_ROWS, RosterReading, template_headings
from certs.sheet import Cell, Row, Sheet, Workbook

Read = Callable[..., RosterReading]
Make = Callable[..., Any]


def faults(reading: RosterReading) -> list[tuple[int | None, str | None, str]]:
    return [(fault.row, fault.heading, fault.code) for fault in reading.faults]


def warnings(reading: RosterReading) -> list[tuple[int | None, str]]:
    return [(fault.row, fault.code) for fault in reading.warnings]


def moved(rows: list[Row], by: int) -> list[Row]:
    return [Row(row.number + by, row.cells, row.hidden) for row in rows]


def test_the_template_begins_with_the_columns_of_the_contract() -> None:
    required = [
        "姓名",
        "证件类型",
        "证件号码",
        "职业",
        "职业方向",
        "等级",
        "理论成绩",
        "专业能力成绩",
        "考核日期",
        "培训证书编号",
    ]
    assert [heading for heading in template_headings() if heading in required] == required


def test_a_header_below_a_merged_title_keeps_the_rows_of_the_sheet(
    read_workbook: Read, make_workbook: Make, make_row: Make
) -> None:
    rows = moved(make_workbook([{}]).sheets[0].rows, 3)
    reading = read_workbook(Workbook([Sheet("名册", [make_row(1, ["2026年第3批名册"]), *rows])], []))
    assert (reading.header_row, reading.candidates[0].row, reading.row_count) == (4, 5, 1)
    assert not reading.faults


@pytest.mark.parametrize(("by", "found"), [(9, True), (10, False)])
def test_the_header_stands_in_the_first_ten_rows(
    read_workbook: Read, make_workbook: Make, by: int, found: bool
) -> None:
    reading = read_workbook(Workbook([Sheet("名册", moved(make_workbook([{}]).sheets[0].rows, by))], []))
    assert faults(reading) == ([] if found else [(None, None, "header_not_found")])


def test_the_sheet_is_chosen_by_its_header(read_workbook: Read, make_workbook: Make, make_row: Make) -> None:
    notes = Sheet("填表说明", [make_row(1, ["姓名", "按证件填写"])])
    reading = read_workbook(Workbook([notes, make_workbook([{}]).sheets[0]], []))
    assert (reading.sheet_name, len(reading.candidates)) == ("名册", 1)


def test_headings_with_notes_stars_and_synonyms_are_known(
    read_workbook: Read, make_row: Make, right_row: dict[str, Any]
) -> None:
    headings = ["* 姓 名", "证件类型（必填）", "身份证号码", "职业名称", "方向", "级别"]
    headings += ["理论知识成绩", "专业\n能力成绩", "考核日期\n(年-月-日)", "培训合格证书编号"]
    rows = [make_row(1, headings), make_row(2, list(right_row.values()))]
    reading = read_workbook(Workbook([Sheet("名册", rows)], []))
    assert not reading.faults
    assert reading.candidates[0].name == "张小明"


def test_a_missing_and_a_repeated_column(
    read_workbook: Read, make_workbook: Make, right_row: dict[str, Any]
) -> None:
    headings = ["姓名" if heading == "考核日期" else heading for heading in right_row]
    reading = read_workbook(make_workbook([{}], headings=headings))
    assert faults(reading) == [(1, "考核日期", "header_missing"), (1, "姓名", "header_duplicate")]
    assert [fault.zh for fault in reading.faults] == [
        "第1行考核日期：缺少“考核日期”列",
        "第1行姓名：“姓名”列出现两次",
    ]
    assert not reading.candidates


def test_columns_that_are_not_known_are_kept(read: Read) -> None:
    reading = read({"民族": "汉族", "座位": Cell("n", "12")})
    assert reading.other_headings == ("民族", "座位")
    assert reading.candidates[0].details.others == ("汉族", "12")
    assert warnings(reading) == [(1, "columns_not_known")]


def test_no_rows(read_workbook: Read, make_workbook: Make) -> None:
    assert faults(read_workbook(make_workbook([]))) == [(None, None, "no_rows")]


def test_too_many_rows(read_workbook: Read, make_workbook: Make) -> None:
    sheet = make_workbook([{}]).sheets[0]
    row = sheet.rows[1]
    rows = [sheet.rows[0], *(Row(place + 2, row.cells, False) for place in range(MAX_ROWS + 1))]
    assert faults(read_workbook(Workbook([Sheet("名册", rows)], []))) == [(None, None, "too_many_rows")]


def test_hidden_rows_are_refused_with_their_numbers(read_workbook: Read, make_workbook: Make) -> None:
    sheet = make_workbook([{}]).sheets[0]
    hidden = Row(2, sheet.rows[1].cells, True)
    reading = read_workbook(Workbook([Sheet("名册", [sheet.rows[0], hidden])], []))
    assert faults(reading) == [(2, None, "hidden_row")]
    assert reading.faults[0].zh == "第2行：本行被隐藏，请取消隐藏或删除"


def with_rows_below(make_workbook: Make, *below: Row) -> Workbook:
    return Workbook([Sheet("名册", [*make_workbook([{}]).sheets[0].rows, *below])], [])


def test_lines_after_an_empty_row_are_ignored_with_a_notice(
    read_workbook: Read, make_workbook: Make, make_row: Make
) -> None:
    foot = [make_row(4, ["填表说明", "一、按证件填写"]), make_row(5, [None, "填表人：某某"])]
    reading = read_workbook(with_rows_below(make_workbook, *foot))
    assert not reading.faults
    assert warnings(reading) == [(4, "bottom_rows_ignored")]
    assert reading.warnings[0].zh == "第4行：表尾2行不是人员，已忽略"
    assert reading.row_count == 1


def test_a_total_directly_below_the_table_ends_it(
    read_workbook: Read, make_workbook: Make, make_row: Make
) -> None:
    reading = read_workbook(with_rows_below(make_workbook, make_row(3, ["合计", "1人"])))
    assert not reading.faults
    assert warnings(reading) == [(3, "bottom_rows_ignored")]


def test_a_person_after_the_end_is_never_lost(read_workbook: Read, make_workbook: Make) -> None:
    person = make_workbook([{}]).sheets[0].rows[1]
    reading = read_workbook(with_rows_below(make_workbook, Row(4, person.cells, False)))
    assert faults(reading) == [(4, None, "row_after_end")]


def test_rows_that_hold_only_a_number_or_spaces_are_empty(
    read_workbook: Read, make_row: Make, right_row: dict[str, Any]
) -> None:
    headings = ["序号", *right_row]
    rows = [
        make_row(1, headings),
        make_row(2, ["1", *right_row.values()]),
        make_row(3, ["2"]),
        make_row(4, ["3", " "]),
    ]
    reading = read_workbook(Workbook([Sheet("名册", rows)], []))
    assert (faults(reading), reading.warnings, reading.row_count) == ([], (), 1)
    assert reading.candidates[0].ordinal == "1"


def test_a_formula_in_the_column_of_row_numbers_is_no_fault(read: Read) -> None:
    assert not read({"序号": Cell("f", "=ROW()-1")}).faults


@pytest.mark.parametrize(
    "code",
    [
        *("file_not_xlsx", "file_encrypted", "file_has_macro", "file_unsafe_size", "file_damaged"),
        *("file_has_dtd", "file_ambiguous", "file_external_link", "workbook_too_complex"),
    ],
)
def test_faults_of_reading_are_handed_on(read_workbook: Read, code: str) -> None:
    reading = read_workbook(Workbook([], [(code, {})]))
    assert faults(reading) == [(None, None, code)]
    assert reading.faults[0].to_json()["zh"]


def test_a_hidden_sheet_is_a_notice(read_workbook: Read, make_workbook: Make) -> None:
    workbook = make_workbook([{}])
    reading = read_workbook(Workbook(workbook.sheets, [("hidden_sheet_ignored", {"sheet": "参数"})]))
    assert warnings(reading) == [(None, "hidden_sheet_ignored")]
    assert "参数" in reading.warnings[0].zh
    assert len(reading.candidates) == 1


def test_all_faults_of_all_rows_are_told_at_once(read: Read, person_number: Callable[[int], str]) -> None:
    reading = read(
        {"姓名": None, "等级": "二级", "理论成绩": "x"},
        {"证件号码": person_number(2)},
        {"证件号码": person_number(3)[:-1], "考核日期": "2025年11月31日"},
    )
    assert [fault[0] for fault in faults(reading)] == [2, 2, 2, 4, 4]
    assert [candidate.row for candidate in reading.candidates] == [3]
    assert reading.row_count == 3
