"""Our own verifier in a process of its own: it reads what is published by itself, and its refusals come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from register_desk import Desk, people
from stopped_process import Stopped, stop

from certs.errors import KezhengError
from certs.unavailable import Unavailable
from registry.issuing import verifying_crew
from registry.issuing.own_check import MANY, CrewCheck, HereCheck, own_check
from registry.issuing.verifying_crew import VerifyingCrew
from registry.store.issuing_store import Logged, logged_of_batch

ASSESSOR = "P000115000001"


@pytest.fixture
def logged(desk: Desk) -> list[Logged]:
    """Three certificates that were logged and not released, as a run leaves them that stops there."""
    batch = desk.approve(desk.bring(people(1, 2, 3), ASSESSOR))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.issuing.release_chunks._submit", stop)
        with pytest.raises(Stopped):
            desk.finish(batch)
    with desk.home.store.reading() as tx:
        return logged_of_batch(tx, batch.id)


def altered(given: Logged) -> Logged:
    return given._replace(envelope=given.envelope[:-1] + bytes([given.envelope[-1] ^ 1]))


def refusal(made: Future[None]) -> tuple[str, object]:
    with pytest.raises(KezhengError) as refused:
        made.result(timeout=60)
    return refused.value.code, refused.value.params["reason"]


@pytest.fixture
def crew_check(desk: Desk) -> Iterator[CrewCheck]:
    """The check of a large batch."""
    with desk.home.store.reading() as tx:
        check = own_check(desk.home, MANY, desk.home.evidence(tx))
    assert isinstance(check, CrewCheck)
    yield check
    verifying_crew.end_crew()


def test_a_large_batch_is_verified_in_another_process(
    desk: Desk, crew_check: CrewCheck, logged: list[Logged]
) -> None:
    assert crew_check.submit(logged, desk.now).result(timeout=60) is None
    one = [*logged[:2], altered(logged[2])]
    assert refusal(crew_check.submit(one, desk.now)) == ("own_verification_failed", "signature_mismatch")
    elsewhere = [logged[0]._replace(leaf_index=logged[1].leaf_index)]
    assert refusal(crew_check.submit(elsewhere, desk.now)) == ("own_verification_failed", "log_unavailable")
    assert crew_check.crew.is_complete


def test_that_process_has_nothing_but_what_is_published(
    desk: Desk, crew_check: CrewCheck, logged: list[Logged]
) -> None:
    """Neither the passphrase nor the database: no environment, and nothing open but the socket to this process."""
    crew_check.submit(logged, desk.now).result(timeout=60)
    allowed = {"/dev/null", os.readlink("/proc/self/fd/2")}
    for process in crew_check.crew.process_ids:
        assert Path(f"/proc/{process}/environ").read_bytes() == b""
        opened = [os.readlink(entry) for entry in Path(f"/proc/{process}/fd").iterdir()]
        others = [name for name in opened if name not in allowed]
        assert [name.partition(":")[0] for name in others] == ["socket"]


def test_a_process_that_dies_lets_nothing_pass_unverified(
    desk: Desk, crew_check: CrewCheck, logged: list[Logged]
) -> None:
    for process in crew_check.crew.process_ids:
        os.kill(process, signal.SIGKILL)
    assert crew_check.submit(logged, desk.now).result(timeout=60) is None
    assert refusal(crew_check.submit([altered(logged[0])], desk.now))[0] == "own_verification_failed"
    assert not crew_check.crew.is_complete
    assert verifying_crew.verifying_crew() is not crew_check.crew


def test_what_the_processes_cannot_take_on_is_verified_here(
    desk: Desk, crew_check: CrewCheck, logged: list[Logged], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VerifyingCrew, "is_busy", True)
    assert crew_check.submit(logged, desk.now).done()
    with pytest.raises(KezhengError, match=r"^own_verification_failed"):
        crew_check.submit([altered(logged[0])], desk.now)


def test_the_processes_end_with_who_started_them() -> None:
    """Killed like this one, its processes would stay for ever if they waited for anything but its end of a socket."""
    code = (
        "import sys; from registry.issuing.verifying_crew import VerifyingCrew; crew = VerifyingCrew(1);"
        "print(crew.process_ids[0], flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        process = int(starter.stdout.readline())
        starter.kill()
    for _ in range(500):
        if not Path(f"/proc/{process}").exists():
            return
        time.sleep(0.01)
    pytest.fail("the process is still there")


def test_a_trust_list_that_cannot_be_used_is_no_way_around(desk: Desk, logged: list[Logged]) -> None:
    with desk.home.store.reading() as tx:
        evidence = replace(desk.home.evidence(tx), trust=Unavailable("trust_list_unsigned"))
    with pytest.raises(KezhengError) as refused:
        own_check(desk.home, 1, evidence).submit(logged, desk.now)
    assert refused.value.params["reason"] == "trust_list_unsigned"


def test_a_small_batch_is_verified_here(desk: Desk, logged: list[Logged]) -> None:
    with desk.home.store.reading() as tx:
        check = own_check(desk.home, MANY - 1, desk.home.evidence(tx))
    assert isinstance(check, HereCheck)
    assert check.submit(logged, desk.now).done()
    with pytest.raises(KezhengError, match="own_verification_failed"):
        check.submit([altered(logged[0])], desk.now)
