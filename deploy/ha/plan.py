"""The plan of a set-up: which machines there are, at which addresses and ports they answer, and their passwords.

Read from a TOML file (see ``machines.toml``), or made for one machine by a rehearsal. Everything that is written for a
machine follows from it.
"""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Any

ETCD_MEMBERS = 3
DEBIAN_12_PATRONI = (3, 0, 2)
SOUND_ETCD3 = (3, 0, 3)
"""The first Patroni that never takes the leader's key from another machine by etcd's newer interface."""
PASSWORD_BYTES = 24
PASSWORDS_MODE = 0o600


class PlanInvalid(ValueError):
    """The plan cannot be carried out; the message says why."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each service listens, the same on every machine that has it."""

    postgresql: int = 5432
    patroni: int = 8008
    etcd_client: int = 2379
    etcd_peer: int = 2380
    write: int = 5000
    read: int = 5001
    site: int = 8000
    registry: int = 8001
    public: int = 80


@dataclass(frozen=True, slots=True)
class Passwords:
    """Between the machines; nobody types them. ``application`` writes, ``public`` reads the public views."""

    superuser: str
    replication: str
    rewind: str
    restapi: str
    application: str
    public: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Address by machine name for each kind of machine; every address lies in ``network``."""

    public_url: str
    network: IPv4Network
    databases: Mapping[str, str]
    applications: Mapping[str, str]
    balancers: Mapping[str, str]
    passwords: Passwords
    cluster: str = "kezheng"
    database: str = "kezheng"
    ports: Ports = field(default_factory=Ports)
    patroni: tuple[int, ...] = DEBIAN_12_PATRONI

    @property
    def has_sound_etcd3(self) -> bool:
        """Whether this Patroni may use etcd's newer interface."""
        return self.patroni >= SOUND_ETCD3

    @property
    def addresses(self) -> dict[str, str]:
        """The address of every machine."""
        return {**self.databases, **self.applications, **self.balancers}

    @property
    def write_role(self) -> str:
        """The database role of the application."""
        return self.cluster

    @property
    def read_role(self) -> str:
        """The database role of the public sites."""
        return f"{self.cluster}_public"

    def database_url(self, machine: str) -> str:
        """Where an application machine writes, through the HAProxy of its own."""
        return self._url(machine, self.write_role, self.passwords.application, self.ports.write)

    def public_database_url(self, machine: str) -> str:
        """Where its public site reads."""
        return self._url(machine, self.read_role, self.passwords.public, self.ports.read)

    def _url(self, machine: str, role: str, password: str, port: int) -> str:
        return f"postgresql://{role}:{password}@{self.applications[machine]}:{port}/{self.database}"


def read_plan(path: Path, passwords: Passwords, patroni: tuple[int, ...]) -> Plan:
    """The plan in a TOML file, for a version of Patroni. Raises PlanInvalid, OSError."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        plan = Plan(
            public_url=values["public_url"],
            network=IPv4Network(values["network"]),
            databases=values["databases"],
            applications=values["applications"],
            balancers=values["balancers"],
            passwords=passwords,
            ports=Ports(**values.get("ports", {})),
            patroni=patroni,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise PlanInvalid(f"{path.name}: {error}") from error
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Raise PlanInvalid for a plan that cannot hold what it is for."""
    if len(plan.databases) != ETCD_MEMBERS:
        raise PlanInvalid("three machines have the database: of fewer none may fail while writes go on")
    if len(plan.applications) < 2 or not plan.balancers:
        raise PlanInvalid("two machines at least have the application, one at least is the balancer")
    named = [*plan.databases, *plan.applications, *plan.balancers]
    if len(set(named)) != len(named) or len(set(plan.addresses.values())) != len(named):
        raise PlanInvalid("two machines have one name or address")
    for name, address in plan.addresses.items():
        if ip_address(address) not in plan.network:
            raise PlanInvalid(f"{name} does not lie in {plan.network}")


def version_of(text: str) -> tuple[int, ...]:
    """A version as numbers, from text such as ``patroni 3.0.2``. Raises PlanInvalid."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    if found is None:
        raise PlanInvalid(f"{text!r} names no version")
    return tuple(map(int, found[0].split(".")))


def new_passwords() -> Passwords:
    """Passwords that nobody has seen."""
    return Passwords(*(secrets.token_urlsafe(PASSWORD_BYTES) for _ in fields(Passwords)))


def kept_passwords(path: Path) -> Passwords:
    """The passwords in a file, which is made where there is none, for its owner alone. Raises PlanInvalid."""
    if not path.exists():
        _write_passwords(path, new_passwords())
    values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    try:
        return Passwords(**values)
    except TypeError as error:
        raise PlanInvalid(f"{path.name}: {error}") from error


def _write_passwords(path: Path, passwords: Passwords) -> None:
    path.touch(PASSWORDS_MODE, exist_ok=False)
    lines = [f'{each.name} = "{getattr(passwords, each.name)}"\n' for each in fields(Passwords)]
    path.write_text("".join(lines), "utf-8")
