"""Every code that one cell, or two rows together, can have; and that each has words in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from certs.grades import CertificateKind
from certs.identifiers import resident_id_check
from certs.roster import RosterReading
from certs.roster_findings import WARNINGS
from certs.roster_held import ALREADY, OTHER_DIRECTION, TRAINING_MISMATCH, TRAINING_UNKNOWN
from certs.sheet import Cell
from certs.wording import all_codes, words

Read = Callable[..., RosterReading]


def citizen(division: str, born: str, sequence: str = "001") -> str:
    body = division + born + sequence
    return body + resident_id_check(body)


def number(text: str) -> Cell:
    return Cell("n", text)


class Case(NamedTuple):
    """A code, the column it stands at, and the changes of the right row that reach it."""

    code: str
    column: str | None
    changes: Mapping[str, str | Cell | None]
    context: Mapping[str, Any] = {}


RIGHT_ID = citizen("150102", "19040101")
MAN, WOMAN = RIGHT_ID, citizen("150102", "19040101", "002")
CELL_CASES = [
    Case("formula_cell", "姓名", {"姓名": Cell("f", '="张"&"三"')}),
    Case("formula_cell", "理论成绩", {"理论成绩": Cell("f", "=B2")}),
    Case("error_cell", "职业", {"职业": Cell("e", "#N/A")}),
    Case("code_stored_as_number", "准考证号", {"准考证号": number("202610200000000001")}),
    Case("code_stored_as_number", "国家证书编号", {"国家证书编号": number("1.2E+21")}),
    Case("text_invisible_character", "工作单位", {"工作单位": "某\u200b公司"}),
    Case("text_too_long", "备注", {"备注": "字" * 201}),
    Case("text_too_long", "考核批次", {"考核批次": "字" * 41}),
    Case("name_empty", "姓名", {"姓名": None}),
    Case("name_empty", "姓名", {"姓名": "  ", "备注": "x"}),
    Case("name_invisible_character", "姓名", {"姓名": "张小\u200b明"}),
    Case("name_invisible_character_first", "姓名", {"姓名": "\u200e张小明"}),
    Case("name_private_use_character", "姓名", {"姓名": "张\ue863"}),
    Case(
        "name_glyph_missing",
        "姓名",
        {"姓名": "李𪻐"},
        {"missing_glyphs": lambda text: "𪻐" if "𪻐" in text else ""},
    ),
    Case("name_character_not_allowed", "姓名", {"姓名": "张3"}),
    Case("name_character_not_allowed", "姓名", {"姓名": number("3")}),
    Case("name_too_long", "姓名", {"姓名": "长" * 26}),
    Case("name_too_long_letters", "姓名", {"姓名": "n" * 51}),
    Case("name_dot_normalised", "姓名", {"姓名": "买买提・艾力"}),
    Case("name_space_removed", "姓名", {"姓名": "张 小明"}),
    Case("name_characters_normalised", "姓名", {"姓名": "Jose\u0301"}),
    Case("id_type_missing", "证件类型", {"证件类型": None}),
    Case("id_type_unknown", "证件类型", {"证件类型": "驾驶证"}),
    Case("id_type_lookalike", "证件类型", {"证件类型": "港澳通行证", "证件号码": "H12345678"}),
    Case("id_type_other", "证件类型", {"证件类型": "军官证", "证件号码": "北字第1234号", "备注": "军官证"}),
    Case("remark_missing", "备注", {"证件类型": "其他", "证件号码": "北字第1234号"}),
    Case("id_missing", "证件号码", {"证件号码": None}),
    Case("id_missing", "证件号码", {"证件号码": "\u200b"}),
    Case("id_stored_as_number", "证件号码", {"证件号码": number("150102190401010000")}),
    Case("id_stored_as_number", "证件号码", {"证件号码": number("1.50102190401010E+17")}),
    Case("id_stored_as_number", "证件号码", {"证件号码": number("150102040101001")}),
    Case("id_stored_as_number", "证件号码", {"证件号码": "1.50102E+17"}),
    Case("id_length", "证件号码", {"证件号码": RIGHT_ID[:-1]}),
    Case("id_length", "证件号码", {"证件号码": number("12345678")}),
    Case("id_length_either", "证件号码", {"证件类型": "永居证", "证件号码": "9123"}),
    Case("id_old_15", "证件号码", {"证件号码": "150102040101001"}),
    Case("id_check_failed", "证件号码", {"证件号码": RIGHT_ID[:-2] + RIGHT_ID[-2:].swapcase()[::-1]}),
    Case("id_birth_date", "证件号码", {"证件号码": citizen("150102", "19040230")}),
    Case("id_birth_in_future", "证件号码", {"证件号码": citizen("150102", "20261121")}),
    Case("id_type_mismatch", "证件号码", {"证件类型": "回乡证"}),
    Case("nationality_missing", "国籍/地区", {"证件类型": "护照", "证件号码": "E1234567", "国籍/地区": None}),
    Case(
        "nationality_unknown", "国籍/地区", {"证件类型": "护照", "证件号码": "E1234567", "国籍/地区": "火星"}
    ),
    Case("sex_unknown", "性别", {"性别": "M"}),
    Case("sex_contradicts_id", "性别", {"证件号码": MAN, "性别": "女"}),
    Case("birth_date_contradicts_id", "出生日期", {"出生日期": "1904-01-02"}),
    Case("birth_date_in_future", "出生日期", {"出生日期": "2026-11-21"}),
    Case("date_impossible", "出生日期", {"出生日期": "1904-02-30"}),
    Case("occupation_missing", "职业", {"职业": None}),
    Case("occupation_unknown", "职业", {"职业": "电工"}),
    Case("direction_unknown", "职业方向", {"职业方向": "智能烹饪"}),
    Case("direction_required", "职业方向", {"职业方向": None}),
    Case("direction_required", "职业方向", {"职业方向": "--"}),
    Case("direction_not_at_grade", "职业方向", {"职业方向": "智能制造系统架构构建"}),
    Case("direction_malformed", "职业方向", {"职业": "区块链", "职业方向": "<b>开发</b>"}),
    Case("direction_malformed", "职业方向", {"职业": "区块链", "职业方向": "开" * 31}),
    Case("grade_missing", "等级", {"等级": None}),
    Case("grade_unknown", "等级", {"等级": "二级"}),
    Case("site_unknown", "考核站点", {"考核站点": "呼和浩特考点"}),
    Case("site_unknown", "考核站点", {"考核站点": "02"}),
    Case("mark_missing", "理论成绩", {"理论成绩": None}),
    Case("mark_missing", "专业能力成绩", {"专业能力成绩": " "}),
    Case("mark_not_number", "理论成绩", {"理论成绩": "缺考"}),
    Case("mark_not_number", "理论成绩", {"理论成绩": number("NaN")}),
    Case("mark_not_number", "理论成绩", {"理论成绩": Cell("b", "TRUE")}),
    Case("mark_not_number", "理论成绩", {"理论成绩": Cell("d", "2024-05-20")}),
    Case("mark_out_of_range", "理论成绩", {"理论成绩": number("101")}),
    Case("mark_out_of_range", "理论成绩", {"理论成绩": number("-1")}),
    Case("mark_too_precise", "理论成绩", {"理论成绩": number("59.995")}),
    Case("mark_below_pass", "理论成绩", {"理论成绩": number("59.5")}),
    Case("mark_below_pass", "专业能力成绩", {"专业能力成绩": "59.99"}),
    Case("result_missing", "考核结果", {"考核结果": None}),
    Case("result_unknown", "考核结果", {"考核结果": "及格"}),
    Case("result_contradicts_marks", "考核结果", {"考核结果": "合格", "理论成绩": number("59.5")}),
    Case("result_contradicts_pass", "考核结果", {"考核结果": "不合格"}),
    Case("result_contradicts_pass", "考核结果", {"考核结果": "缺考"}),
    Case("hours_invalid", "学时", {"学时": "八十"}),
    Case("hours_invalid", "学时", {"学时": number("0")}),
    Case("hours_invalid", "学时", {"学时": number("2001")}),
    Case("date_missing", "考核日期", {"考核日期": None}),
    Case("date_impossible", "考核日期", {"考核日期": "2025年11月31日"}),
    Case("date_impossible", "考核日期", {"考核日期": "2026-02-30"}),
    Case("date_ambiguous", "考核日期", {"考核日期": "5/6/2026"}),
    Case("date_not_understood", "考核日期", {"考核日期": number("46315")}),
    Case("date_not_understood", "考核日期", {"考核日期": Cell("d", "08:30:00")}),
    Case("date_in_future", "考核日期", {"考核日期": "2026-11-21"}),
    Case("assessment_too_old", "考核日期", {"考核日期": "2026-05-23"}),
    Case("assessment_too_old", "考核日期", {}, {"max_assessment_age_days": 30}),
    Case("training_certificate_empty", "培训证书编号", {"培训证书编号": None}),
    Case("training_certificate_malformed", "培训证书编号", {"培训证书编号": "T" * 65}),
    Case("photo_missing", "照片", {"照片": "a.jpg"}, {"photo_finding": lambda _: "photo_missing"}),
    Case("photo_unreadable", "照片", {"照片": "a.jpg"}, {"photo_finding": lambda _: "photo_unreadable"}),
    Case("phone_invalid", "联系电话", {"联系电话": "12345"}),
    Case("education_unknown", "学历", {"学历": "幼儿园"}),
]
SCOPE_COLUMNS = {
    "occupation_out_of_scope": "职业",
    "direction_out_of_scope": "职业方向",
    "grade_out_of_scope": "等级",
    "region_out_of_scope": "考核站点",
    "scope_not_started": "考核日期",
    "scope_ended": "考核日期",
    "institution_suspended": "考核日期",
    "institution_removed": "考核日期",
    "institution_suspended_at_issue": "考核日期",
    "granted_after_issue": "考核日期",
    "run_off_ended": "考核日期",
}


def returning(code: str) -> Callable[..., str]:
    return lambda *_: code


LOOK_UP_CASES = [
    *(Case(code, column, {}, {"scope_fault": returning(code)}) for code, column in SCOPE_COLUMNS.items()),
]
ALL_CASES = [*CELL_CASES, *LOOK_UP_CASES]
HELD_CODES = {ALREADY, OTHER_DIRECTION, TRAINING_UNKNOWN, TRAINING_MISMATCH}
"""Reached in test_roster_held.py: they need the register."""
PASSPORT = {"证件类型": "护照", "国籍/地区": "美国", "出生日期": "1904-01-01"}
PAIRS = [
    ("person_repeated", "证件号码", {}, {}),
    ("person_repeated", "证件号码", {"职业": "2-02-07-13"}, {"职业方向": "智能装备与产线应用方向"}),
    ("id_same_name_differs", "姓名", {}, {"姓名": "张小名", "等级": "初级"}),
    (
        "possible_same_person",
        "证件号码",
        {**PASSPORT, "证件号码": "E123456"},
        {**PASSPORT, "证件号码": "E123457"},
    ),
    ("possible_same_person", "证件号码", {}, {**PASSPORT, "证件号码": "E123457"}),
    (
        "admission_number_repeated",
        "准考证号",
        {"准考证号": "7"},
        {"准考证号": "7", "证件号码": WOMAN, "姓名": "李丽"},
    ),
]
FILE_CODES = frozenset(
    (
        *(
            "file_not_xlsx",
            "file_encrypted",
            "file_has_macro",
            "file_unsafe_size",
            "file_damaged",
            "file_has_dtd",
        ),
        *("file_ambiguous", "file_external_link", "workbook_too_complex", "hidden_sheet_ignored"),
        *(
            "header_not_found",
            "header_missing",
            "header_duplicate",
            "no_rows",
            "too_many_rows",
            "columns_not_known",
        ),
        *("bottom_rows_ignored", "row_after_end", "hidden_row"),
    )
)
"""Reached by the tests of whole files."""
PLACES = frozenset(("place_row", "place_row_numbered"))


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.code)
def test_the_code_is_reached_at_its_cell_alone(read: Read, case: Case) -> None:
    reading = read(case.changes, **case.context)
    found = reading.warnings if case.code in WARNINGS else reading.faults
    assert [(fault.row, fault.heading, fault.code) for fault in found] == [(2, case.column, case.code)]
    assert len(reading.candidates) == (0 if reading.faults else 1)
    said = found[0].to_json()
    assert list(said) == ["row", "column", "code", "value", "zh", "en"]
    assert str(said["zh"]).startswith(f"第2行{case.column}：")
    assert "{" not in f"{said['zh']}{said['en']}"


@pytest.mark.parametrize(("code", "column", "first", "second"), PAIRS)
def test_two_rows_together(
    read: Read, code: str, column: str, first: dict[str, str], second: dict[str, str]
) -> None:
    reading = read(first, second)
    found = [fault for fault in (*reading.faults, *reading.warnings) if fault.code == code]
    assert [(fault.row, fault.heading) for fault in found] == [(3, column)]
    assert "第2行" in found[0].zh
    assert "row 2" in found[0].en


def test_every_code_with_words_is_reached_and_every_code_reached_has_words() -> None:
    reached = {case.code for case in ALL_CASES} | {pair[0] for pair in PAIRS} | FILE_CODES | PLACES
    assert reached | HELD_CODES == set(all_codes("roster"))
    assert set(all_codes("roster")) >= WARNINGS


@pytest.mark.parametrize("code", all_codes("roster"))
def test_words_are_there_in_both_languages(code: str) -> None:
    said = words("roster", code)
    assert said.zh
    assert said.en
    assert "您" not in said.zh
    assert "！" not in said.zh


def test_an_assessment_that_is_too_old_is_said_once(read: Read) -> None:
    reading = read({"考核日期": "2026-05-23"}, scope_fault=returning("assessment_too_old"))
    assert [fault.zh for fault in reading.faults] == ["第2行考核日期：考核日期距今181天，超过180天，不能发证"]
    assert not read({"考核日期": "2026-05-24"}).faults


def test_a_training_roster_asks_for_no_training_certificate(read: Read) -> None:
    reading = read({"培训证书编号": None, "学时": Cell("n", "80")}, kind=CertificateKind.TRAINING)
    assert not reading.faults
    assert not reading.warnings
    assert reading.candidates[0].details.hours == 8000


def test_values_of_id_cells_are_masked_wherever_they_stand(read: Read) -> None:
    wrong = RIGHT_ID[:-1]
    reading = read({"证件号码": wrong, "姓名": RIGHT_ID, "考核日期": RIGHT_ID, "联系电话": "138001380001"})
    said = str([fault.to_json() for fault in (*reading.faults, *reading.warnings)])
    assert wrong not in said
    assert wrong[4:13] not in said
    assert "138001380001" not in said
    assert f"1501*********{wrong[-4:]}" in said


def test_the_old_number_is_proposed_without_repeating_it(read: Read) -> None:
    fault = read({"证件号码": "150102040101001"}).faults[0]
    check = resident_id_check("15010219040101001")
    assert fault.zh == f"第2行证件号码：15位旧号码，请核对后改为18位：第6位后加“19”，末尾加“{check}”"
    assert "040101" not in str(fault.to_json())


def test_the_glossary_sentences(read: Read) -> None:
    assert (
        read({"理论成绩": Cell("n", "59.5")}).faults[0].zh
        == "第2行理论成绩：理论成绩 59.5 未达60分，不能发证"
    )
    reading = read({"序号": Cell("n", "5"), "证件号码": RIGHT_ID[:-1]})
    assert reading.faults[0].zh == "第2行（序号5）证件号码：居民身份证号码应为18位，现为17位"
    assert reading.faults[0].en.startswith("Row 2 (No. 5), ID number (证件号码): ")
