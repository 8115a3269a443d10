"""A certificate under a stolen institution key, asked about at the site and by two strangers with published files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from register_desk import Desk, people
from thief import ASSESSOR, DAY, MINUTE, forged, publish, text_of

from registry.cli import run


def test_not_genuine_where_the_register_is_at_hand_and_undetermined_where_it_is_not(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.now += MINUTE
    [genuine] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    text = forged(desk, genuine, desk.now)
    desk.now += DAY
    pack = publish(desk, tmp_path / "pack")
    bare = shutil.copytree(pack, tmp_path / "bare", ignore=shutil.ignore_patterns("log"))
    monkeypatch.setattr("registry.cli.verify_commands.now_utc", lambda: desk.now)

    def verify(given: str, *evidence: object) -> tuple[int, str, Any]:
        where = [part for folder in evidence for part in ("--evidence", folder)]
        where += ["--root", desk.home.settings.pinned_root_file] if evidence else []
        code = run([str(part) for part in ("verify", given, *where, "--json", "--home", desk.folder)])
        report = json.loads(capsys.readouterr().out)
        [log] = [check["code"] for check in report["checks"] if check["name"] == "log"]
        return code, log, report["certificate"] is not None

    assert verify(text) == (1, "not_logged", False)
    assert verify(text, bare) == (2, "log_unavailable", True)
    assert verify(text, pack) == (1, "not_logged", False)
    honest = text_of(desk, genuine.number)
    assert [verify(honest, *where)[:2] for where in ((), (bare,), (pack,))] == [
        (0, "logged"),
        (2, "log_unavailable"),
        (0, "logged"),
    ]
