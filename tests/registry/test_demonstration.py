"""The demonstration: made once, found again, and never mixed with real data."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from register_desk import NOW
from stopped_process import Stopped, stop

from certs.errors import KezhengError
from certs.qr import read_qr_text
from keys import keystore
from registry import demonstration
from registry.demonstration import Demonstration, demonstrate
from registry.exporting import IssuedFile
from registry.home import Home
from registry.store.batch_store import BatchRecord
from registry.store.certificate_store import certificates_of_batch
from registry.store.roster_store import roster_rows
from registry.store.states import CertificateState
from registry.verifying import evidence_of_home, full_report, read_input, verify_input


def play(folder: Path, now: datetime = NOW, port: int = 8000, **environ: str) -> Demonstration:
    return demonstrate(folder, environ, port, lambda: now, lambda _: None)


def verdicts(shown: Demonstration, now: datetime = NOW) -> dict[str, str]:
    evidence = evidence_of_home(shown.settings)
    return {files.number: verify_input(files.qr, evidence, now).verdict.value for files in shown.certificates}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, _each_passphrase_stretched_once: None) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "home"
    play(folder)
    return folder


@pytest.mark.xdist_group("demonstration")
def test_every_answer_can_be_seen(played: Path) -> None:
    shown = play(played)
    states = sorted(shown.states.values())
    assert states == ["revoked", "superseded", "suspended"]
    judged = verdicts(shown)
    assert {number for number, verdict in judged.items() if verdict != "valid"} == set(shown.states)
    assert judged[shown.certificates[0].number] == "valid"
    assert {files.number[0] for files in shown.certificates} == {"P", "T"}
    evidence = evidence_of_home(shown.settings)
    report = full_report(verify_input(shown.certificates[0].qr, evidence, NOW), evidence, NOW)
    assert "demo_environment" in {notice["code"] for notice in report["notices"]}


@pytest.mark.xdist_group("demonstration")
def test_a_second_time_it_is_found_as_it_was(played: Path) -> None:
    first, again = play(played), play(played, NOW + timedelta(minutes=5))
    assert again.document() == first.document()
    assert {entry["state"] for entry in again.document()["certificates"]} == {
        *("valid", "revoked", "superseded", "suspended")
    }
    for files in again.certificates:
        assert all(path is None or path.is_file() for path in (files.png, files.pdf, files.picture))


@pytest.mark.xdist_group("demonstration")
def test_at_another_port_codes_point_there(played: Path) -> None:
    shown = play(played, port=8765)
    assert read_qr_text(shown.certificates[0].qr).origin == "http://127.0.0.1:8765"
    assert set(verdicts(shown).values()) == {"valid", "not_in_force"}
    evidence = evidence_of_home(shown.settings)
    assert verify_input(read_input(str(shown.certificates[0].png)), evidence, NOW).notices[0].code == "demo_environment"


def test_what_an_operator_set_stays(tmp_path: Path) -> None:
    shown_at = "https://demo.example.cn"
    settings = demonstration._demo_settings(tmp_path / "home", {"KEZHENG_PUBLIC_URL": shown_at}, 8000)
    assert (settings.public_url, settings.environment) == (shown_at, "demo")
    assert demonstration._demo_settings(tmp_path / "home", {}, 9000).public_url == shown_at


def test_real_data_is_not_played_with(home_folder: Path) -> None:
    with pytest.raises(KezhengError, match="demo_home_in_use"):
        play(home_folder)


STEPS = ("import_roster", "approve_import", "issue_batch", "change_status", "start_correction")


@pytest.mark.parametrize("step", STEPS)
def test_stopped_on_its_way_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr(keystore, "SCRYPT_N", 2**4)
    monkeypatch.setattr(demonstration, "export_batch", _without_files)
    with monkeypatch.context() as patch:
        patch.setattr(demonstration, step, stop)
        with pytest.raises(Stopped):
            play(tmp_path / "home")
    shown = play(tmp_path / "home")
    assert len(shown.certificates) == 15
    assert sorted(shown.states.values()) == ["revoked", "superseded", "suspended"]


def _without_files(home: Home, batch: BatchRecord, folder: Path, *_: Any) -> list[IssuedFile]:
    """What an export answers, without drawing anything."""
    with home.store.reading() as tx:
        rows = {row.id: row.sheet_row for row in roster_rows(tx, batch.id)}
        issued = certificates_of_batch(tx, batch.id)
    return [
        IssuedFile(c.number, rows[c.roster_row_id], "", folder / c.number, folder, folder, None)
        for c in issued
        if c.state is CertificateState.RELEASED
    ]
