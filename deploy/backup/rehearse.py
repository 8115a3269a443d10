"""Loses a PostgreSQL server and brings the register back: ``python -m deploy.backup.rehearse [--people 200]``.

Certificates are issued, a base backup is taken, more are issued and one is revoked, and the machine burns with the end
of its log. The server is put back twice, to the end of the archived log and to an earlier time; each time nothing may
be issued until ``kezheng recover`` was run, and afterwards every certificate that was handed out must be there once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.sample_home import institution_text, roster_file
from certs.verification import verify_qr_text
from deploy.backup.database_server import DatabaseServer, programs_folder
from registry.settings import load_settings
from registry.verifying import evidence_of_home

KEZHENG = (sys.executable, "-c", "from registry.cli import main; main()")
PEOPLE = 200
REVOKED = "exam_misconduct"


class RehearsalFailed(AssertionError):
    """Something that must hold after a recovery does not."""


@dataclass
class Application:
    """A machine with the program: its home, and the archive on another disk."""

    folder: Path
    url: str
    issued: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    @property
    def environ(self) -> dict[str, str]:
        """The settings of the home."""
        home, archive = str(self.folder / "home"), str(self.folder / "other disk" / "archive")
        return {"KEZHENG_HOME": home, "KEZHENG_DATABASE_URL": self.url, "KEZHENG_ARCHIVE": archive}

    def ask(self, *arguments: str) -> tuple[int, Any]:
        """Run a command with ``--json``; its exit code and document."""
        command = (*KEZHENG, *arguments, "--json")
        done = subprocess.run(command, env=os.environ | self.environ, capture_output=True, check=False)
        return done.returncode, orjson.loads(done.stdout) if done.stdout else None

    def must(self, *arguments: str) -> Any:
        """The same for a command that has to succeed. Raises RehearsalFailed."""
        code, document = self.ask(*arguments)
        if code != 0:
            raise RehearsalFailed(f"{' '.join(arguments)}: {code} {document}")
        return document

    def issue(self, code: str, people: range) -> tuple[int, Any]:
        """Issue certificates to people by number; what was acknowledged is remembered."""
        roster, out = self.folder / f"roster{people.start}.xlsx", self.folder / f"out{people.start}"
        roster.write_bytes(roster_file(people))
        names = ("--operator", "operator", "--approver", "approver")
        exit_code, document = self.ask("issue", str(roster), "--institution", code, *names, "--out", str(out))
        if exit_code == 0:
            self.issued |= {made["number"]: made["qr"] for made in document["certificates"]}
        return exit_code, document

    def revoke(self, number: str) -> None:
        """Revoke a certificate."""
        self.must("status", "revoke", number, "--reason", REVOKED, "--by", "operator")
        self.revoked.add(number)


@dataclass(frozen=True)
class Outcome:
    """What one restoration gave, with the seconds that ``kezheng recover`` took."""

    name: str
    document: dict[str, Any]
    seconds: float
    checked: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE, help="in each of three batches")
    parser.add_argument("--programs", type=Path, help="folder of PostgreSQL's programs")
    arguments = parser.parse_args()
    programs = arguments.programs or programs_folder()
    with lent_folder() as folder:
        outcomes = rehearse(folder, programs, arguments.people, say)
    for line in table(outcomes):
        say(line)


def rehearse(folder: Path, programs: Path, people: int, tell: Any = lambda _: None) -> list[Outcome]:
    """The whole story. Raises RehearsalFailed."""
    (folder / "database").mkdir()
    server = DatabaseServer(folder / "database", programs)
    application = Application(folder / "application", server.url)
    application.folder.mkdir()
    try:
        server.create()
        code, backup, until = live(server, application, people, tell)
        server.lose()
        tell("the database's machine is gone")
        kept = shutil.copytree(application.folder, folder / "kept")
        outcomes = []
        for name, point in (("end of the archived log", None), ("an earlier time", until)):
            server.put_back(backup, point)
            tell(f"put back: {name}")
            outcomes.append(recover(name, application, code, people))
            server.lose()
            shutil.rmtree(application.folder)
            shutil.copytree(kept, application.folder)
        return outcomes
    finally:
        server.stop()


def live(server: DatabaseServer, application: Application, people: int, tell: Any) -> tuple[str, Path, datetime]:
    """What happens before the loss: the institution's code, the base backup, a time after it."""
    application.must("init")
    file = application.folder / "institution.toml"
    file.write_text(institution_text(0), encoding="utf-8")
    code = str(application.must("institution", "add", str(file))["code"])
    for batch in range(3):
        if batch == 1:
            backup = server.back_up()
        exit_code, document = application.issue(code, range(batch * people, (batch + 1) * people))
        if exit_code != 0:
            raise RehearsalFailed(str(document))
        tell(f"{len(application.issued)} certificates")
        if batch == 1:
            until = server.time()
            application.revoke(next(iter(application.issued)))
            server.archive_log()
    application.revoke(list(application.issued)[-1])
    return code, backup, until


def recover(name: str, application: Application, code: str, people: int) -> Outcome:
    """Refused, tried, recovered, refused no more; every certificate is there once and nothing twice."""
    issued = dict(application.issued)
    refused, document = application.issue(code, range(3 * people, 3 * people + 1))
    _require(refused == 1 and document["code"] == "log_rollback", f"not refused: {document}")
    tried = application.must("recover", "--dry-run")
    began = time.monotonic()
    done = application.must("recover")
    seconds = time.monotonic() - began
    _require(done["recovered"] and not done["lost"] and not done["void_numbers"], f"lost: {done}")
    _require(tried["certificates"] == done["certificates"], "the dry run said something else")
    _require(not application.must("recover")["recovered"], "a second run found something to do")
    check_certificates(application)
    more, document = application.issue(code, range(3 * people, 3 * people + 5))
    _require(more == 0, f"nothing can be issued: {document}")
    new = application.issued.keys() - issued.keys()
    _require(len(new) == 5, f"numbers came twice: {document}")
    _require(application.must("log", "check")["is_right"], "the register does not fit")
    check_certificates(application)
    outcome = Outcome(name, done, seconds, len(application.issued))
    application.issued = issued
    return outcome


def check_certificates(application: Application) -> None:
    """Every code that was handed out says what it said before the loss. Raises RehearsalFailed."""
    evidence = evidence_of_home(load_settings(None, application.environ))
    for number, text in application.issued.items():
        verdict = verify_qr_text(text, evidence, datetime.now(UTC)).verdict.value
        expected = "not_in_force" if number in application.revoked else "valid"
        _require(verdict == expected, f"{number}: {verdict} instead of {expected}")


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The outcomes for people, and as JSON in the last line."""
    yield f"{'put back to':<26}{'behind':>8}{'restored':>10}{'lost':>6}{'checked':>9}{'seconds':>9}"
    for each in outcomes:
        behind = each.document["register"]["size"] - each.document["database"]["size"]
        found = each.document["certificates"]
        yield (
            f"{each.name:<26}{behind:>8}{found['restored']:>10}{found['lost']:>6}{each.checked:>9}{each.seconds:>9.1f}"
        )
    yield orjson.dumps([{"name": each.name, "seconds": each.seconds} | each.document for each in outcomes]).decode()


@contextmanager
def lent_folder() -> Iterator[Path]:
    """A folder that is removed at the end; its name is short, for a server's socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="kz-"))
    # The server runs as another account, which has to get through.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _require(holds: bool, said: str) -> None:
    if not holds:
        raise RehearsalFailed(said)


if __name__ == "__main__":
    main()
