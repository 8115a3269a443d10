"""``kezheng demo``: a register with sample institutions, certificates in every state, and nothing real in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from certs.errors import KezhengError
from certs.grades import CertificateKind
from certs.institution import InstitutionRecord
from certs.occupations import catalogue
from certs.status import State
from certs.timestamps import shanghai_day
from registry.directory import enter_institution
from registry.exporting import IssuedFile, export_batch
from registry.home import Home, open_home
from registry.initialise import initialise, write_settings
from registry.institution_file import read_institution_file
from registry.issuing.approve import approve_import
from registry.issuing.import_roster import import_roster
from registry.issuing.issue import issue_batch
from registry.publishing.publish_trust import listed_institutions
from registry.replacing import Correction, start_correction
from registry.sample.rosters import sample_institution, sample_people, sample_roster
from registry.settings import Settings, load_settings
from registry.status_changes import StatusChange, change_status
from registry.store.batch_store import BatchRecord, batches_of_institution

OPERATOR, APPROVER = "演示经办人", "演示复核人"
EXAM_DAYS_AGO, TRAINING_DAYS_AGO = 20, 60
TRAINED = 4
"""How many of the sample people have a completion certificate."""

Clock = Callable[[], datetime]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demonstration made; ``states`` says in words what became of a certificate, by number."""

    settings: Settings
    folder: Path
    certificates: tuple[IssuedFile, ...]
    states: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The result for ``--json``: certificates in the shape of ``issue``, and one address to open."""
        return {
            "home": str(self.settings.home),
            "site": f"{self.settings.public_url}/",
            "url": self.certificates[0].qr,
            "exports": str(self.folder),
            "certificates": [
                {
                    "number": files.number,
                    "row": files.row,
                    "qr": files.qr,
                    "png": str(files.png),
                    "pdf": str(files.pdf),
                    "picture": str(files.picture),
                    "state": self.states.get(files.number, "valid"),
                }
                for files in self.certificates
            ],
        }

    def lines(self) -> list[str]:
        """The result for people."""
        first = self.certificates[0]
        named = [f"  {state}：{_address(self, number)}" for number, state in self.states.items()]
        return [
            f"网站 / site        {self.settings.public_url}/",
            f"证书 / certificate {first.qr}",
            f"PDF               {first.pdf}",
            *named,
            f"全部文件 / all files {self.folder}",
        ]


def demonstrate(home_folder: Path | None, environ: Mapping[str, str], port: int, clock: Clock, say: Say) -> Demonstration:
    """Make the demonstration, or find it made. Raises KezhengError ``demo_home_in_use`` for a home of production."""
    settings = _demo_settings(home_folder, environ, port)
    say("初始化 / making the home")
    initialise(settings, environ, clock())
    with open_home(settings, environ) as home:
        folder = settings.exports_folder / "demo"
        return Demonstration(settings, folder, *_play(home, folder, clock, say))


def _demo_settings(home_folder: Path | None, environ: Mapping[str, str], port: int) -> Settings:
    found = load_settings(home_folder, environ)
    if (found.home / "kezheng.db").exists() and found.environment != "demo":
        raise KezhengError("demo_home_in_use", home=str(found.home))
    values = {"environment": "demo"}
    if "KEZHENG_PUBLIC_URL" not in environ:
        values["public_url"] = f"http://127.0.0.1:{port}"
    write_settings(found, values)
    return load_settings(home_folder, environ)


def _play(home: Home, folder: Path, clock: Clock, say: Say) -> tuple[tuple[IssuedFile, ...], dict[str, str]]:
    with home.store.reading() as tx:
        listed = {record.kind: record for record in listed_institutions(tx)}
        made = [batch for record in listed.values() for batch in batches_of_institution(tx, record.code)]
    if not made:
        return _first_time(home, folder, clock, say)
    issued = [files for batch in made for files in _finish(home, batch, folder, clock)]
    return tuple(sorted(issued, key=lambda files: files.number[0] == "T")), {}


def _first_time(home: Home, folder: Path, clock: Clock, say: Say) -> tuple[tuple[IssuedFile, ...], dict[str, str]]:
    say("登记机构 / listing institutions")
    assessing, training = _list_institutions(home, clock)
    people, today = sample_people(), shanghai_day(clock())
    say("制证 / issuing certificates")
    trained = people[:TRAINED]
    completed = _issue(home, training, sample_roster(trained, today - timedelta(days=TRAINING_DAYS_AGO)), folder, clock)
    numbers = {person.name: files.number for person, files in zip(trained, _in_row_order(completed), strict=True)}
    roster = sample_roster(people, today - timedelta(days=EXAM_DAYS_AGO), numbers)
    graded = _in_row_order(_issue(home, assessing, roster, folder, clock))
    say("变更状态 / changing some states")
    corrected, states = _change_states(home, graded, folder, clock)
    return (*graded, *corrected, *completed), states


def _list_institutions(home: Home, clock: Clock) -> list[InstitutionRecord]:
    entries = [read_institution_file(sample_institution(name), catalogue()) for name in ("beijiang", "caoyuan")]
    records = [enter_institution(home, entry, OPERATOR, clock()) for entry in entries]
    return sorted(records, key=lambda record: record.kind is CertificateKind.TRAINING)


def _issue(home: Home, institution: InstitutionRecord, roster: bytes, folder: Path, clock: Clock) -> list[IssuedFile]:
    batch = import_roster(home, roster, institution.code, "演示名册", OPERATOR, clock())
    return _finish(home, approve_import(home, batch.id, APPROVER, None, clock()), folder, clock)


def _finish(home: Home, batch: BatchRecord, folder: Path, clock: Clock) -> list[IssuedFile]:
    if batch.released_at is None:
        issue_batch(home, batch.id, clock, lambda _: None)
    return export_batch(home, batch, folder, clock(), lambda _: None)


def _change_states(
    home: Home, graded: list[IssuedFile], folder: Path, clock: Clock
) -> tuple[list[IssuedFile], dict[str, str]]:
    """One suspended, one revoked, one corrected, so that every answer can be seen."""
    suspended, revoked, replaced = (graded[place].number for place in (1, 2, 3))
    until = shanghai_day(clock()) + timedelta(days=30)
    change_status(home, suspended, StatusChange(State.SUSPENDED, "under_review", OPERATOR, until=until), clock())
    change_status(home, revoked, StatusChange(State.REVOKED, "exam_misconduct", OPERATOR), clock())
    correction = Correction("correction", OPERATOR, APPROVER, name="阿依古丽·麦麦提")
    corrected = _finish(home, start_correction(home, replaced, correction, clock()), folder, clock)
    return corrected, {suspended: State.SUSPENDED.value, revoked: State.REVOKED.value, replaced: State.SUPERSEDED.value}


def _in_row_order(issued: list[IssuedFile]) -> list[IssuedFile]:
    return sorted(issued, key=lambda files: files.row)


def _address(shown: Demonstration, number: str) -> str:
    return next(files.qr for files in shown.certificates if files.number == number)
