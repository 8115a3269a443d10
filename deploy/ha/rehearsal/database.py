"""The database machines of a rehearsal: etcd and Patroni on each, and what Patroni says of them."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from deploy.ha.configuration import ETCD_FILE, PATRONI_FILE, Places, database_files
from deploy.ha.plan import Plan, version_of
from deploy.ha.rehearsal.environment_file import read_environment
from deploy.ha.rehearsal.machine import Machine, Service, give_to

ACCOUNT = "postgres"
ETCD, PATRONI = "etcd", "patroni"
POSTGRESQL_FOLDER = Path("/usr/lib/postgresql")
ASK_SECONDS = 1.0
TUNING = ("shared_buffers: 64MB", "max_wal_size: 512MB")
_PAUSE = 0.2
LEADER, SYNC_STANDBY = "leader", "sync_standby"


class Member(NamedTuple):
    """A member as Patroni sees it. ``role``: leader, sync_standby or replica; ``lag`` in bytes."""

    name: str
    role: str
    state: str
    lag: int | None


def installed_binaries() -> Path:
    """Where the newest installed PostgreSQL server's programs lie. Raises FileNotFoundError."""
    found = [path for path in POSTGRESQL_FOLDER.glob("*/bin") if (path / "postgres").exists()]
    if not found:
        raise FileNotFoundError(POSTGRESQL_FOLDER)
    return max(found, key=lambda path: float(path.parent.name))


def installed_patroni() -> tuple[int, ...]:
    """The version of Patroni on this machine."""
    said = subprocess.run([PATRONI, "--version"], check=True, capture_output=True, text=True)
    return version_of(said.stdout)


def start_database(plan: Plan, machine: Machine) -> None:
    """Write a machine's configuration and start etcd and Patroni on it."""
    places = _places(machine)
    places.etcd.mkdir(mode=0o700)
    places.run.mkdir(mode=0o700)
    for name, text in database_files(plan, machine.name, places).items():
        path = machine.folder / name
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        give_to(path, ACCOUNT)
    for folder in (machine.folder, places.etcd, places.run):
        give_to(folder, ACCOUNT)
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    etcd = environ | read_environment(machine.folder / ETCD_FILE)
    machine.start(Service(ETCD, [ETCD], etcd, ACCOUNT))
    machine.start(Service(PATRONI, [PATRONI, str(machine.folder / PATRONI_FILE)], environ, ACCOUNT))


class Databases:
    """What the members say, asked from the balancer's machine, where the rehearsal runs."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def members(self, but: Sequence[str] = ()) -> list[Member]:
        """The members as the first machine that answers sees them; none when no machine does."""
        for name, address in self._plan.databases.items():
            if name not in but and (seen := self._ask(address)) is not None:
                return [_member(each) for each in seen["members"]]
        return []

    def primary(self, but: Sequence[str] = ()) -> str | None:
        """The machine that takes writes now, as its own Patroni says."""
        for name, address in self._plan.databases.items():
            if name not in but and _answers(f"http://{address}:{self._plan.ports.patroni}/primary"):
                return name
        return None

    def sync_standby(self) -> str | None:
        """The machine that has every acknowledged commit, next to the primary."""
        return next((each.name for each in self.members() if each.role == SYNC_STANDBY), None)

    def is_whole(self) -> bool:
        """One leader, every other machine streaming, one of them in step."""
        members = self.members()
        roles = sorted(each.role for each in members)
        return (
            len(members) == len(self._plan.databases)
            and roles.count(LEADER) == roles.count(SYNC_STANDBY) == 1
            and all(each.state in ("running", "streaming") for each in members)
            and all(each.lag == 0 for each in members if each.role != LEADER)
        )

    def _ask(self, address: str) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(
                f"http://{address}:{self._plan.ports.patroni}/cluster", timeout=ASK_SECONDS
            ) as answer:
                seen: dict[str, Any] = orjson.loads(answer.read())
                return seen
        except (OSError, orjson.JSONDecodeError):
            return None


def wait_until(what: str, is_so: Callable[[], bool], seconds: float) -> float:
    """Wait until something holds; how many seconds it took. Raises TimeoutError."""
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_PAUSE)
    return time.monotonic() - started


def _places(machine: Machine) -> Places:
    folder = machine.folder
    return Places(
        installed_binaries(), folder / "data", folder / "etcd", folder / "run", folder, account="", tuning=TUNING
    )


def _member(seen: Mapping[str, Any]) -> Member:
    lag = seen.get("lag")
    return Member(seen["name"], seen["role"], seen["state"], lag if isinstance(lag, int) else None)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=ASK_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
