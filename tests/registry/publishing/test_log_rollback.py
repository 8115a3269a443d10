"""A database that was restored from a backup does not write history twice: something outside it remembers."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from log_desk import NOW, LogDesk, open_desk

from certs.errors import KezhengError
from registry.publishing.log_folder import write_files
from registry.publishing.log_witness import MAX_CHECKPOINT
from registry.publishing.sequence_log import rebuild_log


def backup(desk: LogDesk, path: Path) -> Path:
    copy_database(Path(desk.url.removeprefix("sqlite:///")), path)
    return path


def copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)


@contextmanager
def restored(path: Path, folder: Path, witness: str | None = None) -> Iterator[LogDesk]:
    desk = open_desk(f"sqlite:///{path}", folder, witness)
    with closing(desk.store):
        yield desk


@pytest.fixture
def old_backup(log_desk: LogDesk, tmp_path: Path) -> Path:
    """A backup taken a hundred entries before what is published."""
    log_desk.append(400)
    log_desk.publish()
    path = backup(log_desk, tmp_path / "backup.db")
    log_desk.append(100)
    log_desk.publish()
    return path


def test_a_restored_database_is_refused(log_desk: LogDesk, old_backup: Path) -> None:
    published = log_desk.published()
    with restored(old_backup, log_desk.folder) as desk:
        before = desk.tree()
        for refused in (desk.append, desk.publish, lambda: rebuild_log(desk.store, desk.place, desk.signers)):
            with pytest.raises(KezhengError, match=r"^log_rollback \(published=500, known=400\)$"):
                refused()
        assert desk.tree() == before
    assert log_desk.published() == published
    assert [made.size for made in log_desk.signer.signed()] == [400, 500]


@pytest.mark.parametrize("count", [100, 150])
def test_another_history_is_refused(log_desk: LogDesk, old_backup: Path, tmp_path: Path, count: int) -> None:
    """As large as what was published, or larger, but not the same: written while the folder was elsewhere."""
    with restored(old_backup, tmp_path / "elsewhere") as desk:
        desk.append(count, now=NOW + timedelta(seconds=1))
    with restored(old_backup, log_desk.folder) as desk:
        for refused in (desk.append, desk.publish):
            with pytest.raises(KezhengError, match=f"^log_rollback \\(published=500, known={400 + count}\\)$"):
                refused()
    assert [made.size for made in log_desk.signer.signed()] == [400, 500]


def test_a_restored_database_under_a_running_process_is_refused(
    log_desk: LogDesk, log_database: Path, old_backup: Path
) -> None:
    """What the process remembers does not hide that the database went back."""
    log_desk.append(1)
    copy_database(old_backup, log_database)
    with pytest.raises(KezhengError, match=r"^log_rollback"):
        log_desk.append(1)


def test_what_is_not_published_yet_is_no_rollback(log_desk: LogDesk) -> None:
    log_desk.append(10)
    log_desk.publish()
    log_desk.append(10)
    assert log_desk.append(10).first_index == 20


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no note", b"a\n-1\nAAAA\n\n"])
def test_a_checkpoint_that_cannot_be_read_is_refused(log_desk: LogDesk, content: bytes) -> None:
    log_desk.append(1)
    log_desk.publish()
    write_files(log_desk.folder, {"checkpoint": content})
    for refused in (log_desk.append, log_desk.publish):
        with pytest.raises(KezhengError, match=r"^log_checkpoint_unreadable$"):
            refused()
    assert log_desk.tree().size == 1


def test_a_mirror_remembers_when_the_folder_went_back_too(log_desk: LogDesk, old_backup: Path, tmp_path: Path) -> None:
    mirror = shutil.copytree(log_desk.folder, tmp_path / "mirror")
    with restored(old_backup, tmp_path / "lost", str(mirror)) as desk:
        with pytest.raises(KezhengError, match=r"^log_rollback \(published=500, known=400\)$"):
            desk.append()
        assert desk.tree().size == 400


def test_a_mirror_that_lags_behind_is_no_rollback(log_desk: LogDesk, tmp_path: Path) -> None:
    log_desk.append(3)
    log_desk.publish()
    mirror = shutil.copytree(log_desk.folder, tmp_path / "mirror")
    log_desk.append(300)
    log_desk.publish()
    log_desk.place.witness = str(mirror)
    assert log_desk.append().first_index == 303


@pytest.mark.parametrize("content", [None, b"x" * (MAX_CHECKPOINT + 1)])
def test_a_silent_mirror_is_no_agreement(log_desk: LogDesk, tmp_path: Path, content: bytes | None) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    if content is not None:
        (mirror / "checkpoint").write_bytes(content)
    log_desk.place.witness = str(mirror)
    with pytest.raises(KezhengError, match=r"^log_witness_unreachable"):
        log_desk.append()
    assert log_desk.tree().size == 0


class _Mirror(BaseHTTPRequestHandler):
    def __init__(self, answers: dict[str, bytes], asked: list[str], *args: object) -> None:
        self._answers, self._asked = answers, asked
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._asked.append(self.path)
        answer = self._answers.get(self.path)
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(answer or b"")))
        self.end_headers()
        self.wfile.write(answer or b"")

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal of the tests."""


class Mirror:
    """A site that mirrors a log; what it answers can be changed while it runs."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Mirror, self.answers, self.asked))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.address = f"http://127.0.0.1:{self._server.server_port}/log/"

    @contextmanager
    def running(self) -> Iterator[Mirror]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror().running() as running:
        yield running


def test_a_mirror_on_the_network_is_asked_once_a_minute(log_desk: LogDesk, mirror: Mirror) -> None:
    log_desk.append(2)
    log_desk.publish()
    mirror.answers["/log/checkpoint"] = log_desk.published().note
    log_desk.place.witness = mirror.address
    for seconds, times in ((0, 1), (1, 1), (59.999, 1), (60, 2), (61, 2), (58, 3), (117.999, 3), (118, 4)):
        log_desk.append(now=NOW + timedelta(seconds=seconds))
        assert len(mirror.asked) == times
    assert set(mirror.asked) == {"/log/checkpoint"}


def test_a_mirror_on_the_network_that_is_ahead(
    log_desk: LogDesk, mirror: Mirror, old_backup: Path, tmp_path: Path
) -> None:
    mirror.answers["/log/checkpoint"] = log_desk.published().note
    with restored(old_backup, tmp_path / "lost", mirror.address) as desk:
        with pytest.raises(KezhengError, match=r"^log_rollback \(published=500, known=400\)$"):
            desk.append()
        assert len(mirror.asked) == 1
        with pytest.raises(KezhengError, match=r"^log_rollback"):
            desk.append()
        assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "log_witness_unreachable"),
        (b"x" * (MAX_CHECKPOINT + 1), "log_witness_unreachable"),
        (b"<html>", "log_checkpoint_unreadable"),
    ],
)
def test_an_answer_that_is_no_checkpoint(log_desk: LogDesk, mirror: Mirror, answer: bytes | None, code: str) -> None:
    if answer is not None:
        mirror.answers["/log/checkpoint"] = answer
    log_desk.place.witness = mirror.address
    with pytest.raises(KezhengError, match=f"^{code}"):
        log_desk.append()
    assert log_desk.tree().size == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/log", "http://[", "http://host.invalid/log"])
def test_an_address_that_does_not_answer(log_desk: LogDesk, address: str) -> None:
    log_desk.place.witness = address
    with pytest.raises(KezhengError, match=r"^log_witness_unreachable"):
        log_desk.append()
