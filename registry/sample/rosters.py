"""Rosters of the invented people, as workbooks that go through the same import as anybody's."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources import files
from io import BytesIO
from typing import NamedTuple

from registry.rendering.workbook_out import open_book, write_line

OCCUPATION = "智能制造工程技术人员"
HEADINGS = (
    "序号",
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
)


class SamplePerson(NamedTuple):
    """One invented person with what was achieved."""

    name: str
    id_number: str
    direction: str
    grade: str
    theory: str
    ability: str


def sample_people() -> list[SamplePerson]:
    """The invented people, in the order of the file."""
    return [SamplePerson(**entry) for entry in tomllib.loads(_read("people.toml").decode("utf-8"))["people"]]


def sample_institution(name: str) -> bytes:
    """The file of an invented institution."""
    return _read(f"{name}.toml")


def sample_roster(
    people: Iterable[SamplePerson], assessed_on: date, training: Mapping[str, str] | None = None
) -> bytes:
    """A workbook of these people. ``training`` gives completion certificate numbers by name."""
    buffer = BytesIO()
    with open_book(buffer) as out:
        sheet, style = out.add_sheet("sheet_roster"), out.style()
        write_line(sheet, 0, HEADINGS, style)
        for place, person in enumerate(people, 1):
            write_line(sheet, place, _cells(place, person, assessed_on, (training or {}).get(person.name, "")), style)
    return buffer.getvalue()


def _cells(place: int, person: SamplePerson, assessed_on: date, training: str) -> tuple[str, ...]:
    before = (str(place), person.name, "居民身份证", person.id_number, OCCUPATION, person.direction, person.grade)
    return (*before, person.theory, person.ability, assessed_on.isoformat(), training)


def _read(name: str) -> bytes:
    return files("registry.sample").joinpath(name).read_bytes()
