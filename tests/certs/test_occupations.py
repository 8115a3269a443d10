"""The catalogue: one occupation under all its codes and names, and numbers that mean the same for ever."""

from __future__ import annotations

from datetime import date

import pytest

from certs.errors import KezhengError
from certs.grades import Grade
from certs.occupations import Occupation, catalogue, catalogue_from_file
from certs.package_data import read_bytes

FIELDS = (
    "人工智能",
    "物联网",
    "大数据",
    "云计算",
    "数字化管理",
    "智能制造",
    "工业互联网",
    "虚拟现实",
    "区块链",
    "集成电路",
)
NUMBERED = {
    "2-02-38-01": {1: "人工智能芯片产品实现", 2: "人工智能平台产品实现", 3: "自然语言及语音处理产品实现"}
    | {4: "计算机视觉产品实现", 5: "人工智能应用产品集成实现"},
    "2-02-38-02": {1: "物联网嵌入式开发"},
    "2-02-38-03": {1: "大数据处理", 2: "大数据管理", 3: "大数据分析"},
    "2-02-38-04": {1: "云计算运维", 2: "云计算开发"},
    "2-02-38-05": {1: "智能装备与产线开发", 2: "智能装备与产线应用", 3: "智能生产管控"}
    | {4: "装备与产线智能运维", 5: "智能制造系统架构构建"},
    "2-02-38-11": {1: "增材制造技术开发", 2: "增材制造技术应用"},
}
"""What signed certificates hold: this table may only grow."""


def occupation(text: str) -> Occupation:
    found = catalogue().find(text)
    assert found is not None
    return found


def test_the_ten_fields_of_the_policies_and_all_fourteen_occupations_are_there() -> None:
    assert all(catalogue().find(field) for field in FIELDS)
    assert len(catalogue().occupations) == 14


def test_numbers_of_directions_never_change() -> None:
    numbered = {
        o.id: {d.number: d.name_zh for d in o.directions} for o in catalogue().occupations if o.directions
    }
    assert numbered == NUMBERED


@pytest.mark.parametrize(
    "text",
    ["2-02-38-05", "2-02-07-13", "智能制造工程技术人员", "智能制造", " 智能 制造", "２-０２-３８-０５"],
)
def test_one_occupation_by_all_its_names(text: str) -> None:
    assert occupation(text).id == "2-02-38-05"


@pytest.mark.parametrize("text", ["", "2-02-38-99", "智能", "工程技术人员", "2-02-38"])
def test_unknown_text_is_nothing(text: str) -> None:
    assert catalogue().find(text) is None


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2020, 1, 1), "2-02-07-13"),
        (date(2022, 9, 27), "2-02-07-13"),
        (date(2022, 9, 28), "2-02-38-05"),
        (date(2026, 1, 1), "2-02-38-05"),
    ],
)
def test_the_code_in_use_on_a_day(day: date, code: str) -> None:
    assert occupation("智能制造").code_on(day).code == code


def test_an_occupation_of_the_2022_edition_alone_has_that_code_on_any_day() -> None:
    assert occupation("增材制造").code_on(date(2021, 1, 1)).code == "2-02-38-11"


def test_a_disputed_code_is_read_and_never_written() -> None:
    manager = occupation("2-06-07-13")
    assert manager.name_zh == "数字化管理师"
    assert manager.code_on(date(2026, 1, 1)).code == "2-02-30-11"
    code = manager.code("2-06-07-13")
    assert code is not None
    assert (code.disputed, code.certainty) == (True, "L")


def test_general_knowledge_is_never_certain() -> None:
    for entry in catalogue().occupations:
        for fact in (*entry.codes, *entry.directions):
            assert "general knowledge" not in fact.source or fact.certainty in ("L", "M")


def test_a_direction_by_name_or_number() -> None:
    entry = occupation("智能制造")
    by_name, by_number = entry.direction("智能生产管控方向"), entry.direction(3)
    assert by_name is by_number is not None
    assert entry.direction("智能生产") is None
    assert entry.direction(6) is None
    assert entry.direction_name(3) == "智能生产管控"
    assert entry.direction_name(6) is None
    assert entry.direction_name("某方向") == "某方向"
    assert entry.direction_name(None) is None


def test_claims_hold_a_number_where_there_is_one() -> None:
    assert occupation("智能制造").direction_claim("智能生产管控") == 3
    assert occupation("区块链").direction_claim("区块链应用操作") == "区块链应用操作"


def test_a_direction_of_the_senior_grade_alone() -> None:
    direction = occupation("智能制造").direction("智能制造系统架构构建")
    assert direction is not None
    assert direction.allows(Grade.SENIOR)
    assert not direction.allows(Grade.INTERMEDIATE)


def test_a_direction_is_required_only_where_all_are_known() -> None:
    assert occupation("大数据").direction_required
    assert not occupation("物联网").direction_required
    assert not occupation("区块链").direction_required


def test_by_id_takes_ids_only() -> None:
    assert catalogue().by_id("2-02-38-01").short_zh == "人工智能"
    with pytest.raises(KezhengError) as caught:
        catalogue().by_id("人工智能")
    assert caught.value.code == "occupation_not_in_catalogue"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'short_zh = "\xe7\x89\xa9', b'short_zh = "\xff'),
        (b'id = "2-02-38-02"', b'id = "2-02-38-88"'),
        ('"大数据工程技术人员"'.encode(), '"云计算工程技术人员"'.encode()),
        (b'code = "2-02-10-12"', b'code = "2-02-10-11"'),
        ('number = 2, name_zh = "大数据管理"'.encode(), 'number = 1, name_zh = "大数据管理"'.encode()),
        ('number = 2, name_zh = "大数据管理"'.encode(), 'number = 0, name_zh = "大数据管理"'.encode()),
        ('name_zh = "大数据管理"'.encode(), 'name_zh = "大数据处理方向"'.encode()),
        (b'certainty = "H"', b'certainty = "X"'),
        (b'grades = ["senior"]', b'grades = ["master"]'),
        (b"directions_open = false", b""),
        (b"number = 2", b"colour = 2"),
        (b"[[occupation]]", b"[[occupations]]"),
    ],
)
def test_what_is_not_a_catalogue_is_refused(old: bytes, new: bytes) -> None:
    content = read_bytes("occupations.toml")
    assert old in content
    with pytest.raises(KezhengError) as caught:
        catalogue_from_file(content.replace(old, new))
    assert caught.value.code == "catalogue_malformed"
