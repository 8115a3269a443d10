"""Rows that are alike are read once and told of each time: each row is judged as if it stood alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.candidate import Candidate
from certs.grades import CertificateKind, Grade
from certs.identifiers import resident_id_check
from certs.institution import Site
from certs.occupations import catalogue
from certs.roster import RosterReading, read_roster
from certs.roster_context import RosterContext
from certs.sheet import Cell, Row, Sheet, Workbook

HEADINGS = (
    *("姓名", "证件类型", "证件号码", "职业", "职业方向", "等级", "理论成绩", "专业能力成绩"),
    *("考核日期", "考核站点", "考核结果", "培训证书编号"),
)
CELLS: dict[str, tuple[Cell | None, ...]] = {
    "职业": (Cell("s", "智能制造工程技术人员"), Cell("s", "2-02-38-05"), Cell("s", "铁匠"), Cell("f", "=A1"), None),
    "职业方向": (Cell("s", "智能装备与产线应用"), Cell("s", "没有的方向"), None),
    "等级": (Cell("s", "中级"), Cell("s", "初级"), Cell("s", "三级"), None),
    "理论成绩": (Cell("n", "86"), Cell("s", "86"), Cell("s", "59"), Cell("s", "x"), Cell("n", "101"), None),
    "专业能力成绩": (Cell("n", "60"), Cell("s", "59.99"), Cell("f", "=1+1")),
    "考核日期": (Cell("d", "2026-10-20"), Cell("s", "2026/10/20"), Cell("s", "2026-12-20"), Cell("s", "5/6/2026")),
    "考核站点": (None, Cell("s", "主考点"), Cell("s", "火星考点")),
    "考核结果": (Cell("s", "合格"), Cell("s", "不合格"), Cell("s", "缺考"), Cell("s", "及格"), None),
    "培训证书编号": (Cell("s", "T000115000001262000001Z"), None),
}


def scope_fault(_occupation: str, _direction: str | None, grade: Grade, _region: str | None, _day: date) -> str | None:
    return "grade_out_of_scope" if grade is Grade.JUNIOR else None


CONTEXT = RosterContext(
    institution_code="P000115000001",
    kind=CertificateKind.ASSESSMENT,
    today=date(2026, 11, 20),
    catalogue=catalogue(),
    scope_fault=scope_fault,
    sites=(Site("01", "主考点", "150100", date(2024, 1, 1)),),
)
ROWS = st.lists(st.fixed_dictionaries({name: st.sampled_from(cells) for name, cells in CELLS.items()}), max_size=8)


def person(place: int) -> list[Cell | None]:
    """Somebody with whom nobody in the file has anything in common."""
    body = f"150102190401{1 + place:02}001"
    name = "测试" + "安博昌达恩方国华嘉凯"[place]
    return [Cell("s", name), Cell("s", "居民身份证"), Cell("s", body + resident_id_check(body))]


def read(rows: list[tuple[int, dict[str, Cell | None]]]) -> RosterReading:
    """A file of these rows, each with the place that makes its person."""
    lines = [Row(1, tuple(Cell("s", heading) for heading in HEADINGS), False)]
    lines += [
        Row(number, (*person(place), *(cells[name] for name in HEADINGS[3:])), False)
        for number, (place, cells) in enumerate(rows, 2)
    ]
    return read_roster(Workbook([Sheet("名册", lines)], []), CONTEXT)


def told(reading: RosterReading, number: int) -> tuple[list[Any], list[Candidate]]:
    """What is said of a row, and what it became, without its place in the file."""
    said = [fault._replace(row=0) for fault in (*reading.faults, *reading.warnings) if fault.row == number]
    return said, [candidate._replace(row=0) for candidate in reading.candidates if candidate.row == number]


@given(ROWS)
def test_each_row_is_judged_as_if_it_stood_alone(rows: list[dict[str, Cell | None]]) -> None:
    together = read(list(enumerate(rows)))
    for place, cells in enumerate(rows):
        assert told(together, place + 2) == told(read([(place, cells)]), 2)


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("职业", "铁匠", "occupation_unknown"),
        ("等级", "三级", "grade_unknown"),
        ("理论成绩", "59", "mark_below_pass"),
        ("考核日期", "2026-12-20", "date_in_future"),
    ],
)
def test_the_same_fault_is_told_for_every_row(
    read: Callable[..., RosterReading], column: str, text: str, code: str
) -> None:
    faulty = [{"姓名": f"张{name}", "证件号码": "", column: text} for name in "甲乙丙"]
    faults = [fault.row for fault in read({}, *faulty).faults if fault.code == code]
    assert faults == [3, 4, 5]
