"""The command line in this process: one home made by the commands themselves, copied for each test."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from register_desk import people, workbook

from certs.timestamps import shanghai_day
from registry.cli import run
from registry.sample.rosters import sample_institution

ASSESSED = (shanghai_day(datetime.now(UTC)) - timedelta(days=20)).isoformat()
ASSESSOR = "P000115000001"


@dataclass(frozen=True)
class Answer:
    """What one command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class Kezheng:
    """Runs commands against one home."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *arguments: object, home: Path | None = None) -> Answer:
        """Run one command with ``--home``."""
        return self.bare(*arguments, "--home", home or self.home)

    def bare(self, *arguments: object) -> Answer:
        """Run one command as it is."""
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)

    def json(self, *arguments: object, home: Path | None = None) -> Any:
        """The document of a command that succeeds and says nothing else."""
        answer = self(*arguments, "--json", home=home)
        assert (answer.code, answer.err) == (0, "")
        return answer.document


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEZHENG_HOME", "KEZHENG_PUBLIC_URL", "KEZHENG_DATABASE_URL", "KEZHENG_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def issued_home(tmp_path_factory: pytest.TempPathFactory, _each_passphrase_stretched_once: None) -> Path:
    """A home made by ``init``, ``institution add`` and ``issue`` of three people, with its certificates in exports."""
    folder = tmp_path_factory.mktemp("issued")
    (folder / "beijiang.toml").write_bytes(sample_institution("beijiang"))
    (folder / "roster.xlsx").write_bytes(workbook(people(1, 2, 3, 考核日期=ASSESSED)))
    home = ["--home", str(folder / "home")]
    assert run(["init", *home]) == 0
    assert run(["institution", "add", str(folder / "beijiang.toml"), *home]) == 0
    two = ["--operator", "甲", "--approver", "乙"]
    assert run(["issue", str(folder / "roster.xlsx"), "--institution", ASSESSOR, *two, *home]) == 0
    return folder


@pytest.fixture
def kezheng(issued_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Kezheng:
    """Commands on a copy of that home."""
    shutil.copytree(issued_home / "home", tmp_path / "home")
    return Kezheng(tmp_path / "home", capsys)


@pytest.fixture
def certificates(kezheng: Kezheng, issued_home: Path) -> list[dict[str, Any]]:
    """What ``issue`` answers for the three people; the same file again makes nothing new."""
    roster = issued_home / "roster.xlsx"
    arguments = ("issue", roster, "--institution", ASSESSOR, "--operator", "甲", "--approver", "乙")
    found: list[dict[str, Any]] = kezheng.json(*arguments)["certificates"]
    return found


@pytest.fixture
def assessed() -> str:
    """A day of assessment that is in time whenever the tests run."""
    return ASSESSED
