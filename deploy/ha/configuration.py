"""The configuration files of every machine, from the plan and the templates beside this module.

A rehearsal on one machine runs on the same files as production: only places and tuning differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from deploy.ha.plan import Plan

TEMPLATES = Path(__file__).parent / "templates"
PATRONI_FILE, ETCD_FILE = "patroni.yml", "etcd.env"
HAPROXY_FILE, APPLICATION_FILE, ROLES_FILE = "haproxy.cfg", "kezheng.env", "roles.sql"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie on a machine. The defaults are Debian's.

    ``account``: the lines of HAProxy's ``global`` section that say as whom it runs; ``tuning``: parameters of the
    PostgreSQL server of this machine.
    """

    binaries: Path
    data: Path
    etcd: Path = Path("/var/lib/etcd/kezheng")
    run: Path = Path("/run/postgresql")
    home: Path = Path("/var/lib/kezheng")
    account: str = "user haproxy\n    group haproxy"
    tuning: tuple[str, ...] = ("shared_buffers: 1GB", "max_wal_size: 4GB", "checkpoint_completion_target: 0.9")


def debian_places(version: int) -> Places:
    """The places of a Debian machine with this PostgreSQL."""
    return Places(
        Path(f"/usr/lib/postgresql/{version}/bin"), Path(f"/var/lib/postgresql/{version}/kezheng")
    )


def database_files(plan: Plan, machine: str, places: Places) -> dict[str, str]:
    """Patroni's and etcd's files of a database machine."""
    values = _values(plan, machine) | {
        "data_folder": str(places.data),
        "binaries": str(places.binaries),
        "run_folder": str(places.run),
        "etcd_folder": str(places.etcd),
        "tuning": "\n    ".join(places.tuning),
        "etcd_interface": "etcd3" if plan.has_sound_etcd3 else "etcd",
        "etcd_v2": "false" if plan.has_sound_etcd3 else "true",
        "etcd_hosts": ", ".join(f'"{each}:{plan.ports.etcd_client}"' for each in plan.databases.values()),
        "etcd_members": ",".join(
            f"{name}=http://{address}:{plan.ports.etcd_peer}" for name, address in plan.databases.items()
        ),
    }
    return {PATRONI_FILE: _filled("patroni.yml", values), ETCD_FILE: _filled("etcd.env", values)}


def application_files(plan: Plan, machine: str, places: Places) -> dict[str, str]:
    """The environment of an application machine, and the HAProxy that finds the database for it."""
    ports = plan.ports
    values = _values(plan, machine) | {
        "account": places.account,
        "home": str(places.home),
        "write_url": plan.database_url(machine),
        "read_url": plan.public_database_url(machine),
        "proxies": ",".join(plan.balancers.values()),
        "servers": "\n".join(
            f"    server {name} {address}:{ports.postgresql} check port {ports.patroni}"
            for name, address in plan.databases.items()
        ),
    }
    return {
        HAPROXY_FILE: _filled("haproxy-database.cfg", values),
        APPLICATION_FILE: _filled("kezheng.env", values),
    }


def balancer_files(plan: Plan, machine: str, places: Places) -> dict[str, str]:
    """HAProxy before the sites."""
    servers = (f"    server {name} {address}:{plan.ports.site} check" for name, address in plan.applications.items())
    values = _values(plan, machine) | {"account": places.account, "servers": "\n".join(servers)}
    return {HAPROXY_FILE: _filled("haproxy-public.cfg", values)}


def roles_sql(plan: Plan) -> str:
    """What the superuser runs once on the primary."""
    values = {
        "write_role": plan.write_role,
        "read_role": plan.read_role,
        "database": plan.database,
        "application_password": plan.passwords.application,
        "public_password": plan.passwords.public,
    }
    return _filled("roles.sql", values)


def files_of_machine(plan: Plan, machine: str, places: Places) -> dict[str, str]:
    """All files of a machine by name."""
    if machine in plan.databases:
        return database_files(plan, machine, places)
    made = application_files if machine in plan.applications else balancer_files
    return made(plan, machine, places)


def _values(plan: Plan, machine: str) -> dict[str, str]:
    ports, passwords = plan.ports, plan.passwords
    return {
        "name": machine,
        "address": plan.addresses[machine],
        "cluster": plan.cluster,
        "database": plan.database,
        "network": str(plan.network),
        "public_url": plan.public_url,
        "application_roles": f"{plan.write_role},{plan.read_role}",
        "superuser_password": passwords.superuser,
        "replication_password": passwords.replication,
        "rewind_password": passwords.rewind,
        "restapi_password": passwords.restapi,
        "postgresql_port": str(ports.postgresql),
        "patroni_port": str(ports.patroni),
        "etcd_client_port": str(ports.etcd_client),
        "etcd_peer_port": str(ports.etcd_peer),
        "write_port": str(ports.write),
        "read_port": str(ports.read),
        "registry_port": str(ports.registry),
        "public_port": str(ports.public),
    }


def _filled(name: str, values: Mapping[str, str]) -> str:
    """A template with its values. Raises KeyError for one that is missing."""
    return Template((TEMPLATES / name).read_text("utf-8")).substitute(values)
