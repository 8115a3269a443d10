"""A desk at a register on disk: the verbs of an institution's day, for tests of whole flows.

The home lies in a folder of the test and is a copy of one that was initialised once, because making keys is slow.
The clock is the desk's: it stands still until a test moves it. People are invented, with ID numbers of birth years
before 1905.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import text

from certs.evidence import Evidence
from certs.identifiers import credit_code_check, organisation_code_check, resident_id_check
from certs.institution import EventKind
from certs.occupations import catalogue
from certs.qr import qr_text
from certs.status import State
from certs.verification import verify_qr_text
from registry.directory import enter_institution, record_event
from registry.home import Home
from registry.institution_file import read_institution_file
from registry.issuing.approve import approve_import
from registry.issuing.import_roster import import_roster
from registry.issuing.issue import issue_batch
from registry.replacing import Correction, start_correction
from registry.status_changes import StatusChange, change_status
from registry.store.batch_store import BatchRecord, batch_by_id
from registry.store.certificate_store import CertificateRecord, certificate_by_number, certificates_of_batch
from registry.store.tables import TABLES
from registry.verifying import evidence_of_home, full_report

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ASSESSED = date(2026, 11, 2)
OPERATOR, APPROVER = "经办甲", "复核乙"
OCCUPATION, DIRECTION = "智能制造工程技术人员", "智能装备与产线应用"
REQUIRED = (
    *("姓名", "证件类型", "证件号码", "职业", "职业方向", "等级"),
    *("理论成绩", "专业能力成绩", "考核日期", "培训证书编号"),
)
_GIVEN = "安博昌达恩方国华嘉凯"

Row = Mapping[str, str]


def id_number(place: int) -> str:
    """The ID number of an invented person, born in 1904."""
    digits = f"150102190401{1 + place // 500:02}{place % 500 * 2 + 1:03}"
    return digits + resident_id_check(digits)


def name_of(place: int) -> str:
    """The name that goes with it."""
    return "测试" + "".join(_GIVEN[int(digit)] for digit in str(place))


def person(place: int, **cells: str) -> dict[str, str]:
    """One row of a roster that has no fault, with some cells written otherwise."""
    written = (name_of(place), "居民身份证", id_number(place), OCCUPATION, DIRECTION, "中级", "80", "75.5")
    return dict(zip(REQUIRED, (*written, ASSESSED.isoformat(), ""), strict=True)) | cells


def people(*places: int, **cells: str) -> list[dict[str, str]]:
    """Rows of several people."""
    return [person(place, **cells) for place in places]


def workbook(rows: Iterable[Row]) -> bytes:
    """An XLSX file with these rows, all text, headings in the first line."""
    lines = list(rows)
    headings = list(dict.fromkeys((*REQUIRED, *(name for line in lines for name in line))))
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": NOW})
        sheet = book.add_worksheet("名册")
        for number, line in enumerate([headings, *([line.get(name, "") for name in headings] for line in lines)]):
            for column, value in enumerate(line):
                sheet.write_string(number, column, value)
    return buffer.getvalue()


def credit_code(place: int) -> str:
    """A credit code that is well formed and nobody's."""
    organisation = f"MB9{place:05}"
    front = f"12150000{organisation}{organisation_code_check(organisation)}"
    return front + credit_code_check(front)


def institution_toml(place: int = 7, **changes: Any) -> bytes:
    """The file of an assessment institution with one scope for all grades of one occupation."""
    values = {
        "name": f"测试评价中心{place}",
        "kind": "assessment",
        "credit_code": credit_code(place),
        "province": "15",
        "scope": 'occupation = "2-02-38-05"\ngrades = ["junior", "intermediate", "senior"]\n'
        "valid_from = 2024-01-01\nvalid_to = 2030-12-31\n",
        "more": "",
    } | changes
    head = "".join(f'{name} = "{values[name]}"\n' for name in ("name", "kind", "credit_code", "province"))
    return f"{head}{values['more']}\n[[scopes]]\n{values['scope']}".encode()


@dataclass
class Desk:
    """One open home with a clock that stands still."""

    home: Home
    now: datetime = NOW
    labels: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The home's folder."""
        return self.home.settings.home

    def clock(self) -> datetime:
        """The desk's time."""
        return self.now

    # --- institutions

    def list_institution(self, content: bytes) -> str:
        """Enter an institution; its code."""
        entry = read_institution_file(content, catalogue())
        return enter_institution(self.home, entry, OPERATOR, self.now).code

    def institution_event(self, code: str, kind: EventKind, on: date, reason: str) -> None:
        """Suspend, reinstate, withdraw or remove."""
        record_event(self.home, code, kind, on, reason, OPERATOR, self.now)

    # --- from a roster to certificates

    def bring(self, rows: Sequence[Row], code: str, operator: str = OPERATOR, label: str = "第一批") -> BatchRecord:
        """Import a roster."""
        return import_roster(self.home, workbook(rows), code, label, operator, self.now)

    def approve(self, batch: BatchRecord, approver: str = APPROVER, run_off: str | None = None) -> BatchRecord:
        """Approve a batch."""
        return approve_import(self.home, batch.id, approver, run_off, self.now)

    def finish(self, batch: BatchRecord) -> list[CertificateRecord]:
        """Issue an approved batch."""
        issue_batch(self.home, batch.id, self.clock, lambda _: None)
        return self.certificates(batch.id)

    def certify(self, rows: Sequence[Row], code: str, run_off: str | None = None) -> list[CertificateRecord]:
        """Import, approve and issue."""
        return self.finish(self.approve(self.bring(rows, code), run_off=run_off))

    def correct(self, number: str, reason: str = "correction", **changes: str) -> CertificateRecord:
        """Issue a corrected certificate."""
        correction = Correction(reason, OPERATOR, APPROVER, **changes)
        return self.finish(start_correction(self.home, number, correction, self.now))[0]

    # --- what becomes of certificates

    def change(self, number: str, state: State, reason: str, **more: Any) -> None:
        """Change the status of a certificate."""
        change_status(self.home, number, StatusChange(state, reason, OPERATOR, **more), self.now)

    # --- looking

    def certificates(self, batch_id: str) -> list[CertificateRecord]:
        """The certificates of a batch in order of their numbers taken."""
        with self.home.store.reading() as tx:
            return certificates_of_batch(tx, batch_id)

    def certificate(self, number: str) -> CertificateRecord:
        """One certificate as stored."""
        with self.home.store.reading() as tx:
            found = certificate_by_number(tx, number)
        assert found is not None
        return found

    def batch(self, batch_id: str) -> BatchRecord:
        """One batch as stored."""
        with self.home.store.reading() as tx:
            found = batch_by_id(tx, batch_id)
        assert found is not None
        return found

    def report(self, number: str, at: datetime | None = None) -> dict[str, Any]:
        """What a stranger is told who scans the code of a certificate."""
        return self._report(number, evidence_of_home(self.home.settings), at or self.now)

    def reports(self, numbers: Iterable[str]) -> list[dict[str, Any]]:
        """The same for many certificates, with the evidence gathered once."""
        evidence = evidence_of_home(self.home.settings)
        return [self._report(number, evidence, self.now) for number in numbers]

    def _report(self, number: str, evidence: Evidence, at: datetime) -> dict[str, Any]:
        envelope = self.certificate(number).envelope
        assert envelope is not None
        text_of_code = qr_text(self.home.settings.public_url, envelope)
        return full_report(verify_qr_text(text_of_code, evidence, at), evidence, self.now)

    def verdict(self, number: str, at: datetime | None = None) -> str:
        """The verdict alone."""
        found: str = self.report(number, at)["verdict"]
        return found

    def notices(self, number: str) -> set[str]:
        """The codes of the notices."""
        return {notice["code"] for notice in self.report(number)["notices"]}

    def row_counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.home.store.reading() as tx:
            return {
                table.name: tx.connection.scalar(text(f"SELECT count(*) FROM {table.name}")) or 0 for table in TABLES
            }

    def tamper(self, statement: str, **values: Any) -> int:
        """Change the database behind the program's back; how many rows it touched."""
        with self.home.store.transaction() as tx:
            return tx.connection.execute(text(statement), values).rowcount

    def value(self, query: str, **values: Any) -> Any:
        """One value of the database."""
        with self.home.store.reading() as tx:
            return tx.connection.execute(text(query), values).scalar()


Verb = Callable[[Desk], object]
