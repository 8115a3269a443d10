from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from registry import export_archive
from registry.export_archive import write_archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "batch"
    made.mkdir()
    for name, content in (("b.pdf", b"%PDF"), ("a.png", b"\x89PNG"), (".c.pdf.part", b"half")):
        (made / name).write_bytes(content)
    return made


def test_an_archive_holds_every_complete_file(folder: Path, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "batch.zip")
    with zipfile.ZipFile(tmp_path / "batch.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {"a.png": b"\x89PNG", "b.pdf": b"%PDF"}
    assert stat.S_IMODE((tmp_path / "batch.zip").stat().st_mode) == 0o600


def test_the_same_files_give_the_same_archive(folder: Path, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "first.zip")
    (folder / "a.png").touch()
    write_archive(folder, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_an_archive_that_is_not_finished_is_not_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(folder, tmp_path / "batch.zip")
    before = (tmp_path / "batch.zip").read_bytes()

    def stop(*_: object) -> None:
        raise OSError("no space")

    (folder / "d.pdf").write_bytes(b"more")
    monkeypatch.setattr(export_archive.os, "replace", stop)
    with pytest.raises(OSError, match="no space"):
        write_archive(folder, tmp_path / "batch.zip")
    assert (tmp_path / "batch.zip").read_bytes() == before
