"""Marks to the hundredth, and the pass line on both papers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.assessment import AssessmentResult, format_mark, passes, read_mark, result_from_zh


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        *(("60", 6000), ("59.5", 5950), ("60.50", 6050), ("100", 10_000), ("100.0", 10_000), ("0", 0)),
        *(("59.99", 5999), ("060", 6000), ("1E+2", 10_000), ("6e1", 6000), ("5.95e1", 5950)),
    ],
)
def test_marks(text: str, mark: int) -> None:
    assert read_mark(text) == mark
    assert read_mark(text, stored_as_number=True) == mark


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(
            (text, "mark_not_number")
            for text in ("", "NaN", "inf", "八十", "86分", "6 0", "--", "٦٠", "1_0", "0x3c", "60,5")
        ),
        *((text, "mark_out_of_range") for text in ("101", "100.01", "-1", "-0.01", "99999", "1e400", "1e3")),
        *((text, "mark_too_precise") for text in ("59.995", "60.001", "99.999")),
    ],
)
def test_what_is_no_mark(text: str, code: str) -> None:
    assert read_mark(text) == code
    assert read_mark(text, stored_as_number=True) == code


def test_a_binary_fraction_means_the_shortest_decimal() -> None:
    assert read_mark("86.299999999999997", stored_as_number=True) == 8630
    assert read_mark("86.299999999999997") == "mark_too_precise"
    assert read_mark("59.99999999999999", stored_as_number=True) == "mark_too_precise"


@given(st.integers(0, 10_000))
def test_every_mark_is_read_as_it_is_written(mark: int) -> None:
    assert read_mark(format_mark(mark)) == mark
    assert Decimal(format_mark(mark)) * 100 == mark
    as_spreadsheets_store_it = f"{mark / 100:.17g}"
    assert read_mark(as_spreadsheets_store_it, stored_as_number=True) == mark


@given(st.text(max_size=12))
def test_any_text_is_a_mark_or_a_code(text: str) -> None:
    found = read_mark(text)
    assert found in ("mark_not_number", "mark_out_of_range", "mark_too_precise") or 0 <= int(found) <= 10_000


@pytest.mark.parametrize(
    ("theory", "ability", "passed"),
    [(6000, 6000, True), (5999, 6000, False), (6000, 5999, False), (10_000, 0, False), (6001, 6000, True)],
)
def test_both_papers_must_reach_sixty(theory: int, ability: int, passed: bool) -> None:
    assert passes(theory, ability) is passed


def test_results() -> None:
    assert [result_from_zh(result.zh) for result in AssessmentResult] == list(AssessmentResult)
    assert result_from_zh("及格") is None
    assert [result for result in AssessmentResult if result.earns_certificate] == [AssessmentResult.PASSED]
