"""``kezheng verify --evidence`` on an envelope that a thief signed: what a folder says with the log and without."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from simulator import World

from certs.evidence import LOG_FOLDER
from certs.root_chain import root_to_jwk
from registry.cli import run

Verify = Callable[[str], tuple[int, Any]]


@pytest.fixture
def world() -> World:
    return World(now=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def verify(tmp_path: Path, folder: Path, world: World, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs the command in a home of its own; exit code and report."""
    root = tmp_path / "root.jwk"
    root.write_bytes(orjson.dumps(root_to_jwk(world.root_key())))

    def verify_text(text: str) -> tuple[int, Any]:
        arguments = ["verify", text, "--evidence", folder, "--root", root, "--json", "--home", tmp_path / "home"]
        code = run([str(argument) for argument in arguments])
        return code, json.loads(capsys.readouterr().out)

    return verify_text


def write(folder: Path, world: World) -> None:
    for name, content in world.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def log_check(report: Any) -> tuple[str, str, str]:
    [check] = [check for check in report["checks"] if check["name"] == "log"]
    return report["verdict"], check["outcome"], check["code"]


def test_without_the_log_it_cannot_tell_and_with_the_log_it_refuses(
    world: World, folder: Path, verify: Verify
) -> None:
    forged = world.issue(world.institution(), issued_at=world.now - timedelta(days=2), logged_at=None)
    write(folder, world)
    code, report = verify(forged)
    assert (code, log_check(report)) == (1, ("not_genuine", "failed", "not_logged"))
    assert report["certificate"] is None
    shutil.rmtree(folder / LOG_FOLDER)
    code, report = verify(forged)
    assert (code, log_check(report)) == (2, ("undetermined", "indeterminate", "log_unavailable"))


def test_a_log_that_ends_before_it_had_to_be_logged_cannot_tell(world: World, folder: Path, verify: Verify) -> None:
    forged = world.issue(world.institution(), issued_at=world.now - timedelta(hours=2), logged_at=None)
    write(folder, world)
    code, report = verify(forged)
    assert (code, log_check(report)) == (2, ("undetermined", "indeterminate", "log_unavailable"))


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, b"\xff" * 10], ids=["empty", "zeros", "ones"])
def test_a_damaged_log_gets_a_report_in_words(world: World, folder: Path, verify: Verify, damage: bytes) -> None:
    forged = world.issue(world.institution(), issued_at=world.now - timedelta(days=2), logged_at=None)
    write(folder, world)
    [bundle] = (folder / LOG_FOLDER / "tile" / "entries").rglob("*.p/*")
    bundle.write_bytes(damage)
    code, report = verify(forged)
    assert (code, log_check(report)) == (2, ("undetermined", "indeterminate", "log_entries_differ"))
