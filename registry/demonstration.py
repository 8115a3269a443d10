"""``kezheng demo``: a register with sample institutions, certificates in every state, and nothing real in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from certs.errors import KezhengError
from certs.institution import InstitutionRecord
from certs.occupations import catalogue
from certs.status import State, status_at
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
from registry.status_changes import StatusChange, as_status_event, change_status
from registry.store.batch_store import BatchRecord, batches_of_institution
from registry.store.status_store import status_events_of

OPERATOR, APPROVER = "演示经办人", "演示复核人"
ROSTER_LABEL = "演示名册"
LOOPBACK = "http://127.0.0.1:"
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


def demonstrate(
    home_folder: Path | None, environ: Mapping[str, str], port: int, clock: Clock, say: Say
) -> Demonstration:
    """Make the demonstration, or find it made. Raises KezhengError ``demo_home_in_use`` for a home of production."""
    settings = _demo_settings(home_folder, environ, port)
    say("初始化 / making the home")
    initialise(settings, environ, clock())
    with open_home(settings, environ) as home:
        folder = settings.exports_folder / "demo"
        return Demonstration(settings, folder, *_play(home, folder, clock, say))


def _demo_settings(home_folder: Path | None, environ: Mapping[str, str], port: int) -> Settings:
    """The settings of the demonstration; codes point to the port that is served now, unless the operator says where."""
    found = load_settings(home_folder, environ)
    if (found.home / "kezheng.db").exists() and found.environment != "demo":
        raise KezhengError("demo_home_in_use", home=str(found.home))
    address = f"http://127.0.0.1:{port}" if found.public_url.startswith(LOOPBACK) else found.public_url
    write_settings(found, {"environment": "demo", "public_url": address})
    return load_settings(home_folder, {**environ, "KEZHENG_PUBLIC_URL": address})


def _play(home: Home, folder: Path, clock: Clock, say: Say) -> tuple[tuple[IssuedFile, ...], dict[str, str]]:
    """Every step looks first whether it was done: a demonstration that was stopped goes on where it was."""
    say("登记机构 / listing institutions")
    assessing, training = _institutions(home, clock)
    people, today = sample_people(), shanghai_day(clock())
    say("制证 / issuing certificates")
    trained = people[:TRAINED]
    courses = sample_roster(trained, today - timedelta(days=TRAINING_DAYS_AGO))
    completed = _first_batch(home, training, courses, folder, clock)
    numbers = {person.name: files.number for person, files in zip(trained, completed, strict=True)}
    roster = sample_roster(people, today - timedelta(days=EXAM_DAYS_AGO), numbers)
    graded = _first_batch(home, assessing, roster, folder, clock)
    say("变更状态 / changing some states")
    corrected = _change_states(home, assessing, graded, folder, clock)
    shown = (*graded, *corrected, *completed)
    return shown, _other_states(home, shown, clock())


def _institutions(home: Home, clock: Clock) -> list[InstitutionRecord]:
    """The assessment institution and the training institution, listed now if they were not."""
    with home.store.reading() as tx:
        listed = {record.credit_code: record for record in listed_institutions(tx)}
    entries = [read_institution_file(sample_institution(name), catalogue()) for name in ("beijiang", "caoyuan")]
    return [
        listed.get(entry.credit_code) or enter_institution(home, entry, OPERATOR, clock()) for entry in entries
    ]


def _first_batch(
    home: Home, institution: InstitutionRecord, roster: bytes, folder: Path, clock: Clock
) -> list[IssuedFile]:
    """The certificates of the institution's first roster, in the order of its rows."""
    made = [batch for batch in _batches(home, institution) if batch.label == ROSTER_LABEL]
    batch = made[0] if made else import_roster(home, roster, institution.code, ROSTER_LABEL, OPERATOR, clock())
    finished = _finish(home, approve_import(home, batch.id, APPROVER, None, clock()), folder, clock)
    return sorted(finished, key=lambda files: files.row)


def _batches(home: Home, institution: InstitutionRecord) -> list[BatchRecord]:
    with home.store.reading() as tx:
        return batches_of_institution(tx, institution.code)


def _finish(home: Home, batch: BatchRecord, folder: Path, clock: Clock) -> list[IssuedFile]:
    if batch.released_at is None:
        issue_batch(home, batch.id, clock, lambda _: None)
    return export_batch(home, batch, folder, clock(), lambda _: None)


def _change_states(
    home: Home, institution: InstitutionRecord, graded: list[IssuedFile], folder: Path, clock: Clock
) -> list[IssuedFile]:
    """One suspended, one revoked, one corrected, so that every answer can be seen; the correction's files."""
    suspended, revoked, replaced = (graded[place].number for place in (1, 2, 3))
    changed = _other_states(home, graded, clock())
    until = shanghai_day(clock()) + timedelta(days=30)
    if suspended not in changed:
        change_status(home, suspended, StatusChange(State.SUSPENDED, "under_review", OPERATOR, until=until), clock())
    if revoked not in changed:
        change_status(home, revoked, StatusChange(State.REVOKED, "exam_misconduct", OPERATOR), clock())
    corrections = [batch for batch in _batches(home, institution) if batch.label != ROSTER_LABEL]
    if not corrections:
        correction = Correction("correction", OPERATOR, APPROVER, name="阿依古丽·麦麦提")
        corrections = [start_correction(home, replaced, correction, clock())]
    return [files for batch in corrections for files in _finish(home, batch, folder, clock)]


def _other_states(home: Home, issued: Iterable[IssuedFile], now: datetime) -> dict[str, str]:
    """The states of those certificates that are not plainly valid, by number."""
    with home.store.reading() as tx:
        events = {
            files.number: [as_status_event(event) for event in status_events_of(tx, files.number)] for files in issued
        }
    states = {number: status_at(found, None, now).state for number, found in events.items()}
    return {number: state.value for number, state in states.items() if state is not State.VALID}


def _address(shown: Demonstration, number: str) -> str:
    return next(files.qr for files in shown.certificates if files.number == number)
