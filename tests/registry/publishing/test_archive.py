"""The archive: what a block holds cannot be altered unnoticed, and nothing is public that is not archived."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from register_crash import killed_at
from register_desk import Desk, people

from certs.errors import KezhengError
from certs.status import State
from keys.data_protection import FieldCipher
from registry.home import open_home
from registry.publishing.archive_block import Block, Frame, encode_head, open_block, seal_frames
from registry.publishing.archive_folder import FOLDER_PLACES, archive_end, block_files, write_block
from registry.publishing.log_folder import published_checkpoint
from registry.settings import load_settings
from registry.store.log_store import entries_between, read_tree

ASSESSOR = "P000115000001"
KEY = b"k" * 8
CIPHER = FieldCipher({KEY: bytes(range(32))}, KEY)
ENTRIES = [b"\x00" + bytes(8), b"\x01" + bytes(48), b"\x02longer than the others"]
FRAMES = [Frame("rows", ["B1", [[1, "名", None, b"\x00\xff", 6050]]]), Frame("act", {"a": 1}), Frame("version", 7)]


def block(start: int = 5, entries: list[bytes] = ENTRIES, frames: list[Frame] = FRAMES) -> bytes:
    head = encode_head(start, entries)
    return head + b"".join(seal_frames(head, iter(frames), CIPHER))


def refused(content: bytes, cipher: FieldCipher = CIPHER) -> str:
    with pytest.raises(KezhengError) as refusal:
        open_block(content, cipher)
    return refusal.value.code


# --- one block


@pytest.mark.parametrize("count", range(4))
def test_what_is_sealed_is_what_is_opened(count: int) -> None:
    opened = open_block(block(frames=FRAMES[:count]), CIPHER)
    expected = FRAMES[:count] or [Frame("nothing", None)]
    assert opened == Block(5, 8, ENTRIES, expected)


def test_no_byte_can_be_altered() -> None:
    content = block()
    for place in range(len(content)):
        altered = content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]
        # The name of a key is in a frame too: then it is a key that nobody has.
        assert refused(altered) in ("archive_damaged", "data_key_unknown"), place


@given(st.data())
def test_nothing_can_be_cut_off_or_added(data: st.DataObject) -> None:
    content = block()
    cut = data.draw(st.integers(0, len(content) - 1))
    assert refused(content[:cut]) == "archive_damaged"
    assert refused(content + data.draw(st.binary(min_size=1, max_size=9))) == "archive_damaged"


def test_frames_stay_in_their_block_and_in_their_order() -> None:
    head, other = encode_head(5, ENTRIES), encode_head(6, ENTRIES)
    one, two, three = seal_frames(head, iter(FRAMES), CIPHER)
    for frames in ((two, one, three), (one, three), (one, two), (three,)):
        assert refused(head + b"".join(frames)) == "archive_damaged"
    assert refused(other + one + two + three) == "archive_damaged"


def test_a_block_of_a_key_that_is_not_here() -> None:
    stranger = FieldCipher({b"other id": bytes(32)}, b"other id")
    assert refused(block(), stranger) == "data_key_unknown"


# --- files


def stretches(folder: Path, start: int = 0) -> list[tuple[int, int]]:
    return [(found.start, found.stop) for found in block_files(folder, start)]


def test_blocks_are_found_in_order_and_from_a_place_on(tmp_path: Path) -> None:
    far = 300 * FOLDER_PLACES
    places = [(0, 3), (3, FOLDER_PLACES), (FOLDER_PLACES, FOLDER_PLACES + 1), (far, far + 7)]
    assert (archive_end(tmp_path / "archive"), stretches(tmp_path / "archive")) == (0, [])
    for number, (start, stop) in enumerate(places):
        write_block(tmp_path / "archive", start, stop, [b"x"])
        assert archive_end(tmp_path / "archive") == stop
        assert stretches(tmp_path / "archive") == places[: number + 1]
    assert stretches(tmp_path / "archive", 2) == places
    assert stretches(tmp_path / "archive", 3) == places[1:]
    assert stretches(tmp_path / "archive", far + 6) == places[3:]
    assert stretches(tmp_path / "archive", far + 7) == []


def test_only_the_owner_reads_the_archive(tmp_path: Path) -> None:
    write_block(tmp_path / "archive", 0, 1, [b"x"])
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "archive").rglob("*")}
    assert modes == {0}
    assert (tmp_path / "archive").stat().st_mode & 0o077 == 0


def test_what_a_dead_process_left_is_no_block(tmp_path: Path) -> None:
    write_block(tmp_path, 0, 3, [b"x"])
    [found] = block_files(tmp_path)
    found.path.with_name(".000000000003-000000000009.block.0f.part").write_bytes(b"half")
    found.path.with_name("notes.txt").write_bytes(b"")
    (tmp_path / "lost+found").mkdir()
    assert (archive_end(tmp_path), stretches(tmp_path)) == (3, [(0, 3)])


@pytest.mark.parametrize("work", [archive_end, lambda folder: list(block_files(folder))])
def test_a_folder_that_is_none(tmp_path: Path, work: Callable[[Path], object]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KezhengError, match=r"^archive_unreachable"):
        work(tmp_path / "file")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "000000" / "000000").mkdir(parents=True)
    with pytest.raises(KezhengError, match=r"^archive_unreachable .*No space left on device"):
        write_block(tmp_path, 0, 1, [b"x"])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# --- with a register


def archived(desk: Desk) -> list[Block]:
    found = block_files(desk.home.settings.archive_folder)
    return [open_block(each.path.read_bytes(), desk.home.keyring.cipher) for each in found]


def test_every_entry_is_archived_once(desk: Desk) -> None:
    desk.certify(people(1, 2, 3), ASSESSOR)
    blocks = archived(desk)
    with desk.home.store.reading() as tx:
        size = read_tree(tx).size
        assert [entry for block in blocks for entry in block.entries] == entries_between(tx, 0, size)
    assert [block.start for block in blocks] == [0, *(block.stop for block in blocks[:-1])]
    assert blocks[-1].stop == size == published_checkpoint(desk.home.settings.log_folder).size  # type: ignore[union-attr]


def test_a_new_disk_gets_everything(desk: Desk) -> None:
    certificates = desk.certify(people(1, 2), ASSESSOR)
    shutil.rmtree(desk.home.settings.archive_folder)
    desk.change(certificates[0].number, State.REVOKED, "exam_misconduct")
    [whole] = archived(desk)
    assert (whole.start, whole.stop) == (0, desk.value("SELECT size FROM log_tree"))
    kinds = [frame.kind for frame in whole.frames]
    assert kinds == ["batch", "rows", "act", "certificates", "changes", "trust", "version"]
    assert desk.home.archive.missing(whole.stop) == []


def test_nothing_personal_can_be_read_in_the_archive(desk: Desk) -> None:
    rows = people(1, 2, 联系电话="13900001234", 工作单位="测试单位")
    certificates = desk.certify(rows, ASSESSOR)
    desk.change(certificates[0].number, State.REVOKED, "exam_misconduct", note="内部说明")
    files = b"".join(found.path.read_bytes() for found in block_files(desk.home.settings.archive_folder))
    secret = ("姓名", "证件号码", "联系电话", "工作单位")
    words = [value for row in rows for name, value in row.items() if name in secret]
    for word in [*words, "内部说明", "经办甲", "复核乙", *(each.number for each in certificates)]:
        assert word.encode() not in files
    assert certificates[0].envelope is not None
    assert certificates[0].envelope not in files


def test_a_lost_disk_is_told_before_anything_is_public(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    before = published_checkpoint(desk.home.settings.log_folder)
    shutil.rmtree(desk.home.settings.archive_folder)
    desk.home.settings.archive_folder.write_bytes(b"a disk that is not there")
    with pytest.raises(KezhengError, match=r"^archive_unreachable"):
        desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    assert published_checkpoint(desk.home.settings.log_folder) == before
    desk.home.settings.archive_folder.unlink()
    desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    assert desk.verdict(certificate.number) == "not_in_force"


def test_the_archive_lies_where_the_settings_say(home_folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk" / "archive"
    with open_home(load_settings(home_folder, {"KEZHENG_ARCHIVE": str(disk)}), {}) as home:
        desk = Desk(home)
        desk.certify(people(1), ASSESSOR)
        assert archive_end(disk) == desk.value("SELECT size FROM log_tree")


@pytest.mark.slow
def test_killed_anywhere_nothing_public_is_missing_in_the_archive(home_folder: Path, tmp_path: Path) -> None:
    """Before and after every write to the disk and to the database, while a certificate is revoked."""
    with open_home(load_settings(home_folder, {}), {}) as home:
        [certificate] = Desk(home).certify(people(1), ASSESSOR)

    def revoke(folder: Path) -> None:
        with open_home(load_settings(folder, {}), {}) as home:
            Desk(home).change(certificate.number, State.REVOKED, "exam_misconduct")

    died, point = True, 0
    while died:
        folder, point = tmp_path / "copy", point + 1
        shutil.copytree(home_folder, folder)
        died = killed_at(point, partial(revoke, folder), files=True)
        check_archive(folder)
        shutil.rmtree(folder)
    assert point > 40


def check_archive(folder: Path) -> None:
    """What is public is archived, and whoever publishes next goes on from there without a gap."""
    published = published_checkpoint(folder / "log")
    assert published is not None
    assert archive_end(folder / "archive") >= published.size
    with open_home(load_settings(folder, {}), {}) as home:
        home.publish_log()
        desk = Desk(home)
        size = desk.value("SELECT size FROM log_tree")
        assert home.archive.missing(size) == []
        assert archived(desk)[-1].stop == size
