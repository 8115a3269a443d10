"""Compares the rows of one file with each other: the same person twice, or perhaps the same person."""

from __future__ import annotations

from datetime import date

from certs.grades import Grade
from certs.roster_findings import RowCells
from certs.roster_person import Person

SubjectKey = tuple[str, int | str | None, Grade]
"""Occupation id, direction and grade."""


class PeopleSeen:
    """The people of the rows read so far."""

    def __init__(self, cells: RowCells) -> None:
        self._cells = cells
        self._names: dict[str, tuple[str, int]] = {}
        self._subjects: dict[tuple[str, SubjectKey], int] = {}
        self._births: dict[tuple[str, date], tuple[str, int]] = {}

    def compare(self, person: Person, subject: SubjectKey | None) -> None:
        """Report what the loaded row has in common with an earlier one.

        ``subject`` None: it has a fault of its own.
        """
        if person.document is None:
            return
        key, row = person.document.person_key, self._cells.row
        if subject is not None:
            first = self._subjects.setdefault((key, subject), row)
            if first != row:
                self._cells.report("id_number", "person_repeated", {"other": first})
        if person.name is not None:
            self._compare_name(row, person.name, key)
            birth_date = person.document.birth_date or person.details.birth_date
            self._compare_birth(row, person.name, key, birth_date)

    def _compare_name(self, row: int, name: str, key: str) -> None:
        first_name, first_row = self._names.setdefault(key, (name, row))
        if first_name != name:
            self._cells.report("name", "id_same_name_differs", {"other": first_row})

    def _compare_birth(self, row: int, name: str, key: str, birth_date: date | None) -> None:
        if birth_date is None:
            return
        first_key, first_row = self._births.setdefault((name, birth_date), (key, row))
        if first_key != key:
            self._cells.report("id_number", "possible_same_person", {"other": first_row})
