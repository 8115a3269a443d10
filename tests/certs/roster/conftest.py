"""A roster of one right row that tests change: one cell, one column, or the context it is judged against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from certs.grades import CertificateKind
from certs.identifiers import resident_id_check
from certs.institution import Site
from certs.occupations import catalogue
from certs.roster import RosterReading, read_roster
from certs.roster_context import RosterContext
from certs.sheet import Cell, Row, Sheet, Workbook

Value = str | Cell | None
Changes = Mapping[str, Value]


def resident(sequence: int) -> str:
    """An invented resident ID, born long ago."""
    body = f"15010219040101{sequence:03}"
    return body + resident_id_check(body)


RIGHT_ROW: dict[str, Value] = {
    "姓名": "张小明",
    "证件类型": "居民身份证",
    "证件号码": resident(1),
    "职业": "智能制造工程技术人员",
    "职业方向": "智能装备与产线应用",
    "等级": "中级",
    "理论成绩": Cell("n", "86"),
    "专业能力成绩": Cell("n", "60"),
    "考核日期": Cell("d", "2026-10-20"),
    "培训证书编号": "T000115000001262000001Z",
}
CONTEXT = RosterContext(
    institution_code="P000115000001",
    kind=CertificateKind.ASSESSMENT,
    today=date(2026, 11, 20),
    catalogue=catalogue(),
    scope_fault=lambda *_: None,
    sites=(
        Site("01", "主考点", "150100", date(2024, 1, 1)),
        Site("02", "包头考点", "150200", date(2024, 1, 1), date(2026, 10, 1)),
        Site("03", "包头考点", "150203", date(2026, 10, 1)),
    ),
)


def sheet_row(number: int, values: Sequence[Value], *, hidden: bool = False) -> Row:
    """A row of text cells; a Cell stays as it is."""
    return Row(number, tuple(Cell("s", v) if isinstance(v, str) else v for v in values), hidden)


def workbook_of(people: Sequence[Changes], *, headings: Sequence[str] | None = None) -> Workbook:
    """A workbook with a header in row 1 and these changes of the right row below it."""
    added = [key for changes in people for key in changes if key not in RIGHT_ROW]
    columns = list(headings) if headings is not None else [*RIGHT_ROW, *dict.fromkeys(added)]
    rows = [sheet_row(1, columns)]
    rows += [
        sheet_row(place + 2, [(RIGHT_ROW | dict(changes)).get(column) for column in columns])
        for place, changes in enumerate(people)
    ]
    return Workbook([Sheet("名册", rows)], [])


@pytest.fixture
def context() -> RosterContext:
    return CONTEXT


@pytest.fixture
def read() -> Callable[..., RosterReading]:
    """Read people (changes of the right row), in a context changed by keywords."""

    def reading(*people: Changes, **context: Any) -> RosterReading:
        return read_roster(workbook_of(people), replace(CONTEXT, **context))

    return reading


@pytest.fixture
def read_workbook() -> Callable[..., RosterReading]:
    """Read a whole workbook, in a context changed by keywords."""

    def reading(workbook: Workbook, **context: Any) -> RosterReading:
        return read_roster(workbook, replace(CONTEXT, **context))

    return reading


@pytest.fixture
def make_workbook() -> Callable[..., Workbook]:
    return workbook_of


@pytest.fixture
def make_row() -> Callable[..., Row]:
    return sheet_row


@pytest.fixture
def right_row() -> dict[str, Value]:
    return dict(RIGHT_ROW)


@pytest.fixture
def person_number() -> Callable[[int], str]:
    """Invented resident IDs by their sequence number."""
    return resident
