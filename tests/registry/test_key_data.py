"""A new data key: everything stored is sealed again, beside other work, and an old backup needs the old key."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from register_crash import exit_code, in_child, killed_at
from register_desk import Desk, id_number, name_of, people

from certs.errors import KezhengError
from certs.status import State
from keys.key_record import KeyRole
from registry.data_keys import DataRotation, rotate_data_key, rows_to_seal
from registry.home import open_home
from registry.issuing.stored_rows import candidates_of
from registry.keyring import Keyring
from registry.settings import load_settings
from registry.store.ciphertext_store import SEALED_TABLES
from registry.store.roster_store import roster_rows
from registry.store.schema import METADATA

ASSESSOR = "P000115000001"
BY = "登记丙"
HOUR = timedelta(hours=1)
MOST_POINTS = 60


@pytest.fixture
def issued(desk: Desk) -> Desk:
    """Five people certified, one suspended with a note that is nobody's business."""
    certificates = desk.certify(people(1, 2, 3, 4, 5), ASSESSOR)
    desk.change(certificates[0].number, State.SUSPENDED, "under_review", note="举报信一封")
    desk.now += HOUR
    return desk


def rotate(desk: Desk) -> DataRotation:
    return rotate_data_key(desk.home, BY, desk.now, lambda _: None)


def key_ids(folder: Path) -> set[bytes]:
    """The data keys that stored fields name, in their own columns and in the ciphertexts themselves."""
    found: set[bytes] = set()
    with sqlite3.connect(folder / "kezheng.db") as connection:
        for sealed in SEALED_TABLES:
            columns = ", ".join((sealed.key_column, *sealed.columns))
            for key_id, *fields in connection.execute(f"SELECT {columns} FROM {sealed.name}"):
                found |= {bytes(field[1:9]) for field in fields if field is not None} | ({key_id} - {None})
    connection.close()
    return found


@contextmanager
def fresh(folder: Path, now: datetime) -> Iterator[Desk]:
    """The home as another process opens it."""
    with open_home(load_settings(folder, {}), {}) as home:
        yield Desk(home, now)


def readable(desk: Desk) -> list[tuple[str, str]]:
    """Names and ID numbers of the only batch, and the note of the only event, read through the ciphertexts."""
    cipher = desk.home.keyring.cipher
    with desk.home.store.reading() as tx:
        first = tx.connection.exec_driver_sql("SELECT id FROM batch ORDER BY imported_at").scalar() or ""
        candidates = candidates_of(roster_rows(tx, first), cipher, desk.home.catalogue)
        documents = tx.connection.exec_driver_sql("SELECT id, number_ciphertext FROM person_document ORDER BY id").all()
        numbers = {cipher.open("person_document", "number_ciphertext", row[0], row[1]) for row in documents}
        event, note = tx.connection.exec_driver_sql("SELECT id, note_ciphertext FROM status_event").one()
    assert cipher.open("status_event", "note_ciphertext", event, note) == "举报信一封"
    found = [(candidate.name, candidate.id_document.number) for candidate in candidates]
    assert {number for _, number in found} <= numbers
    return found


EXPECTED = [(name_of(place), id_number(place)) for place in (1, 2, 3, 4, 5)]


def test_every_sealed_column_of_the_schema_is_known() -> None:
    named = {(sealed.name, column) for sealed in SEALED_TABLES for column in (*sealed.columns, sealed.key_column)}
    in_schema = {
        (table.name, column.name)
        for table in METADATA.tables.values()
        for column in table.columns
        if column.name.endswith(("_ciphertext", "key_id"))
    }
    assert named == in_schema


def test_everything_is_under_the_new_key(issued: Desk) -> None:
    before = key_ids(issued.folder)
    done = rotate(issued)
    assert (done.made_now, done.rows) == (True, 5 + 5 + 1)
    assert key_ids(issued.folder) == {done.key_id}
    assert before.isdisjoint({done.key_id})
    with fresh(issued.folder, issued.now) as desk:
        assert readable(desk) == EXPECTED
        assert desk.verdict(desk.certify(people(6), ASSESSOR)[0].number) == "valid"
    assert key_ids(issued.folder) == {done.key_id}


def test_each_run_makes_another_key(issued: Desk) -> None:
    first = rotate(issued)
    second = rotate(issued)
    assert (second.made_now, second.rows) == (True, first.rows)
    assert key_ids(issued.folder) == {second.key_id} != {first.key_id}


def test_also_when_the_clock_went_back(issued: Desk) -> None:
    issued.now -= timedelta(days=400)
    done = rotate(issued)
    assert key_ids(issued.folder) == {done.key_id}
    newest = issued.home.keystore.newest(KeyRole.DATA_ENCRYPTION)
    assert newest is not None
    assert newest.kid == done.key_id


def test_an_old_backup_opens_with_the_archived_key_only(issued: Desk, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(issued.folder, backup)
    old = issued.home.keyring.cipher.current_key_id
    rotate(issued)
    keys_now = issued.home.settings.keys_folder
    file = f"data_encryption-registry-{old.hex()}.key.json"
    shutil.rmtree(backup / "keys")
    shutil.copytree(keys_now, backup / "keys")
    with fresh(backup, issued.now) as desk:
        assert readable(desk) == EXPECTED
    (backup / "keys" / file).unlink()
    with fresh(backup, issued.now) as desk, pytest.raises(KezhengError) as refusal:
        readable(desk)
    assert refusal.value.code == "data_key_unknown"
    (keys_now / file).unlink()
    with fresh(issued.folder, issued.now) as desk:
        assert readable(desk) == EXPECTED


def test_a_process_that_runs_meanwhile_goes_on(issued: Desk) -> None:
    """It opens what was sealed under a key made after it began, and what it seals itself is brought along later."""
    with fresh(issued.folder, issued.now) as running:
        assert readable(running) == EXPECTED
        done = rotate(issued)
        assert readable(running) == EXPECTED
        [certificate] = running.certify(people(6), ASSESSOR)
        assert running.verdict(certificate.number) == "valid"
    assert len(key_ids(issued.folder)) == 2
    later = rotate(issued)
    assert (later.made_now, later.key_id, later.rows) == (False, done.key_id, 2)
    assert key_ids(issued.folder) == {done.key_id}


def test_under_load_nothing_is_lost(issued: Desk) -> None:
    """Another process issues batch after batch while this one seals in chunks of one row."""
    now, folder = issued.now, issued.folder

    def issue_many() -> None:
        with fresh(folder, now) as desk:
            for place in range(20, 40, 4):
                desk.certify(people(*range(place, place + 4)), ASSESSOR)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.data_keys.CHUNK", 1)
        child = in_child(issue_many)
        done = rotate(issued)
        assert exit_code(child) == 0
        rotate_until_done(issued)
    assert key_ids(folder) == {done.key_id}
    with fresh(folder, now) as desk:
        assert readable(desk) == EXPECTED
        assert desk.value("SELECT count(*) FROM certificate WHERE state = 'released'") == 25


def rotate_until_done(desk: Desk) -> None:
    """What a process with the former key sealed meanwhile."""
    if rows_to_seal(desk.home):
        rotate(desk)


def test_progress_counts_rows(issued: Desk) -> None:
    told: list[int] = []
    rotate_data_key(issued.home, BY, issued.now, told.append)
    assert told == [5, 10, 11]


def test_a_damaged_field_stops_it_and_stays(issued: Desk) -> None:
    damaged = issued.value("SELECT number_ciphertext FROM person_document WHERE id = 1")
    changed = damaged[:-1] + bytes([damaged[-1] ^ 1])
    issued.tamper("UPDATE person_document SET number_ciphertext = :new WHERE id = 1", new=changed)
    with pytest.raises(KezhengError) as refusal:
        rotate(issued)
    assert refusal.value.code == "data_damaged"
    assert issued.value("SELECT number_ciphertext FROM person_document WHERE id = 1") == changed


def test_killed_at_every_write_it_is_gone_on_with(issued: Desk, tmp_path: Path) -> None:
    """One key for all attempts once it is made, and nothing that cannot be read."""

    def in_folder(folder: Path) -> DataRotation:
        with fresh(folder, issued.now) as desk:
            return rotate(desk)

    for point in range(1, MOST_POINTS):
        folder = tmp_path / f"home{point}"
        shutil.copytree(issued.folder, folder)
        if not killed_at(point, lambda folder=folder: in_folder(folder)):
            break
        begun = len(key_ids(folder)) > 1
        done = in_folder(folder)
        assert key_ids(folder) == {done.key_id}
        assert not (begun and done.made_now)
        with fresh(folder, issued.now) as desk:
            assert readable(desk) == EXPECTED
        shutil.rmtree(folder)
    assert 5 < point < MOST_POINTS - 1


def test_the_keyring_takes_the_newest(issued: Desk) -> None:
    done = rotate(issued)
    assert Keyring(issued.home.keystore).cipher.current_key_id == done.key_id
    acts = "SELECT group_concat(action) FROM (SELECT action FROM audit_event WHERE actor = :by ORDER BY id)"
    assert issued.value(acts, by=BY) == "data_key_made,data_sealed_again"
