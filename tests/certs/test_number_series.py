"""Numbers many at once are those that are given one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.certificate_number import Layout, format_number, load_layouts
from certs.errors import KezhengError
from certs.grades import Grade
from certs.number_series import format_numbers

LAYOUTS = load_layouts().layouts
CODE = "P000115000001"


@given(
    st.sampled_from(LAYOUTS),
    st.sampled_from([CODE, "T999965123456"]),
    st.integers(2020, 2099),
    st.sampled_from(Grade),
    st.lists(st.integers(1, 999_999), max_size=5),
)
def test_each_is_the_number_of_its_serial(
    layout: Layout, code: str, year: int, grade: Grade, serials: list[int]
) -> None:
    one_by_one = [
        format_number(layout, institution_code=code, issued_year=year, grade=grade, serial=serial)
        for serial in serials
    ]
    assert format_numbers(layout, institution_code=code, issued_year=year, grade=grade, serials=serials) == one_by_one


@pytest.mark.parametrize("serials", [[0], [1, 2, 0], [1, 1_000_000], [-1]])
def test_one_that_fits_no_number_spoils_all(serials: list[int]) -> None:
    layout = load_layouts().by_id("kz-1")
    with pytest.raises(KezhengError, match=r"^number_serial_out_of_range"):
        format_numbers(layout, institution_code=CODE, issued_year=2026, grade=Grade.JUNIOR, serials=serials)


def test_the_first_and_the_last_of_a_series() -> None:
    layout = load_layouts().by_id("kz-1")
    of_series = {"institution_code": CODE, "issued_year": 2026, "grade": Grade.INTERMEDIATE}
    last = format_number(layout, **of_series, serial=999_999)
    assert format_numbers(layout, **of_series, serials=(1, 999_999)) == ["P000115000001262000001B", last]
