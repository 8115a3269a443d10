"""The file of the job engine: made whole by whoever comes first, and left alone by everybody else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from registry.store.job_database import JOB_FILE, job_file_url


def test_a_new_file_is_private_and_for_one_writer_beside_its_readers(tmp_path: Path) -> None:
    assert job_file_url(tmp_path) == f"sqlite:///{tmp_path / JOB_FILE}"
    assert [path.name for path in tmp_path.iterdir()] == [JOB_FILE]
    assert (tmp_path / JOB_FILE).stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(tmp_path / JOB_FILE)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_another_process_works_with_is_left_alone(tmp_path: Path) -> None:
    job_file_url(tmp_path)
    with closing(sqlite3.connect(tmp_path / JOB_FILE, isolation_level=None)) as other:
        other.execute("CREATE TABLE own (id INTEGER)")
        other.execute("BEGIN EXCLUSIVE")
        job_file_url(tmp_path)
        other.execute("COMMIT")
        assert other.execute("SELECT count(*) FROM own").fetchone() == (0,)


def test_who_comes_second_takes_the_file_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(own: Path, path: Path) -> None:
        path.write_bytes(b"the first one's")
        link(own, path)

    link = os.link
    monkeypatch.setattr(os, "link", late)
    job_file_url(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {JOB_FILE: b"the first one's"}
