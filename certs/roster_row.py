"""One row of a roster: every cell judged, and a candidate when nothing was found against any of them."""

from __future__ import annotations

from certs.candidate import Candidate
from certs.grades import CertificateKind
from certs.institution import Site
from certs.roster_columns import Header
from certs.roster_context import RosterContext
from certs.roster_details import DetailReader
from certs.roster_findings import Findings, RowCells
from certs.roster_marks import Marks, MarksReader
from certs.roster_people import PeopleSeen
from certs.roster_person import Person, PersonReader
from certs.roster_subject import Assessment, Subject, SubjectReader
from certs.sheet import Cell, Row

MAX_TRAINING_CERTIFICATE = 64


_SUBJECT_COLUMNS = ("occupation", "direction", "grade", "assessed_on", "site")
_MARK_COLUMNS = ("theory", "ability", "result")
_Cells = tuple[Cell | None, ...]


class RowReader:
    """Reads row after row of one file; rows are compared with those before them.

    What many rows have in common is read once, as long as nothing was to be reported about it: the same cells would
    only be found in order again.
    """

    def __init__(self, header: Header, context: RosterContext, findings: Findings) -> None:
        self._context = context
        self._findings = findings
        self._cells = RowCells(header, findings)
        self._persons = PersonReader(context, self._cells, DetailReader(header, context, self._cells))
        self._subjects = SubjectReader(context, self._cells)
        self._marks = MarksReader(header, self._cells)
        self._people = PeopleSeen(self._cells)
        self._subject_cells = self._cells.picker(_SUBJECT_COLUMNS)
        self._mark_cells = self._cells.picker(_MARK_COLUMNS)
        self._known_subjects: dict[_Cells, tuple[Subject, Assessment]] = {}
        self._known_marks: dict[_Cells, Marks] = {}

    def read(self, row: Row) -> Candidate | None:
        """The candidate of a row, or None after reporting why there is none."""
        before = len(self._findings.faults)
        ordinal = self._cells.load(row)
        if row.hidden:
            self._cells.report(None, "hidden_row")
        person = self._persons.read()
        known = self._known_subjects.get(self._subject_cells())
        count = self._findings.count
        subject, assessment = known or (self._subjects.subject(), self._subjects.assessment())
        is_reported = self._findings.count != count
        marks = self._read_marks()
        training = self._training_certificate(marks)
        self._people.compare(person, None if subject is None else subject.key)
        if subject is None or assessment is None:
            return None
        if known is None:
            self._judge_scope(subject, assessment, is_reported)
        if marks is None or len(self._findings.faults) != before:
            return None
        return self._candidate(ordinal, person, subject, assessment, marks, training)

    def _judge_scope(self, subject: Subject, assessment: Assessment, is_reported: bool) -> None:
        """Judge what is read for the first time, and keep it when there is nothing to say about it."""
        count = self._findings.count
        self._subjects.judge_scope(subject, assessment)
        if not is_reported and self._findings.count == count:
            self._known_subjects[self._subject_cells()] = subject, assessment

    def _read_marks(self) -> Marks | None:
        cells, count = self._mark_cells(), self._findings.count
        known = self._known_marks.get(cells)
        if known is not None:
            return known
        marks = self._marks.read()
        if marks is not None and self._findings.count == count:
            self._known_marks[cells] = marks
        return marks

    def _training_certificate(self, marks: Marks | None) -> str:
        number = self._cells.text("training_certificate")
        if self._context.kind is CertificateKind.TRAINING or number is None:
            return ""
        if not number and marks is not None and marks.result.earns_certificate:
            self._cells.report("training_certificate", "training_certificate_empty")
        if len(number) > MAX_TRAINING_CERTIFICATE or not number.isprintable():
            self._cells.report("training_certificate", "training_certificate_malformed")
        return number

    def _candidate(
        self,
        ordinal: str,
        person: Person,
        subject: Subject,
        assessment: Assessment,
        marks: Marks,
        training: str,
    ) -> Candidate:
        """The record of a row without faults.

        Raises ValueError when a part is missing that no fault was reported for.
        """
        if person.name is None or person.document is None:
            raise ValueError("a person without name or document")
        return Candidate(
            row=self._cells.row,
            ordinal=ordinal,
            name=person.name,
            id_document=person.document,
            occupation_id=subject.occupation.id,
            occupation_code=self._subjects.printed_code(subject, assessment.on),
            direction=subject.direction,
            direction_name=subject.direction_name,
            grade=subject.grade,
            theory=marks.theory,
            ability=marks.ability,
            result=marks.result,
            assessed_on=assessment.on,
            training_certificate=training,
            site_code=self._site_code(assessment.site),
            details=person.details,
        )

    def _site_code(self, site: Site | None) -> str:
        """The code of a site; the main one is the rule and is not named."""
        return "" if site is None or site == self._context.sites[0] else site.code
