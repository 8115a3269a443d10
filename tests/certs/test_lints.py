"""Lints: each refuses what it is for, and none refuses what is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simulator import NOW, World

from certs.certificate_number import load_layouts, parse_number
from certs.errors import KezhengError
from certs.grades import Grade
from certs.lints import LINTS, LintSubject, check_lints
from certs.occupations import Direction, catalogue
from certs.wording import all_codes

SECOND = timedelta(seconds=1)
WORLD = World()
CLAIMS = WORLD.claims(WORLD.institution())
NUMBER = parse_number(CLAIMS.number, load_layouts())
OCCUPATION = catalogue().by_id("2-02-38-05")
OPEN = replace(OCCUPATION, directions_open=True)


def refusal(occupation: Any = OCCUPATION, parsed: Any = NUMBER, **claims: Any) -> str | None:
    try:
        check_lints(LintSubject(CLAIMS._replace(**claims), parsed, occupation))
    except KezhengError as error:
        return error.code if error.params == {"number": NUMBER.text} else f"{error.code} with {error.params}"
    return None


RIGHT: list[dict[str, Any]] = [
    {},
    {"name": "阿依古丽·买买提"},
    {"name": "𠮷田"},
    {"name": "Anna Müller"},
    {"id_tail": "012X"},
    {"id_tail": "345号"},
    {"direction": None},
    {"direction": 5},
    {"occupation_code": "2-02-07-13"},
    {"expires_at": CLAIMS.issued_at + SECOND},
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("lint_name", {"name": "张 小明"}),
    ("lint_name", {"name": " 张小明"}),
    ("lint_name", {"name": "张小明\u200b"}),
    ("lint_name", {"name": "阿依古丽・买买提"}),
    ("lint_name", {"name": "e\u0301va"}),
    ("lint_name", {"name": "张小明<b>"}),
    ("lint_name", {"name": "13800001111"}),
    ("lint_name", {"name": ""}),
    ("lint_name", {"name": "\ue000"}),
    ("lint_name", {"name": "张" * 26}),
    ("lint_id_tail", {"id_tail": "23X"}),
    ("lint_id_tail", {"id_tail": "0123X"}),
    ("lint_id_tail", {"id_tail": ""}),
    ("lint_id_tail", {"id_tail": "12 X"}),
    ("lint_id_tail", {"id_tail": "12\u202eX"}),
    ("lint_number", {"number": "P000115000001262000002A"}),
    ("lint_number", {"grade": Grade.SENIOR}),
    ("lint_number", {"issued_at": datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)}),
    ("lint_occupation_code", {"occupation_code": "2-02-38-01"}),
    ("lint_occupation_code", {"occupation_code": "２-02-38-05"}),
    ("lint_occupation_code", {"occupation_code": "智能制造"}),
    ("lint_direction", {"direction": 99}),
    ("lint_direction", {"direction": "智能装备与产线应用"}),
    ("lint_direction", {"direction": "别的方向"}),
    ("lint_issue_time", {"issued_at": CLAIMS.issued_at.replace(microsecond=1)}),
    ("lint_expiry", {"expires_at": CLAIMS.issued_at}),
    ("lint_expiry", {"expires_at": CLAIMS.issued_at - SECOND}),
]


@pytest.mark.parametrize("claims", RIGHT)
def test_what_is_right_passes(claims: dict[str, Any]) -> None:
    assert refusal(**claims) is None


@pytest.mark.parametrize(("code", "claims"), WRONG)
def test_what_is_wrong_is_refused_by_its_lint(code: str, claims: dict[str, Any]) -> None:
    assert refusal(**claims) == code


def test_a_direction_in_words_needs_an_occupation_whose_directions_are_open_and_lack_it() -> None:
    assert refusal(OPEN, direction="别的方向") is None
    assert refusal(OPEN, direction="智能装备与产线应用") == "lint_direction"
    assert refusal(OPEN, direction="智能装备与产线应用方向") == "lint_direction"


def test_directions_are_looked_up_in_the_occupation_that_is_signed() -> None:
    only = replace(OCCUPATION, directions=(Direction(7, "一个方向", "x", "H"),))
    assert refusal(only, direction=7) is None
    assert refusal(only, direction=2) == "lint_direction"


def test_a_number_that_shows_no_grade_agrees_with_any() -> None:
    assert refusal(parsed=NUMBER._replace(grade=None), grade=Grade.JUNIOR) is None


def test_the_first_broken_lint_is_named() -> None:
    assert refusal(name="", id_tail="", direction=99) == "lint_name"


def test_every_lint_is_reached_and_has_words() -> None:
    assert {code for code, _ in WRONG} == set(LINTS)
    assert set(LINTS) <= set(all_codes("error"))
    assert CLAIMS.issued_at == NOW - timedelta(days=1)
