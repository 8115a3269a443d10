"""The files of every machine: complete, understood by what reads them, with the rules that keep what was told."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.qr import check_public_url
from deploy.ha.configuration import (
    APPLICATION_FILE,
    ETCD_FILE,
    HAPROXY_FILE,
    PATRONI_FILE,
    Places,
    debian_places,
    files_of_machine,
    roles_sql,
)
from deploy.ha.plan import (
    SOUND_ETCD3,
    Passwords,
    Plan,
    PlanInvalid,
    check_plan,
    kept_passwords,
    new_passwords,
    read_plan,
    version_of,
)
from deploy.ha.rehearsal.environment_file import read_environment
from registry.settings import load_settings
from registry.store.database_url import is_postgresql, parse_database_url

EXAMPLE = Path(__file__).parents[2] / "deploy/ha/machines.toml"
PASSWORDS = Passwords("super", "replica", "rewound", "rest", "writes", "reads")
PLAN = read_plan(EXAMPLE, PASSWORDS, (3, 0, 2))
PLACES = debian_places(15)


def files(machine: str, plan: Plan = PLAN) -> dict[str, str]:
    return files_of_machine(plan, machine, PLACES)


@pytest.mark.parametrize("machine", PLAN.addresses)
def test_every_value_is_filled_in(machine: str) -> None:
    for text in files(machine).values():
        assert "$" not in text
        assert PLAN.addresses[machine] in text


def test_a_commit_counts_when_a_standby_has_it_and_never_otherwise() -> None:
    text = files("db1")[PATRONI_FILE]
    assert "synchronous_mode: true" in text
    assert "synchronous_mode_strict: true" in text
    assert not re.search(r"synchronous_commit|statement_timeout|failsafe_mode", text)


def test_patroni_has_time_to_try_again_before_its_place_is_given_away() -> None:
    text = files("db1")[PATRONI_FILE]
    ttl, loop, retry = (int(found) for found in re.findall(r"(?:ttl|loop_wait|retry_timeout): (\d+)", text))
    assert ttl >= loop + 2 * retry


@pytest.mark.parametrize(
    ("patroni", "interface", "older"),
    [((3, 0, 2), "etcd", "true"), (SOUND_ETCD3, "etcd3", "false"), ((4, 0, 4), "etcd3", "false")],
)
def test_a_patroni_that_takes_foreign_keys_gets_the_older_interface(
    patroni: tuple[int, ...], interface: str, older: str
) -> None:
    made = files("db2", replace(PLAN, patroni=patroni))
    assert f"\n{interface}:\n  hosts:" in made[PATRONI_FILE]
    assert f"ETCD_ENABLE_V2={older}\n" in made[ETCD_FILE]


def test_only_machines_of_the_network_connect_and_only_with_a_password() -> None:
    text = files("db1")[PATRONI_FILE]
    rules = [line.split() for line in text.splitlines() if line.strip().startswith("- host ")]
    assert {(rule[-2], rule[-1]) for rule in rules} == {(str(PLAN.network), "scram-sha-256")}
    assert [rule[3] for rule in rules] == ["replicator", "rewind", "postgres", "kezheng,kezheng_public"]


def test_etcd_knows_all_three_members(tmp_path: Path) -> None:
    (tmp_path / ETCD_FILE).write_text(files("db3")[ETCD_FILE], "utf-8")
    values = read_environment(tmp_path / ETCD_FILE)
    assert values["ETCD_NAME"] == "db3"
    assert values["ETCD_INITIAL_CLUSTER"] == ",".join(f"{name}=http://{at}:2380" for name, at in PLAN.databases.items())
    assert int(values["ETCD_ELECTION_TIMEOUT"]) >= 5 * int(values["ETCD_HEARTBEAT_INTERVAL"])


def test_the_application_reads_its_environment(tmp_path: Path) -> None:
    (tmp_path / APPLICATION_FILE).write_text(files("app2")[APPLICATION_FILE], "utf-8")
    settings = load_settings(None, read_environment(tmp_path / APPLICATION_FILE))
    assert str(settings.home) == "/var/lib/kezheng"
    assert settings.public_url == check_public_url(PLAN.public_url)
    assert settings.proxies == tuple(PLAN.balancers.values())
    for url, user, port in (
        (settings.database_url, "kezheng", 5000),
        (PLAN.public_database_url("app2"), "kezheng_public", 5001),
    ):
        parsed = parse_database_url(url)
        assert is_postgresql(url)
        assert (parsed.username, parsed.host, parsed.port) == (user, PLAN.applications["app2"], port)


def test_haproxy_asks_patroni_who_leads_and_ends_connections_to_who_does_not() -> None:
    text = files("app1")[HAPROXY_FILE]
    assert "GET /primary" in text
    assert "GET /replica?lag=" in text
    assert "on-marked-down shutdown-sessions" in text
    assert text.count(" check port 8008") == 2 * len(PLAN.databases)


def test_only_scans_and_files_are_asked_for_again_whatever_happened() -> None:
    parts = re.split(r"\n(?=backend |frontend )", files("edge1")[HAPROXY_FILE])
    repeated = {part.split()[1] for part in parts if "all-retryable-errors" in part}
    assert repeated == {"scan", "register"}
    [front] = [part for part in parts if part.startswith("frontend ")]
    assert "use_backend scan if is_scan METH_GET" in front


def test_the_roles_have_their_passwords_and_the_superuser_is_not_among_them() -> None:
    text = roles_sql(PLAN)
    assert "CREATE ROLE kezheng LOGIN PASSWORD 'writes'" in text
    assert "CREATE ROLE kezheng_public LOGIN PASSWORD 'reads'" in text
    assert "SUPERUSER" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"databases": dict(list(PLAN.databases.items())[:2])},
        {"applications": {"app1": "10.20.0.21"}},
        {"balancers": {}},
        {"balancers": {"db1": "10.20.0.99"}},
        {"balancers": {"edge1": "10.20.0.11"}},
        {"network": IPv4Network("10.20.1.0/24")},
    ],
)
def test_a_plan_that_cannot_hold_what_it_is_for_is_refused(change: dict[str, object]) -> None:
    check_plan(PLAN)
    with pytest.raises(PlanInvalid):
        check_plan(replace(PLAN, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "network = 1", EXAMPLE.read_text("utf-8") + "[ports]\nwriting = 1", 'public_url = "x"\n[databases']
)
def test_a_file_that_is_no_plan_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "machines.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(PlanInvalid, match=r"machines\.toml"):
        read_plan(path, PASSWORDS, (3, 0, 2))


def test_passwords_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "passwords.toml"
    first = kept_passwords(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_passwords(path) == first != new_passwords()
    path.write_text('superuser = "a"\n', "utf-8")
    with pytest.raises(PlanInvalid):
        kept_passwords(path)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=4), st.text("abc ()", max_size=8))
def test_a_version_is_found_in_what_a_program_says(numbers: list[int], around: str) -> None:
    assert version_of(f"{around}{'.'.join(map(str, numbers))}{around}") == tuple(numbers)


def test_a_text_without_version_is_refused() -> None:
    with pytest.raises(PlanInvalid):
        version_of("patroni")


def test_the_command_writes_every_file_for_its_owner_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.ha.write_configuration", str(EXAMPLE), str(tmp_path)]
    written = subprocess.run(command, check=True, capture_output=True, text=True, cwd=EXAMPLE.parents[2]).stdout.split()
    assert {Path(path).relative_to(tmp_path).parts[0] for path in written} == {*PLAN.addresses, "roles.sql"}
    assert {Path(path).stat().st_mode & 0o777 for path in written} == {0o600}
    password = tomllib.loads((tmp_path / "passwords.toml").read_text("utf-8"))["application"]
    assert password in (tmp_path / "app1" / APPLICATION_FILE).read_text("utf-8")
    again = subprocess.run(command, check=True, capture_output=True, text=True, cwd=EXAMPLE.parents[2]).stdout.split()
    assert again == written
    assert password in (tmp_path / "roles.sql").read_text("utf-8")


def test_places_are_those_of_a_rehearsal_where_it_says_so(tmp_path: Path) -> None:
    folders = (tmp_path / name for name in ("bin", "data", "etcd", "run", "home"))
    places = Places(*folders, tuning=("a: 1",))
    text = files_of_machine(PLAN, "db1", places)[PATRONI_FILE]
    assert f"data_dir: {tmp_path}/data\n" in text
    assert f"unix_socket_directories: {tmp_path}/run\n    a: 1\n" in text
