"""All machines of a rehearsal: made, started in order, ended together."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from deploy.ha.configuration import roles_sql
from deploy.ha.plan import Plan, Ports, check_plan, new_passwords
from deploy.ha.rehearsal.application import (
    copy_home,
    kezheng,
    start_balancer,
    start_database_proxy,
    start_roles,
    write_application_files,
)
from deploy.ha.rehearsal.database import (
    ACCOUNT,
    Databases,
    installed_binaries,
    installed_patroni,
    start_database,
    wait_until,
)
from deploy.ha.rehearsal.ground import Ground
from deploy.ha.rehearsal.machine import CommandFailed, Keeper, Machine
from deploy.ha.rehearsal.site_answers import is_answering

DATABASES, APPLICATIONS, BALANCER = ("db1", "db2", "db3"), ("app1", "app2"), "edge"
PUBLIC_URL = "https://verify.example.cn"
PUBLIC_PORT = 8080
START_SECONDS = 120.0
Say = Callable[[str], None]


class Cluster:
    """The running machines."""

    def __init__(self, ground: Ground, folder: Path, say: Say) -> None:
        addresses = ground.addresses([*DATABASES, *APPLICATIONS, BALANCER])
        self.ground = ground
        self.plan = _plan(ground, addresses)
        self.machines = {
            name: Machine(name, address, folder / name, ground) for name, address in addresses.items()
        }
        self.databases = Databases(self.plan)
        self._keeper = Keeper(list(self.machines.values()))
        self._say = say

    @property
    def public_address(self) -> str:
        """Where the world reaches the sites."""
        return f"http://{self.plan.balancers[BALANCER]}:{self.plan.ports.public}"

    def site_address(self, machine: str) -> str:
        """Where one machine's site answers."""
        return f"http://{self.plan.applications[machine]}:{self.plan.ports.site}"

    def start_databases(self) -> None:
        """etcd and Patroni, until one leads, one is in step and one follows; then the role and its database."""
        self.ground.prepare(self.plan.addresses)
        for machine in self.machines.values():
            machine.folder.mkdir(mode=0o755, parents=True)
        for name in DATABASES:
            start_database(self.plan, self.machines[name])
        self._keeper.start()
        self._waited("three databases, one in step", self.databases.is_whole)
        self._psql(roles_sql(self.plan))

    def start_applications(self, prepare: Callable[[Machine], None]) -> None:
        """Homes and roles on the application machines, and the balancer; ``prepare`` fills the first home."""
        first, *others = (self.machines[name] for name in APPLICATIONS)
        for machine in (first, *others):
            write_application_files(self.plan, machine)
            start_database_proxy(machine)
        self._waited("a way to the primary", partial(self._is_writable, first))
        kezheng(first, "init")
        kezheng(first, "database", "public-role")
        prepare(first)
        for machine in others:
            copy_home(first, machine)
        for machine in (first, *others):
            start_roles(self.plan, machine)
        start_balancer(self.plan, self.machines[BALANCER])
        for machine in (first, *others):
            self._waited(f"site of {machine.name}", partial(is_answering, f"{self.site_address(machine.name)}/readyz"))
        self._waited("balancer", partial(is_answering, f"{self.public_address}/readyz"))

    def stop(self) -> None:
        """Everything ends."""
        self._keeper.stop()
        for machine in self.machines.values():
            machine.join()
            machine.switch_off()

    def psql(self, statement: str, machine: str) -> str:
        """What a statement gives on a database machine, as the superuser; unaligned, without headings."""
        return self._psql(statement, self.plan.databases[machine], self.plan.database)

    def _psql(self, statement: str, address: str | None = None, database: str = "postgres") -> str:
        primary = self.databases.primary()
        host = address or self.plan.databases[primary or DATABASES[0]]
        # A password on the command line would be seen by everybody.
        environ = os.environ | {"PGPASSWORD": self.plan.passwords.superuser}
        where = ["-h", host, "-p", str(self.plan.ports.postgresql), "-U", ACCOUNT, "-d", database]
        command = [str(installed_binaries() / "psql"), "-X", "-At", "-v", "ON_ERROR_STOP=1", *where]
        done = subprocess.run(command, input=statement, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def _is_writable(self, machine: Machine) -> bool:
        environ = os.environ | {"PGCONNECT_TIMEOUT": "2"}
        command = [str(installed_binaries() / "psql"), "-X", "-At", self.plan.database_url(machine.name)]
        try:
            return machine.run([*command, "-c", "SELECT NOT pg_is_in_recovery()"], environ).strip() == b"t"
        except CommandFailed:
            return False

    def _waited(self, what: str, is_so: Callable[[], bool]) -> None:
        self._say(f"  {what}: {wait_until(what, is_so, START_SECONDS):.1f} s")


@contextmanager
def running_cluster(ground: Ground, folder: Path, say: Say, prepare: Callable[[Machine], None]) -> Iterator[Cluster]:
    """The whole set-up, started, and ended with the block."""
    cluster = Cluster(ground, folder, say)
    try:
        cluster.start_databases()
        cluster.start_applications(prepare)
        yield cluster
    finally:
        cluster.stop()


def _plan(ground: Ground, addresses: dict[str, str]) -> Plan:
    plan = Plan(
        public_url=PUBLIC_URL,
        network=ground.network(),
        databases={name: addresses[name] for name in DATABASES},
        applications={name: addresses[name] for name in APPLICATIONS},
        balancers={BALANCER: addresses[BALANCER]},
        passwords=new_passwords(),
        ports=Ports(public=PUBLIC_PORT),
        patroni=installed_patroni(),
    )
    check_plan(plan)
    return plan
