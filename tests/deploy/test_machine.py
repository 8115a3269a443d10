"""A machine of a rehearsal: services are started again, killed with what they started, frozen and woken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.ha.rehearsal.database import wait_until
from deploy.ha.rehearsal.ground import (
    LISTENING,
    Loopback,
    alone_command,
    children_of,
    listening_addresses,
    processes_of_folder,
)
from deploy.ha.rehearsal.machine import CommandFailed, Keeper, Machine, Service

SLEEPER = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
SLEEPER += "start_new_session={apart}); open(sys.argv[1], 'a').write('started\\n'); time.sleep(60)"
SECONDS = 20.0


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine("db1", "127.0.0.1", tmp_path / "db1", Loopback())
    made.folder.mkdir()
    yield made
    made.join()
    made.switch_off()
    for service in made.services.values():
        if service.process is not None:
            service.process.wait()


def sleeper(machine: Machine, name: str = "sleeper", *, apart: bool = False) -> Service:
    """A service that starts a process of its own, in its session or apart from it."""
    command = [sys.executable, "-c", SLEEPER.format(apart=apart), str(machine.folder / name)]
    return Service(name, command, dict(os.environ))


def until(is_so: Callable[[], bool]) -> None:
    wait_until("so", is_so, SECONDS)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]


def started(machine: Machine, name: str = "sleeper") -> int:
    """How often a service was started."""
    path = machine.folder / name
    return len(path.read_text("utf-8").splitlines()) if path.exists() else 0


def test_power_off_leaves_nothing_not_even_what_left_its_session(machine: Machine) -> None:
    machine.start(sleeper(machine, apart=True))
    until(lambda: started(machine) == 1)
    assert len(processes_of_folder(machine.folder)) == 2
    machine.switch_off()
    assert [pid for pid in processes_of_folder(machine.folder) if state_of(pid) != "Z"] == []
    machine.switch_on()
    until(lambda: started(machine) == 2)


def test_what_becomes_another_program_still_belongs_to_its_machine(machine: Machine) -> None:
    becomes = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(60)'])"
    machine.start(Service("becomes", [sys.executable, "-c", becomes], dict(os.environ)))
    process = machine.services["becomes"].process
    assert process is not None
    until(lambda: b"os.execv" not in Path(f"/proc/{process.pid}/cmdline").read_bytes())
    assert processes_of_folder(machine.folder) == [process.pid]
    machine.switch_off()
    assert process.returncode == -signal.SIGKILL


def test_a_service_that_ends_is_started_again_but_not_on_a_machine_that_is_off(machine: Machine) -> None:
    machine.start(sleeper(machine))
    until(lambda: started(machine) == 1)
    keeper = Keeper([machine])
    keeper.start()
    machine.kill("sleeper")
    until(lambda: started(machine) == 2)
    assert machine.services["sleeper"].restarts == 1
    machine.switch_off()
    time.sleep(1.5)
    keeper.stop()
    assert started(machine) == 2


def test_kill_takes_what_a_service_started(machine: Machine) -> None:
    machine.start(sleeper(machine))
    until(lambda: started(machine) == 1)
    [child] = machine.children("sleeper")
    machine.kill("sleeper")
    until(lambda: not Path(f"/proc/{child}").exists() or state_of(child) == "Z")


def test_a_machine_that_is_cut_off_stands_still_and_goes_on(machine: Machine) -> None:
    machine.start(sleeper(machine))
    until(lambda: started(machine) == 1)
    running = processes_of_folder(machine.folder)
    machine.cut_off()
    assert machine.is_cut_off
    until(lambda: {state_of(pid) for pid in running} == {"T"})
    machine.join()
    until(lambda: "T" not in {state_of(pid) for pid in running})
    machine.freeze()
    until(lambda: {state_of(pid) for pid in running} == {"T"})
    machine.thaw()
    until(lambda: "T" not in {state_of(pid) for pid in running})


def test_a_service_that_is_ended_in_good_order_is_not_started_again(machine: Machine) -> None:
    machine.start(sleeper(machine))
    until(lambda: started(machine) == 1)
    machine.forget("sleeper", SECONDS)
    machine.keep_running()
    assert machine.services == {}


def test_a_command_gives_its_output_or_says_why_not(machine: Machine) -> None:
    assert machine.run([sys.executable, "-c", "print(7)"], {}) == b"7\n"
    with pytest.raises(CommandFailed, match="no such thing"):
        machine.run([sys.executable, "-c", "raise SystemExit('no such thing')"], {})


def test_what_does_not_come_is_not_waited_for_for_ever() -> None:
    with pytest.raises(TimeoutError, match="the end"):
        wait_until("the end", lambda: False, 0.1)


def test_this_process_is_never_one_of_a_machines(tmp_path: Path) -> None:
    assert os.getpid() not in processes_of_folder(Path.cwd())
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        assert child.pid in children_of(os.getpid())
        assert child.pid not in processes_of_folder(tmp_path)
        child.send_signal(signal.SIGKILL)


def test_another_rehearsal_on_the_same_addresses_is_refused() -> None:
    ground = Loopback()
    addresses = {"db1": "127.83.9.1", "db2": "127.83.9.2"}
    ground.prepare(addresses)
    with socket.create_server((addresses["db2"], 0)):
        assert addresses["db2"] in listening_addresses(LISTENING.read_text("ascii"))
        with pytest.raises(SystemExit, match=r"listens on 127\.83\.9\.2:"):
            ground.prepare(addresses)
    ground.prepare(addresses)


def test_a_command_alone_has_namespaces_and_a_shell_that_waits_for_orphans() -> None:
    command = alone_command(["program", "option"])
    assert {"unshare", "--net", "--pid", "--kill-child", "sh"} <= set(command)
    assert command[-2:] == ["program", "option"]
