"""Marks and results. Two papers, each out of 100, both must reach 60 (occupational standards, 鉴定要求).

A mark is an integer of hundredths: 59.5 is 5950. No binary fraction is ever compared with the pass line.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from functools import lru_cache

HUNDREDTHS = 100
FULL_MARK = 100 * HUNDREDTHS
PASS_MARK = 60 * HUNDREDTHS

MARK_NOT_NUMBER = "mark_not_number"
MARK_OUT_OF_RANGE = "mark_out_of_range"
MARK_TOO_PRECISE = "mark_too_precise"

_DECIMAL = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,2})0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class AssessmentResult(StrEnum):
    """考核结果 of an examinee. Only the passed get certificates."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"
    DISQUALIFIED = "disqualified"

    @property
    def zh(self) -> str:
        """合格, 不合格, 缺考 or 违纪取消."""
        return _RESULTS_ZH[self]

    @property
    def earns_certificate(self) -> bool:
        """Whether a certificate is to be issued."""
        return self is AssessmentResult.PASSED


_RESULTS_ZH = {
    AssessmentResult.PASSED: "合格",
    AssessmentResult.FAILED: "不合格",
    AssessmentResult.ABSENT: "缺考",
    AssessmentResult.DISQUALIFIED: "违纪取消",
}
_RESULTS = {name: result for result, name in _RESULTS_ZH.items()}


def result_from_zh(text: str) -> AssessmentResult | None:
    """The result of a word, or None."""
    return _RESULTS.get(text)


def passes(theory: int, ability: int) -> bool:
    """Whether both papers (hundredths) reach the pass line."""
    return theory >= PASS_MARK and ability >= PASS_MARK


@lru_cache(maxsize=16_384)
def read_mark(text: str, *, stored_as_number: bool = False) -> int | str:
    """A mark in hundredths from decimal text, or the code of the fault.

    ``stored_as_number``: the text of a number cell, which may be the long form of a binary fraction
    (``86.299999999999997``); it means the shortest decimal that is the same binary fraction, as spreadsheets
    show it.
    """
    match = _DECIMAL.fullmatch(text)
    if match is not None:
        return _in_range(int(match[1]) * HUNDREDTHS + int((match[2] or "").ljust(2, "0")))
    if _NUMBER.fullmatch(text) is None:
        return MARK_NOT_NUMBER
    return _read_long_number(text, stored_as_number)


def _read_long_number(text: str, stored_as_number: bool) -> int | str:
    value = float(text)
    if not math.isfinite(value) or not 0 <= value <= 100:
        return MARK_OUT_OF_RANGE
    match = _DECIMAL.fullmatch(repr(value)) if stored_as_number or "e" in text.lower() else None
    if match is None:
        return MARK_TOO_PRECISE
    return _in_range(int(match[1]) * HUNDREDTHS + int((match[2] or "").ljust(2, "0")))


def _in_range(mark: int) -> int | str:
    return mark if mark <= FULL_MARK else MARK_OUT_OF_RANGE


def format_mark(mark: int) -> str:
    """A mark as it is written: ``59.5``, ``60``."""
    whole, part = divmod(mark, HUNDREDTHS)
    return f"{whole}.{part:02}".rstrip("0") if part else str(whole)
