"""Days as clerks write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.roster_date import DateFault, read_day


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_every_form_of_every_day(day: date) -> None:
    y, m, d = day.year, day.month, day.day
    forms = [
        f"{y}-{m}-{d}",
        f"{y}/{m}/{d}",
        f"{y}.{m}.{d}",
        f"{y}{m:02}{d:02}",
        f"{y}年{m}月{d}日",
        day.isoformat(),
    ]
    forms += [f"{day}T00:00:00", f"{day} 08:30", f" {y} 年 {m} 月 {d} 日 "]
    assert {read_day(form) for form in forms} == {day}


def test_full_width_digits_are_read() -> None:
    assert read_day("２０２４－０５－２０") == date(2024, 5, 20)


@pytest.mark.parametrize(
    "text", ["2025年11月31日", "2025-02-29", "2024-13-01", "20240230", "2024-0-1", "0000-01-01"]
)
def test_a_day_that_does_not_exist_is_not_rolled_over(text: str) -> None:
    assert read_day(text) == DateFault("date_impossible", {"text": text})


def test_a_day_that_can_be_read_twice_is_asked() -> None:
    assert read_day("5/6/2024") == DateFault(
        "date_ambiguous", {"text": "5/6/2024", "one": "2024-05-06", "other": "2024-06-05"}
    )


@pytest.mark.parametrize(
    "text",
    [
        "20/5/2024",
        "5/5/2024",
        "24-5-20",
        "45432",
        "2024-5/20",
        "2024年5月",
        "昨天",
        "08:30:00",
        "TRUE",
        "2024-05-20x",
    ],
)
def test_anything_else_is_not_guessed(text: str) -> None:
    found = read_day(text)
    assert isinstance(found, DateFault)
    assert found.code == "date_not_understood"


@given(st.text(max_size=30))
def test_any_text_is_a_day_or_a_fault(text: str) -> None:
    assert isinstance(read_day(text), date | DateFault)
