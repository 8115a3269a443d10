"""Writing certificates out: whole files for their owner only, and an export that was stopped goes on."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from register_desk import NOW, Desk, id_number, name_of, people
from stopped_process import Stopped

from registry.exporting import export_batch
from registry.verifying import evidence_of_home, read_input, verify_input

ASSESSOR = "P000115000001"


def export(desk: Desk, folder: Path) -> list[Any]:
    (batch_id,) = [desk.value("SELECT id FROM batch")]
    return export_batch(desk.home, desk.batch(batch_id), folder, NOW, lambda _: None)


@pytest.fixture
def issued(desk: Desk) -> Desk:
    desk.certify(people(1, 2), ASSESSOR)
    return desk


def test_every_file_is_its_owners_and_named_by_number(issued: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = export(issued, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    found = sorted(path.name for path in out.iterdir())
    assert len(found) == 2 * 4 + 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert not any(name_of(1) in name or id_number(1) in name for name in found)
    evidence = evidence_of_home(issued.home.settings)
    for entry in files:
        for path in (entry.png, entry.pdf, entry.picture):
            genuine = verify_input(read_input(str(path)), evidence, NOW).genuine
            assert genuine is not None
            assert genuine.number.text == entry.number


def test_no_page_shows_a_whole_id_number(issued: Desk, tmp_path: Path) -> None:
    export(issued, tmp_path / "out")
    numbers = [id_number(1), id_number(2)]
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        assert not any(number.encode() in content for number in numbers), path.name


def test_an_export_again_draws_nothing_anew(issued: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = export(issued, out)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("P*")}
    assert export(issued, out) == first
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("P*")} == before


@pytest.mark.parametrize("missing", ["pdf", "png", "svg", "picture"])
def test_a_file_that_is_gone_is_written_again(issued: Desk, tmp_path: Path, missing: str) -> None:
    first = export(issued, tmp_path / "out")
    path: Path = getattr(first[0], missing)
    whole = path.read_bytes()
    path.unlink()
    export(issued, tmp_path / "out")
    assert (path.read_bytes() == whole) or missing == "pdf"
    assert path.stat().st_size > 0


def stopping_at(place: int, real: Callable[..., None]) -> Callable[..., None]:
    """Like a call of the system that never comes back at its n-th use."""
    left = place

    def call(*arguments: Any, **options: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped
        real(*arguments, **options)

    return call


@pytest.mark.parametrize("place", [1, 2, 4, 5, 8])
def test_a_stopped_export_goes_on(
    issued: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stopping_at(place, os.replace))
        with pytest.raises(Stopped):
            export(issued, out)
    files = export(issued, out)
    assert {path.stat().st_size > 0 for path in out.iterdir()} == {True}
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == []
    assert len(list(out.iterdir())) == 2 * 4 + 2
    evidence = evidence_of_home(issued.home.settings)
    assert {verify_input(read_input(str(entry.pdf)), evidence, NOW).verdict.value for entry in files} == {"valid"}
