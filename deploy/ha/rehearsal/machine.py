"""A machine of the rehearsal and its services: started, killed, cut off, and started again as systemd would."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.ha.rehearsal.ground import Ground, children_of, send

RESTART_SECONDS = 1.0
"""How long after its end a service is started again."""
_LOOK_SECONDS = 0.2
_GONE_SECONDS = 0.02


class CommandFailed(RuntimeError):
    """A command ended with another code than 0; the message has what it said."""


@dataclass(slots=True)
class Service:
    """A program that is to run on a machine. ``account``: as whom, when the rehearsal runs as root."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    account: str | None = None
    process: subprocess.Popen[bytes] | None = None
    ended_at: float | None = None
    restarts: int = 0


@dataclass(slots=True)
class Machine:
    """One machine. Its folder holds everything of it, and a log for each service."""

    name: str
    address: str
    folder: Path
    ground: Ground
    is_on: bool = True
    is_cut_off: bool = False
    services: dict[str, Service] = field(default_factory=dict)
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def start(self, service: Service) -> None:
        """Start a service, which is kept running from now on."""
        with self._changing:
            self._launch(service)
            self.services[service.name] = service

    def run(self, command: Sequence[str], environ: Mapping[str, str], *, account: str | None = None) -> bytes:
        """Run a command on this machine to its end; what it wrote. Raises CommandFailed."""
        made = self._command(command, account)
        done = subprocess.run(made, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise CommandFailed(f"{self.name}: {' '.join(command)}: {done.stderr.decode('utf-8', 'replace')[-2000:]}")
        return done.stdout

    def switch_off(self) -> None:
        """Everything on the machine is gone at once, as after a power cut."""
        with self._changing:
            self.is_on = False
            while running := self._running():
                # First all are stopped, so that none sees the end of another.
                send(running, signal.SIGSTOP)
                send(running, signal.SIGKILL)
                time.sleep(_GONE_SECONDS)
            for service in self.services.values():
                if service.process is not None:
                    service.process.wait()

    def switch_on(self) -> None:
        """All services start."""
        with self._changing:
            for service in self.services.values():
                self._launch(service)
            self.is_on = True

    def kill(self, name: str) -> None:
        """kill -9 of a service and of what it started in its session."""
        process = self.services[name].process
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def signal(self, name: str, what: signal.Signals) -> None:
        """Send a signal to the main process of a service."""
        process = self.services[name].process
        assert process is not None
        process.send_signal(what)

    def forget(self, name: str, seconds: float) -> None:
        """End a service in good order and keep it no longer. Raises TimeoutExpired."""
        with self._changing:
            process = self.services.pop(name).process
        assert process is not None
        process.terminate()
        process.wait(seconds)

    def children(self, name: str) -> list[int]:
        """The processes that the main process of a service has started."""
        process = self.services[name].process
        assert process is not None
        return children_of(process.pid)

    def freeze(self) -> None:
        """All processes stop, as in a machine that stands still."""
        with self._changing:
            send(self._running(), signal.SIGSTOP)

    def thaw(self) -> None:
        """All processes go on with what they knew."""
        with self._changing:
            send(self._running(), signal.SIGCONT)

    def cut_off(self) -> None:
        """Nothing gets from or to this machine."""
        self.ground.cut_off(self.name, self.folder)
        self.is_cut_off = True

    def join(self) -> None:
        """The machine is reached again, if it was cut off."""
        if self.is_cut_off:
            self.ground.join(self.name, self.folder)
            self.is_cut_off = False

    def keep_running(self) -> None:
        """Start services again that have ended for a while; a machine that is off starts nothing."""
        with self._changing:
            for service in self.services.values() if self.is_on else ():
                if service.process is not None and service.process.poll() is not None:
                    self._start_again(service)

    def _start_again(self, service: Service) -> None:
        service.ended_at = service.ended_at or time.monotonic()
        if time.monotonic() - service.ended_at >= RESTART_SECONDS:
            service.restarts += 1
            self._launch(service)

    def _launch(self, service: Service) -> None:
        with self._log(service.name) as log:
            service.process = subprocess.Popen(
                self._command(service.command, service.account),
                env=dict(service.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        service.ended_at = None

    def _log(self, name: str) -> IO[bytes]:
        return (self.folder / f"{name}.log").open("ab")

    def _command(self, command: Sequence[str], account: str | None) -> list[str]:
        return self.ground.command(self.name, as_account(command, account))

    def _running(self) -> list[int]:
        return [pid for pid in self.ground.processes(self.name, self.folder) if not _is_zombie(pid)]


class Keeper:
    """Watches over the services of all machines in a thread, as each machine's service manager would."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self._machines = machines
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; nothing is started again after this."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            for machine in self._machines:
                machine.keep_running()


def as_account(command: Sequence[str], account: str | None) -> list[str]:
    """The command as another account where we are root; as ourselves elsewhere."""
    if account is None or os.geteuid() != 0:
        return [*command]
    user = pwd.getpwnam(account)
    ids = ("--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--init-groups")
    return ["setpriv", *ids, "--no-new-privs", "--", *command]


def give_to(folder: Path, account: str | None) -> None:
    """Make a folder the account's own, where we are root."""
    if account is not None and os.geteuid() == 0:
        user = pwd.getpwnam(account)
        os.chown(folder, user.pw_uid, user.pw_gid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
