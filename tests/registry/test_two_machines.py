"""Two machines with one database and a folder each: what one publishes, the other does not have at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from register_desk import Desk, people

from certs.errors import KezhengError
from certs.unavailable import Unavailable
from registry.home import open_home
from registry.settings import load_settings

CODE = "P000115000001"


@pytest.fixture
def other(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """A second machine: the same keys and database, and the register's files as they were until now."""
    folder = Path(shutil.copytree(desk.folder, tmp_path / "other"))
    settings = replace(load_settings(folder, {}), database_url=desk.home.settings.database_url)
    with open_home(settings, {}) as home:
        yield Desk(home)


def test_a_machine_checks_by_what_lies_in_its_own_folder(desk: Desk, other: Desk) -> None:
    before = other.home.checkpoint()
    desk.certify(people(1), CODE)
    assert other.home.checkpoint() == before != desk.home.checkpoint()
    with other.home.store.reading() as tx:
        assert not isinstance(other.home.evidence(tx).log, Unavailable)


def test_machines_in_turn_issue_into_one_register(desk: Desk, other: Desk) -> None:
    certificates = [(desk, other)[place % 2].certify(people(place), CODE)[0] for place in range(4)]
    other.home.publish_log()
    desk.home.publish_log()
    assert desk.home.checkpoint() == other.home.checkpoint()
    assert {each.verdict(made.number) for each in (desk, other) for made in certificates} == {"valid"}


def test_a_machine_that_never_published_has_no_checkpoint(other: Desk) -> None:
    shutil.rmtree(other.home.settings.log_folder)
    with pytest.raises(KezhengError) as refused:
        other.home.checkpoint()
    assert refused.value.code == "log_unavailable"
    other.home.publish_log()
    assert other.home.checkpoint()
