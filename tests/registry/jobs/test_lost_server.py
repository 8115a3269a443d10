"""A database server that goes away in the middle of a job: the job waits for it and goes on, in the same process."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event, Thread

import pytest
from both_engines import point_home_at
from job_register import ASSESSOR, CHUNK, hold_second_chunk, register_at, wait_until
from postgres_server import postgres_server
from register_desk import NOW, Desk

from registry.home import open_home
from registry.initialise import initialise
from registry.jobs.attempts import AttemptState
from registry.jobs.worker import run_worker
from registry.sample.rosters import sample_institution
from registry.settings import load_settings

PEOPLE = 3 * CHUNK


@pytest.mark.slow
def test_a_job_outlives_its_database_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Event()
    with postgres_server("fsync=off") as server:
        folder = tmp_path / "home"
        folder.mkdir()
        point_home_at(folder, server.url("postgres"))
        settings = load_settings(folder, {})
        initialise(settings, {}, NOW)
        with open_home(settings, {}) as home:
            assert Desk(home).list_institution(sample_institution("beijiang")) == ASSESSOR
        register = register_at(folder)
        batch = register.approved(PEOPLE)
        job = register.submit(batch)
        reached, go = hold_second_chunk(monkeypatch)
        working = Thread(target=run_worker, args=(settings, {}, stop, lambda: NOW))
        working.start()
        try:
            assert reached.wait(120)
            server.crash()
            go.set()
            server.restart()
            wait_until(lambda: register.latest(job).state is AttemptState.DONE)
        finally:
            go.set()
            stop.set()
            working.join(120)
        assert not working.is_alive()
        register.expect_all_issued(batch, PEOPLE)
    shutil.rmtree(folder)
