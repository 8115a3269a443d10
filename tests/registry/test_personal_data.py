"""After a whole day at the desk no ID number lies anywhere but where holders and institutions get their own papers."""

from __future__ import annotations

import logging
import stat
import tempfile
from pathlib import Path

import pytest
from register_desk import APPROVER, NOW, OPERATOR, Desk, id_number, name_of, people, person, workbook

from certs.status import State
from registry.exporting import export_batch
from registry.issuing.import_roster import RosterRefused, check_roster
from registry.publishing.documents import published_files
from registry.publishing.static_files import write_published
from registry.rendering.marked_copy import write_marked_copy
from registry.replacing import reprint

ASSESSOR, OTHER = "P000115000001", "P000215000002"
PHONE = "13900001111"
NOTE = "举报人王某称代考"
NUMBERS = [id_number(place) for place in (1, 2, 3, 4, 5, 77)]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, watched."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def a_day(desk: Desk, out: Path, published: Path) -> None:
    """Faults, a batch, a refusal at another institution, a note, a correction, a reprint, a publication."""
    faulty = [person(1), person(2, 理论成绩="1"), person(3, 证件号码=id_number(3)[:-1] + "A", 联系电话=PHONE)]
    checked = check_roster(desk.home, workbook(faulty), ASSESSOR, "试检", desk.now)
    write_marked_copy(out / "标错件.xlsx", checked.workbook, checked.faults, checked.warnings)
    issued = desk.certify(people(1, 2, 3, 联系电话=PHONE, 备注=id_number(5)), ASSESSOR)
    with pytest.raises(RosterRefused):
        desk.bring(people(1, 4), OTHER)
    desk.change(issued[0].number, State.SUSPENDED, "under_review", note=f"{NOTE} {id_number(4)}")
    corrected = desk.correct(issued[1].number, id_number=id_number(77), reason="id_changed")
    for batch_id in (issued[0].batch_id, corrected.batch_id):
        export_batch(desk.home, desk.batch(batch_id), out, NOW, lambda _: None)
    reprint(desk.home, issued[2].number, out / "补打", OPERATOR, desk.now)
    with desk.home.store.reading() as tx:
        write_published(published, published_files(tx), desk.home.settings.log_folder)
    assert desk.report(issued[0].number)["verdict"] == "not_in_force"


def files_below(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def secrets_in(paths: list[Path], secrets: list[str]) -> list[tuple[str, str]]:
    """Which of these texts lie in which files, in any of the usual encodings."""
    return [
        (path.name, secret)
        for path in paths
        for content in [path.read_bytes()]
        for secret in secrets
        if any(secret.encode(encoding) in content for encoding in ("utf-8", "utf-16-le", "gb18030"))
    ]


def test_no_number_anywhere(
    desk: Desk, tmp_path: Path, temporary: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    out, published = tmp_path / "out", tmp_path / "published"
    out.mkdir(mode=0o700)
    a_day(desk, out, published)
    wal = desk.folder / "kezheng.db-wal"
    assert wal.stat().st_size > 0, "the journal is looked into while it is there"
    looked_at = files_below(desk.folder, published, temporary)
    assert secrets_in(looked_at, [*NUMBERS, PHONE, NOTE]) == []
    said = capfd.readouterr()
    told = caplog.text + said.out + said.err
    assert [secret for secret in (*NUMBERS, PHONE, NOTE, name_of(1)) if secret in told] == []
    assert files_below(temporary) == []
    assert secrets_in(files_below(published), [name_of(1), name_of(2), OPERATOR, APPROVER]) == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in files_below(out)} == {0o600}


def test_what_a_check_tells_is_masked(desk: Desk) -> None:
    rows = [
        person(1, 证件号码=id_number(1)[:-1] + "A", 联系电话=PHONE[:-1]),
        person(2, 证件类型="护照", 证件号码=id_number(2)),
        person(3, 姓名=id_number(3)),
        person(4, 职业=id_number(4)),
        person(5, 备注="x" * 201 + id_number(5)),
    ]
    checked = check_roster(desk.home, workbook(rows), ASSESSOR, "试检", desk.now)
    assert {fault.row for fault in checked.faults} >= {2, 3, 4, 5}
    told = str([fault.to_json() for fault in (*checked.faults, *checked.warnings)])
    assert [number for number in NUMBERS if number in told or number[:-1] in told] == []
    assert PHONE[:-1] not in told


def test_the_marked_copy_is_its_owners(desk: Desk, tmp_path: Path) -> None:
    checked = check_roster(desk.home, workbook([person(1, 理论成绩="1")]), ASSESSOR, "试检", desk.now)
    write_marked_copy(tmp_path / "标错件.xlsx", checked.workbook, checked.faults, checked.warnings)
    assert stat.S_IMODE((tmp_path / "标错件.xlsx").stat().st_mode) == 0o600


def test_the_row_of_a_person_opens_only_where_it_lies(desk: Desk) -> None:
    desk.bring(people(1, 2), ASSESSOR)
    sealed = desk.value("SELECT number_ciphertext FROM person_document ORDER BY id LIMIT 1")
    first = desk.value("SELECT min(id) FROM person_document")
    cipher = desk.home.keyring.cipher
    assert cipher.open("person_document", "number_ciphertext", first, sealed) == id_number(1)
