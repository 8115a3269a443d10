"""The marks and the result of a row.

Without the column 考核结果 a roster is a pass list: every mark must reach 60.

With it the roster lists all examinees: all are recorded, and only 合格 gets a certificate.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from certs.assessment import (
    MARK_NOT_NUMBER,
    PASS_MARK,
    AssessmentResult,
    format_mark,
    passes,
    read_mark,
    result_from_zh,
)
from certs.roster_columns import Header, columns_by_key
from certs.roster_findings import RowCells

_UNMARKED = (AssessmentResult.ABSENT, AssessmentResult.DISQUALIFIED)


class Marks(NamedTuple):
    """Marks in hundredths; None: no mark, which only those who did not pass may have."""

    result: AssessmentResult
    theory: int | None
    ability: int | None


class MarksReader:
    """Reads the marks of the row that ``cells`` has loaded."""

    def __init__(self, header: Header, cells: RowCells) -> None:
        self._cells = cells
        self._has_results = "result" in header.places

    def read(self) -> Marks | None:
        """Result and marks, or None after reporting why there is no result."""
        result = self._result()
        theory, ability = self._mark("theory", result), self._mark("ability", result)
        if result is None:
            return None
        if theory is not None and ability is not None:
            self._judge(result, theory, ability)
        return Marks(result, theory, ability)

    def _result(self) -> AssessmentResult | None:
        if not self._has_results:
            return AssessmentResult.PASSED
        text = self._cells.text("result")
        if text is None:
            return None
        result = result_from_zh(text)
        if result is None:
            self._cells.report("result", "result_unknown" if text else "result_missing")
        return result

    def _mark(self, key: str, result: AssessmentResult | None) -> int | None:
        cell = self._cells.cell(key)
        if cell is None or not cell.text.strip():
            self._no_mark(key, result)
            return None
        if cell.kind == "n":
            mark = read_mark(cell.text, stored_as_number=True)
        else:
            text = self._cells.text(key)
            if text is None:
                return None
            mark = read_mark(unicodedata.normalize("NFKC", text)) if cell.kind == "s" else MARK_NOT_NUMBER
        if isinstance(mark, int):
            return mark
        if mark == MARK_NOT_NUMBER and result in _UNMARKED:
            return None
        self._cells.report(key, mark)
        return None

    def _no_mark(self, key: str, result: AssessmentResult | None) -> None:
        if result is AssessmentResult.PASSED:
            self._cells.report(key, "mark_missing")

    def _judge(self, result: AssessmentResult, theory: int, ability: int) -> None:
        if result is AssessmentResult.PASSED:
            if not passes(theory, ability):
                self._report_below_pass(theory, ability)
        elif result is not AssessmentResult.DISQUALIFIED and passes(theory, ability):
            self._cells.report("result", "result_contradicts_pass", {"result": result.zh})

    def _report_below_pass(self, theory: int, ability: int) -> None:
        if self._has_results:
            self._cells.report("result", "result_contradicts_marks")
            return
        for key, mark in (("theory", theory), ("ability", ability)):
            if mark < PASS_MARK:
                column = columns_by_key()[key]
                params = {"paper": column.heading, "paper_en": column.heading_en, "mark": format_mark(mark)}
                self._cells.report(key, "mark_below_pass", params)
