"""Leases: who is alive is seen at once, who was killed too, and two never find one dead at the same moment."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from job_register import wait_until
from postgres_server import postgres_database
from register_crash import in_child

from certs.errors import KezhengError
from registry.jobs import leases as leases_module
from registry.jobs.leases import FileLeases, Leases, SessionLeases, new_executor_id


@pytest.fixture(params=["sqlite", "postgresql"])
def leases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Leases]:
    if request.param == "sqlite":
        yield FileLeases(tmp_path / "leases")
        return
    with postgres_database(migrated=False) as url:
        yield SessionLeases(url)


def is_dead(leases: Leases, executor: str) -> bool:
    with leases.of_dead(executor) as found:
        return found


def test_no_two_processes_have_one_name() -> None:
    names = {new_executor_id() for _ in range(1000)}
    assert len(names) == 1000
    assert all(f".{os.getpid()}." in name and name.isascii() and " " not in name for name in names)


def test_who_holds_a_lease_is_alive_and_dead_afterwards(leases: Leases) -> None:
    with leases.held("a"):
        assert not is_dead(leases, "a")
        assert is_dead(leases, "b")
    assert is_dead(leases, "a")


def test_who_was_never_there_is_dead(leases: Leases) -> None:
    assert is_dead(leases, "nobody")


def test_only_one_finds_a_process_dead_at_a_time(leases: Leases) -> None:
    with leases.of_dead("a") as first:
        assert first
        assert not is_dead(leases, "a")
    assert is_dead(leases, "a")


def test_a_killed_process_is_dead_at_once(leases: Leases, tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    def hold() -> None:
        with leases.held("child"):
            ready.touch()
            time.sleep(60)

    child = in_child(hold)
    wait_until(ready.exists)
    assert not is_dead(leases, "child")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    killed = time.monotonic()
    wait_until(lambda: is_dead(leases, "child"))
    assert time.monotonic() - killed < 5


def test_a_stopped_process_is_alive(leases: Leases, tmp_path: Path) -> None:
    """Silence is no death: what it holds it may write with when it goes on."""
    ready = tmp_path / "ready"

    def hold() -> None:
        with leases.held("child"):
            ready.touch()
            time.sleep(60)

    child = in_child(hold)
    wait_until(ready.exists)
    os.kill(child, signal.SIGSTOP)
    time.sleep(0.3)
    assert not is_dead(leases, "child")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_lease_file_is_for_its_owner_and_leaves_nothing(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path / "leases")
    with leases.held("a"):
        (file,) = (tmp_path / "leases").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert is_dead(leases, "a")
    assert list((tmp_path / "leases").iterdir()) == []


def test_a_lease_that_was_lost_with_its_server_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases_module, "CHECK_SECONDS", 0.05)
    with postgres_database(migrated=False) as url, psycopg.connect(url, autocommit=True) as owner:
        leases = SessionLeases(url)
        with leases.held("a"):
            (lost,) = _holders(owner)
            owner.execute("SELECT pg_terminate_backend(%s)", (lost,))
            wait_until(lambda: bool(_holders(owner) - {lost}))
            assert not is_dead(leases, "a")
        assert is_dead(leases, "a")


def _holders(owner: psycopg.Connection[tuple[object, ...]]) -> set[object]:
    """The server's processes that hold a lease."""
    rows = owner.execute(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchall()
    return {pid for (pid,) in rows}


def test_without_a_server_there_is_no_lease() -> None:
    leases = SessionLeases("postgresql://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(KezhengError, match="store_unavailable"), leases.held("a"):
        pass
    with pytest.raises(KezhengError, match="store_unavailable"):
        is_dead(leases, "a")
