"""What a row certifies.

Occupation, direction, grade, day and site, and whether the institution's scope covers them.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from certs.errors import Param
from certs.grades import Grade
from certs.institution import Site
from certs.occupations import MAX_DIRECTION, Occupation
from certs.roster_context import RosterContext
from certs.roster_date import DateFault, read_day
from certs.roster_findings import RowCells

_GRADES = {grade.zh: grade for grade in Grade}
_DIRECTION_SIGNS = frozenset("（）()·、/+-—&. ")
_NO_DIRECTION = frozenset(("", "-", "--", "—", "——", "无", "/"))


class Subject(NamedTuple):
    """``written_code`` is the code that the row wrote, None when it wrote a name.

    ``direction`` as certificates hold it.
    """

    occupation: Occupation
    written_code: str | None
    direction: int | str | None
    direction_name: str | None
    grade: Grade

    @property
    def key(self) -> tuple[str, int | str | None, Grade]:
        """What makes two rows of one person the same certificate."""
        return self.occupation.id, self.direction, self.grade


class Assessment(NamedTuple):
    """Day and site; ``site`` None where the institution has none."""

    on: date
    site: Site | None


class _OccupationWord(NamedTuple):
    occupation: Occupation
    written_code: str | None


class _DirectionWord(NamedTuple):
    claim: int | str | None
    name: str | None
    fault: str | None = None


_Judged = tuple[str, str | None, Grade, str | None, date]


class SubjectReader:
    """Reads the subject of the row that ``cells`` has loaded. What a file repeats is looked up once."""

    def __init__(self, context: RosterContext, cells: RowCells) -> None:
        self._context = context
        self._cells = cells
        self._occupations: dict[str, _OccupationWord | None] = {}
        self._directions: dict[tuple[str, str, Grade], _DirectionWord] = {}
        self._codes: dict[tuple[str, date], str] = {}
        self._scope_faults: dict[_Judged, str | None] = {}

    def subject(self) -> Subject | None:
        """Occupation, direction and grade, or None after reporting why there is none."""
        word, grade = self._occupation(), self._grade()
        text = self._cells.text("direction")
        if word is None or grade is None or text is None:
            return None
        direction = self._direction(word.occupation, text, grade)
        if direction.fault is not None:
            params: dict[str, Param] = {"occupation": word.occupation.name_zh, "limit": MAX_DIRECTION}
            self._cells.report("direction", direction.fault, params)
            return None
        return Subject(word.occupation, word.written_code, direction.claim, direction.name, grade)

    def assessment(self) -> Assessment | None:
        """Day and site, or None after reporting why there is none."""
        day = self._assessed_on()
        if day is None:
            return None
        name = self._cells.text("site")
        if name:
            site = self._site(name, day)
            return None if site is None else Assessment(day, site)
        return Assessment(day, self._context.sites[0] if self._context.sites else None)

    def printed_code(self, subject: Subject, day: date) -> str:
        """The code that the certificate prints: the one that was written, else the one in use on the day."""
        if subject.written_code is not None:
            return subject.written_code
        key = (subject.occupation.id, day)
        if key not in self._codes:
            self._codes[key] = subject.occupation.code_on(day).code
        return self._codes[key]

    def judge_scope(self, subject: Subject, assessment: Assessment) -> None:
        """Report when no scope of the institution covers the subject on the day of the assessment."""
        region = "" if assessment.site is None else assessment.site.division
        judged = (subject.occupation.id, subject.direction_name, subject.grade, region, assessment.on)
        if judged not in self._scope_faults:
            self._scope_faults[judged] = self._context.scope_fault(*judged)
        code = self._scope_faults[judged]
        if code is not None:
            self._cells.report(_COLUMN_OF_SCOPE_FAULT.get(code, "assessed_on"), code)

    def _occupation(self) -> _OccupationWord | None:
        text = self._cells.text("occupation")
        if not text:
            if text is not None:
                self._cells.report("occupation", "occupation_missing")
            return None
        if text not in self._occupations:
            self._occupations[text] = self._look_up(text)
        word = self._occupations[text]
        if word is None:
            self._cells.report("occupation", "occupation_unknown")
        return word

    def _look_up(self, text: str) -> _OccupationWord | None:
        occupation = self._context.catalogue.find(text)
        if occupation is None:
            return None
        code = occupation.code(text)
        return _OccupationWord(occupation, None if code is None else code.code)

    def _grade(self) -> Grade | None:
        text = self._cells.text("grade")
        grade = _GRADES.get(text or "")
        if grade is None and text is not None:
            self._cells.report("grade", "grade_unknown" if text else "grade_missing")
        return grade

    def _direction(self, occupation: Occupation, text: str, grade: Grade) -> _DirectionWord:
        key = (occupation.id, text, grade)
        if key not in self._directions:
            self._directions[key] = self._judge_direction(occupation, text, grade)
        return self._directions[key]

    def _judge_direction(self, occupation: Occupation, text: str, grade: Grade) -> _DirectionWord:
        if text in _NO_DIRECTION:
            return _DirectionWord(None, None, "direction_required" if occupation.direction_required else None)
        known = occupation.direction(text)
        if known is not None:
            fault = None if known.allows(grade) else "direction_not_at_grade"
            return _DirectionWord(known.number, known.name_zh, fault)
        if not occupation.directions_open:
            return _DirectionWord(None, None, "direction_unknown")
        name = " ".join(text.split())
        return _DirectionWord(name, name, None if self._is_printable(name) else "direction_malformed")

    def _is_printable(self, name: str) -> bool:
        plain = all(character.isalnum() or character in _DIRECTION_SIGNS for character in name)
        return plain and len(name) <= MAX_DIRECTION and not self._context.missing_glyphs(name)

    def _assessed_on(self) -> date | None:
        text = self._cells.text("assessed_on")
        if not text:
            if text is not None:
                self._cells.report("assessed_on", "date_missing")
            return None
        day = read_day(text)
        if isinstance(day, DateFault):
            self._cells.report("assessed_on", day.code, day.params)
            return None
        age = (self._context.today - day).days
        if age < 0:
            self._cells.report("assessed_on", "date_in_future")
            return None
        if age > self._context.max_assessment_age_days:
            limit = self._context.max_assessment_age_days
            self._cells.report("assessed_on", "assessment_too_old", {"days": age, "limit": limit})
            return None
        return day

    def _site(self, name: str, day: date) -> Site | None:
        for site in self._context.sites:
            in_use = site.valid_from <= day and (site.valid_until is None or day < site.valid_until)
            if in_use and name in (site.code, site.name):
                return site
        self._cells.report("site", "site_unknown")
        return None


_COLUMN_OF_SCOPE_FAULT = {
    "occupation_out_of_scope": "occupation",
    "direction_out_of_scope": "direction",
    "grade_out_of_scope": "grade",
    "region_out_of_scope": "site",
}
