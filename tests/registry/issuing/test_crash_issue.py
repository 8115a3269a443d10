"""Killed at every single write of an issue run: the same command finishes it, and nothing happens twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from register_crash import killed_at
from register_desk import Desk, people, person

from registry.home import open_home
from registry.issuing import issue as issuing
from registry.settings import load_settings
from registry.store.states import BatchState, CertificateState
from registry.store.tables import TABLES

ASSESSOR = "P000115000001"
ROWS = [*people(1, 2, 3), *people(4, 5, 等级="初级"), person(6, 国家证书编号="国2026-1")]
MOST_POINTS = 200


def issue(folder: Path) -> None:
    """The whole command without its files: import, approve, issue."""
    with open_home(load_settings(folder, {}), {}) as home:
        desk = Desk(home)
        batch = desk.approve(desk.bring(ROWS, ASSESSOR))
        if batch.state is not BatchState.RELEASED:
            desk.finish(batch)


def stored_envelopes(folder: Path) -> dict[str, bytes]:
    """Number → envelope of everything that bears a signature, read past the program."""
    with sqlite3.connect(folder / "kezheng.db") as connection:
        query = "SELECT number, envelope FROM certificate JOIN certificate_sealed ON certificate_id = certificate.id"
        found: list[tuple[str, bytes]] = connection.execute(query).fetchall()
    connection.close()
    return dict(found)


def check_finished(folder: Path, signed_before: dict[str, bytes]) -> None:
    """All that must be true once the same command has run to its end."""
    with open_home(load_settings(folder, {}), {}) as home:
        desk = Desk(home)
        (batch,) = _rows(folder, "SELECT id FROM batch")
        certificates = desk.certificates(batch[0])
        assert desk.batch(batch[0]).state is BatchState.RELEASED
        assert {c.state for c in certificates} == {CertificateState.RELEASED}
        assert sorted((c.number[15], c.serial) for c in certificates) == [
            *(("2", serial) for serial in range(1, 5)),
            *(("3", serial) for serial in range(1, 3)),
        ]
        assert len({c.status_index for c in certificates}) == len(certificates)
        envelopes = {c.number: c.envelope for c in certificates}
        assert signed_before.items() <= envelopes.items()
        reports = desk.reports(envelopes)
        assert {report["verdict"] for report in reports} == {"valid"}
        assert [report["certificate"]["official_number"] for report in reports].count("国2026-1") == 1
    assert _rows(folder, "PRAGMA integrity_check") == [("ok",)]
    assert _rows(folder, "PRAGMA foreign_key_check") == []


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "kezheng.db") as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def what_is_left(folder: Path) -> tuple[Any, ...]:
    """What a killed process left: from the same state the same command does the same, so each is gone on from once."""
    assert _rows(folder, "PRAGMA integrity_check") == [("ok",)]
    counts = tuple(_rows(folder, f"SELECT count(*) FROM {table.name}")[0] for table in TABLES)
    states = "SELECT state, count(*), sum(live) FROM certificate GROUP BY state ORDER BY state"
    batches = "SELECT state, count(*) FROM batch GROUP BY state ORDER BY state"
    return (counts, *_rows(folder, states), *_rows(folder, batches), *_rows(folder, "SELECT * FROM counter"))


def fresh_copies(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """One home after another; the one before is thrown away."""
    for place in range(1, MOST_POINTS):
        folder = tmp_path / f"home{place}"
        shutil.copytree(prepared, folder)
        yield folder
        shutil.rmtree(folder)


@pytest.mark.slow
def test_killed_at_every_write(prepared_home: Path, tmp_path: Path) -> None:
    uninterrupted = shutil.copytree(prepared_home, tmp_path / "uninterrupted")
    issue(uninterrupted)  # what this process has loaded and computed its children need not
    points, seen = 0, set()
    for folder in fresh_copies(prepared_home, tmp_path):
        points += 1
        if not killed_at(points, lambda folder=folder: issue(folder)):
            break
        left = what_is_left(folder)
        if left not in seen:
            seen.add(left)
            before = stored_envelopes(folder)
            issue(folder)
            check_finished(folder, before)
    assert 20 < points < MOST_POINTS - 1
    assert len(seen) > 5


@pytest.mark.slow
def test_killed_again_and_again_it_still_comes_to_its_end(
    prepared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five points further at each attempt, in one and the same home; three chunks, of which two are published at once.
    """
    monkeypatch.setattr(issuing, "waiting_chunks", partial(issuing.waiting_chunks, size=2))
    folder = tmp_path / "home"
    shutil.copytree(prepared_home, folder)
    signed: dict[str, bytes] = {}
    for attempt in range(1, MOST_POINTS):
        if not killed_at(4 + attempt, lambda: issue(folder)):
            break
        now_signed = stored_envelopes(folder)
        assert signed.items() <= now_signed.items()
        signed = now_signed
    check_finished(folder, signed)


@pytest.mark.slow
def test_a_correction_killed_at_every_write(prepared_home: Path, tmp_path: Path) -> None:
    template = tmp_path / "template"
    shutil.copytree(prepared_home, template)
    with open_home(load_settings(template, {}), {}) as home:
        number = Desk(home).certify(people(1), ASSESSOR)[0].number

    def correct(folder: Path) -> str:
        with open_home(load_settings(folder, {}), {}) as home:
            return Desk(home).correct(number, name="测试改正").number

    seen = set()
    for point, folder in enumerate(fresh_copies(template, tmp_path), 1):
        if not killed_at(point, lambda folder=folder: correct(folder)):
            break
        left = what_is_left(folder)
        if left not in seen:
            seen.add(left)
            _check_corrected(folder, number, lambda folder=folder: correct(folder))
    assert 10 < point < MOST_POINTS - 1


def _check_corrected(folder: Path, number: str, again: Any) -> None:
    with open_home(load_settings(folder, {}), {}) as home:
        released = Desk(home).certificate(number).live is False
    if not released:
        assert again()
    with open_home(load_settings(folder, {}), {}) as home:
        desk = Desk(home)
        if released:  # all but the end of the batch itself was done: resuming ends it
            waiting = desk.value("SELECT id FROM batch WHERE state = 'issuing'")
            if waiting:
                desk.finish(desk.batch(waiting))
        successor = desk.value("SELECT successor FROM status_event")
        reports = desk.reports([number, successor])
        assert [report["verdict"] for report in reports] == ["not_in_force", "valid"]
        assert desk.value("SELECT count(*) FROM certificate") == 2
        assert desk.value("SELECT count(*) FROM certificate WHERE live") == 1
        assert desk.value("SELECT count(*) FROM batch WHERE state <> 'released'") == 0
        assert desk.value("SELECT count(*) FROM status_event") == 1
