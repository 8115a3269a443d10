"""``kezheng recover`` and ``kezheng backup`` as people and scripts meet them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import orjson
import pytest
from lost_database import ASSESSOR, back_up, put_back
from register_desk import Desk, people

from certs.status import State
from registry.cli import run
from registry.home import open_home
from registry.settings import load_settings
from registry.store.engine import open_engine
from registry.store.migrate import upgrade_engine


@pytest.fixture
def folder(home_folder: Path) -> Path:
    """A home whose database was put back: three certificates and a revocation are missing."""
    with open_home(load_settings(home_folder, {}), {}) as home:
        desk = Desk(home)
        [first] = desk.certify(people(1), ASSESSOR)
        copy = back_up(home_folder)
        desk.certify(people(2, 3, 4), ASSESSOR)
        desk.change(first.number, State.REVOKED, "exam_misconduct")
    put_back(home_folder, copy)
    return home_folder


def asked(folder: Path, *arguments: str) -> int:
    return run([*arguments, "--home", str(folder)])


def store_as_at(folder: Path, revision: str) -> None:
    """Put the rows of a home into a database as a program of that revision made them."""
    older, database = folder / "older.db", folder / "kezheng.db"
    engine = open_engine(f"sqlite:///{older}")
    upgrade_engine(engine, revision)
    engine.dispose()
    with sqlite3.connect(older) as connection:
        connection.execute("ATTACH ? AS newer", (str(database),))
        tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
        for (table,) in connection.execute(tables).fetchall():
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
    connection.close()
    for path in folder.glob("kezheng.db*"):
        path.unlink()
    older.rename(database)


def test_dry_run_then_recovery_then_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    documents = []
    for options in (("--dry-run",), (), ()):
        assert asked(folder, "recover", "--json", *options) == 0
        documents.append(orjson.loads(capfd.readouterr().out))
    tried, done, again = documents
    assert [document["recovered"] for document in documents] == [False, True, False]
    assert tried["certificates"] == done["certificates"] == {"restored": 3, "lost": 0}
    assert done["status_changes"]["restored"] == 1
    assert again["register"]["size"] == done["register"]["size"] + 1


def test_people_are_told_in_both_languages(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert asked(folder, "recover", "--dry-run") == 0
    assert "试算，未作改动" in capfd.readouterr().out
    shutil.rmtree(folder / "archive")
    assert asked(folder, "recover") == 1
    refused = capfd.readouterr().err
    assert "3 certificates" in refused
    assert "[recover_incomplete]" in refused
    assert asked(folder, "recover", "--accept-lost") == 0
    said = capfd.readouterr().out.splitlines()
    for part in ("已恢复", "Certificates: 0 brought back, 3 lost", "作废编号 P000115000001262000002", "its reason"):
        assert any(part in line for line in said), part
    assert asked(folder, "recover") == 0
    assert "无需恢复" in capfd.readouterr().out


def test_a_backup_of_an_older_program(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its schema is brought up with it; a dry run changes nothing, so it only says what is in the way."""
    store_as_at(folder, "0003")
    assert asked(folder, "recover", "--dry-run") == 1
    assert "[schema_out_of_date]" in capfd.readouterr().err
    assert asked(folder, "recover", "--json") == 0
    assert orjson.loads(capfd.readouterr().out)["certificates"] == {"restored": 3, "lost": 0}


def test_a_database_that_is_not_there_is_not_made(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for path in folder.glob("kezheng.db*"):
        path.unlink()
    assert asked(folder, "recover") == 1
    assert "[database_missing]" in capfd.readouterr().err
    assert list(folder.glob("kezheng.db*")) == []


def test_backup(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert asked(folder, "recover") == 0
    capfd.readouterr()
    assert asked(folder, "backup", str(tmp_path / "disk"), "--json") == 0
    made = orjson.loads(capfd.readouterr().out)
    assert made == {"folder": str(tmp_path / "disk"), "size": made["size"], "new_blocks": made["new_blocks"]} | {
        "with_keys": False
    }
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == [
        *("archive", "backup.json", "kezheng.db", "pinned-root.jwk")
    ]
