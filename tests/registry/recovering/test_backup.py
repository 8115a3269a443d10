"""A backup is taken while the register works; put back and recovered, it is the register again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import orjson
import pytest
from lost_database import ASSESSOR, recovered
from register_desk import Desk, id_number, name_of, people

from certs.errors import KezhengError
from keys.passphrase import passphrase_file
from registry.home import open_home
from registry.publishing.archive_block import open_block
from registry.publishing.archive_folder import archive_end, block_files
from registry.recovering.backup import back_up
from registry.settings import load_settings
from registry.store.migrate import upgrade_schema
from registry.store.recovery_copy import copy_database


def backed_up(desk: Desk, folder: Path, *, keys: bool = False) -> dict[str, object]:
    made = back_up(desk.home, folder, desk.now, with_keys=keys)
    assert made.size == desk.value("SELECT size FROM log_tree") <= archive_end(folder / "archive")
    return made._asdict()


def test_put_back_on_a_new_machine(desk: Desk, tmp_path: Path) -> None:
    folder, disk = tmp_path / "new machine", tmp_path / "backup"
    old = desk.certify(people(1, 2), ASSESSOR)
    assert backed_up(desk, disk, keys=True)["new_blocks"] == len(list(block_files(disk / "archive")))
    new = desk.certify(people(3), ASSESSOR)
    archive = shutil.copytree(desk.home.settings.archive_folder, tmp_path / "archive")
    shutil.copytree(disk, folder)
    passphrase = passphrase_file(desk.home.settings.home).read_text().strip()
    settings = load_settings(folder, {"KEZHENG_ARCHIVE": str(archive)})
    with open_home(settings, {"KEZHENG_PASSPHRASE": passphrase}) as home:
        moved = Desk(home)
        assert recovered(moved)["certificates"] == {"restored": 1, "lost": 0}
        assert {moved.verdict(each.number) for each in (*old, *new)} == {"valid"}
        assert moved.certify(people(4), ASSESSOR)[0].serial == 4


def test_a_second_backup_adds_what_is_new(desk: Desk, tmp_path: Path) -> None:
    first = backed_up(desk, tmp_path / "backup")
    desk.certify(people(1), ASSESSOR)
    before = {found: found.path.stat().st_mtime_ns for found in block_files(tmp_path / "backup" / "archive")}
    second = backed_up(desk, tmp_path / "backup")
    after = {found: found.path.stat().st_mtime_ns for found in block_files(tmp_path / "backup" / "archive")}
    assert before.items() <= after.items()
    assert second["new_blocks"] == len(after) - len(before) > 0
    assert int(str(second["size"])) > int(str(first["size"]))
    manifest = orjson.loads((tmp_path / "backup" / "backup.json").read_bytes())
    assert (manifest["size"], manifest["with_keys"]) == (second["size"], False)


def test_a_block_that_rotted_is_written_again_first(desk: Desk, tmp_path: Path) -> None:
    desk.certify(people(1), ASSESSOR)
    rotten = list(block_files(desk.home.settings.archive_folder))[1]
    rotten.path.write_bytes(rotten.path.read_bytes()[:-1])
    backed_up(desk, tmp_path / "backup")
    for folder in (desk.home.settings.archive_folder, tmp_path / "backup" / "archive"):
        for block in block_files(folder):
            opened = open_block(block.path.read_bytes(), desk.home.keyring.cipher)
            assert (opened.start, opened.stop) == (block.start, block.stop)


def test_it_is_whole_while_others_write(desk: Desk, tmp_path: Path) -> None:
    def work() -> None:
        with open_home(desk.home.settings, {}) as home:
            Desk(home).certify(people(*range(40)), ASSESSOR)

    writer = Thread(target=work)
    writer.start()
    sizes = [back_up(desk.home, tmp_path / str(place), desk.now, with_keys=False).size for place in range(5)]
    writer.join()
    assert sizes == sorted(sizes)
    for place, size in enumerate(sizes):
        with closing(sqlite3.connect(tmp_path / str(place) / "kezheng.db")) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert copy.execute("SELECT count(*) FROM log_entry").fetchone() == (size,)
        assert archive_end(tmp_path / str(place) / "archive") >= size - 100


def test_nobody_else_can_read_it_and_no_key_is_open(desk: Desk, tmp_path: Path) -> None:
    desk.certify(people(1), ASSESSOR)
    for name, keys in (("without", False), ("with", True)):
        backed_up(desk, tmp_path / name, keys=keys)
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file() and path.name != "pinned-root.jwk"]
        assert {path.stat().st_mode & 0o077 for path in (tmp_path / name, *files)} == {0}
        assert any("keys" in path.parts for path in files) is keys
        content = b"".join(path.read_bytes() for path in files)
        passphrase = passphrase_file(desk.home.settings.home).read_bytes().strip()
        assert passphrase not in content
        assert id_number(1).encode() not in content
        assert name_of(1).encode() not in b"".join(p.read_bytes() for p in files if "archive" in p.parts)


def test_a_folder_with_something_else_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    with pytest.raises(KezhengError, match=r"^folder_not_empty"):
        backed_up(desk, tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["letter.txt"]


def test_a_database_server_is_backed_up_by_its_own_means(tmp_path: Path) -> None:
    with pytest.raises(KezhengError, match=r"^backup_needs_sqlite$"):
        copy_database("postgresql://localhost/register", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    path, copy = tmp_path / "register.db", tmp_path / "copy.db"
    upgrade_schema(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("CREATE TABLE filler (id INTEGER PRIMARY KEY, content TEXT)")
        connection.executemany("INSERT INTO filler VALUES (?, ?)", [(n, "x" * 500) for n in range(500)])
    content = bytearray(path.read_bytes())
    for place in range(len(content) - 25 * 4096, len(content) - 4096, 4096):
        content[place : place + 64] = bytes(64)
    path.write_bytes(content)
    copy.write_bytes(b"the backup of yesterday")
    with pytest.raises(KezhengError, match=r"^store_damaged$"):
        copy_database(f"sqlite:///{path}", copy)
    assert copy.read_bytes() == b"the backup of yesterday"
    assert {path.name for path in tmp_path.iterdir()} == {"register.db", "copy.db"}
