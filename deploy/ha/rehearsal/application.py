"""The application machines of a rehearsal: a home with the same keys on each, its roles, its way to the database."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.ha.configuration import (
    APPLICATION_FILE,
    HAPROXY_FILE,
    Places,
    application_files,
    balancer_files,
)
from deploy.ha.plan import Plan
from deploy.ha.rehearsal.environment_file import read_environment
from deploy.ha.rehearsal.machine import Machine, Service

NOT_COPIED = ("log", "exports", "receipts", "cache", "archive")
"""What each home derives or keeps for itself."""
SITE_PROCESSES = 2
WORKER, SITE, REGISTRY, HAPROXY = "worker", "site", "registry", "haproxy"


def write_application_files(plan: Plan, machine: Machine) -> None:
    """The configuration of an application machine."""
    _write(machine, application_files(plan, machine.name, _places(machine)))


def home_of(machine: Machine) -> Path:
    """The home on an application machine."""
    return machine.folder / "home"


def environment_of(machine: Machine) -> dict[str, str]:
    """The environment in which kezheng runs on a machine."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return inherited | read_environment(machine.folder / APPLICATION_FILE)


def kezheng(machine: Machine, *arguments: str) -> bytes:
    """Run a command of kezheng on a machine; its JSON. Raises CommandFailed."""
    return machine.run([*_program(machine), "--json", *arguments], environment_of(machine))


def copy_home(first: Machine, other: Machine) -> None:
    """The other machine gets the same keys and settings; its register it derives from the database."""
    shutil.copytree(home_of(first), home_of(other), ignore=_left_out)
    home_of(other).chmod(0o700)


def start_database_proxy(machine: Machine) -> None:
    """The HAProxy that finds the primary and a standby."""
    machine.start(_haproxy(machine))


def start_roles(plan: Plan, machine: Machine) -> None:
    """Worker, registry role and public site."""
    environ, address, ports = environment_of(machine), machine.address, plan.ports
    roles: Mapping[str, tuple[str, ...]] = {
        WORKER: ("--role", "worker"),
        REGISTRY: ("--role", "registry", "--host", address, "--port", str(ports.registry)),
        SITE: ("--role", "public", "--host", address, "--port", str(ports.site), "--workers", str(SITE_PROCESSES)),
    }
    for name, options in roles.items():
        machine.start(Service(name, [*_program(machine), "serve", *options], environ))


def start_balancer(plan: Plan, machine: Machine) -> None:
    """The HAProxy before the sites."""
    _write(machine, balancer_files(plan, machine.name, _places(machine)))
    machine.start(_haproxy(machine))


def _program(machine: Machine) -> list[str]:
    return [sys.executable, "-c", "from registry.cli import main; main()", "--home", str(home_of(machine))]


def _haproxy(machine: Machine) -> Service:
    command = ["haproxy", "-db", "-f", str(machine.folder / HAPROXY_FILE)]
    return Service(HAPROXY, command, {"PATH": f"{os.environ['PATH']}:/usr/sbin"})


def _write(machine: Machine, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = machine.folder / name
        path.write_text(text, "utf-8")
        path.chmod(0o600)


def _places(machine: Machine) -> Places:
    folder = machine.folder
    return Places(folder, folder, folder, folder, home_of(machine), account="")


def _left_out(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] in NOT_COPIED}
