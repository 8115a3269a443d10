"""A long day at a register, backed up after each of its acts: from whichever backup, recovery gives the same register.

What it was, every certificate, row, person, change, listing and key of it, is what it is again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from both_engines import copied_home, point_home_at
from lost_database import ASSESSOR, OTHER_ASSESSOR, back_up, put_back, recovered
from postgres_server import postgres_database
from register_desk import APPROVER, OPERATOR, Desk, id_number, institution_toml, people
from register_picture import picture

from certs.errors import KezhengError
from certs.institution import EventKind
from certs.status import State
from keys.key_record import KeyRole
from registry.compromise import Compromise, declare
from registry.data_keys import rotate_data_key
from registry.delegation_changes import rotate_role, rotate_root
from registry.directory import name_successor, rename_institution
from registry.home import open_home
from registry.issuing.reissue import finish_reissue, start_reissue
from registry.key_changes import add_key, retire_key
from registry.settings import load_settings
from registry.store.log_store import read_tree

MINUTE = timedelta(minutes=1)
ON_A_SERVER = ("a_first_batch", "its_person_is_certified_anew", "a_key_is_stolen")
"""After which acts a server's database is put back too: for it, a backup is slow."""


class Day(NamedTuple):
    """The home at the end of the day, its backups by the act after which they were taken, and its picture then."""

    home: Path
    backups: dict[str, str | Path]
    picture: dict[str, Any]
    verdicts: dict[str, str]
    size: int


ACTS: dict[str, Callable[[Desk, dict[str, Any]], object]] = {}


def act(work: Callable[[Desk, dict[str, Any]], object]) -> Callable[[Desk, dict[str, Any]], object]:
    ACTS[work.__name__] = work
    return work


@act
def a_first_batch(desk: Desk, known: dict[str, Any]) -> None:
    known["first"] = desk.certify([*people(1, 2, 3, 4), *people(5, 等级="初级")], ASSESSOR)


@act
def a_batch_is_imported(desk: Desk, known: dict[str, Any]) -> None:
    rows = [*people(11, 12, 13, 考核结果="合格"), *people(14, 考核结果="不合格", 理论成绩="30")]
    known["second"] = desk.bring(rows, ASSESSOR, label="第二批")


@act
def it_is_approved(desk: Desk, known: dict[str, Any]) -> None:
    desk.approve(known["second"])


@act
def it_is_issued(desk: Desk, known: dict[str, Any]) -> None:
    known["seconds"] = desk.finish(known["second"])


@act
def one_is_revoked(desk: Desk, known: dict[str, Any]) -> None:
    desk.change(known["first"][0].number, State.REVOKED, "exam_misconduct", note="说明一")


@act
def one_is_suspended(desk: Desk, known: dict[str, Any]) -> None:
    desk.change(known["first"][1].number, State.SUSPENDED, "under_review", until=date(2027, 1, 31))


@act
def it_is_reinstated(desk: Desk, known: dict[str, Any]) -> None:
    desk.change(known["first"][1].number, State.VALID, "review_closed")


@act
def a_name_is_corrected(desk: Desk, known: dict[str, Any]) -> None:
    known["corrected"] = desk.correct(known["seconds"][0].number, name="更正甲")


@act
def a_document_is_corrected(desk: Desk, known: dict[str, Any]) -> None:
    number = id_number(400)
    known["other document"] = desk.correct(known["corrected"].number, reason="id_changed", id_number=number)


@act
def one_is_cancelled(desk: Desk, known: dict[str, Any]) -> None:
    desk.change(known["seconds"][1].number, State.CANCELLED, "issued_in_error")


@act
def its_person_is_certified_anew(desk: Desk, known: dict[str, Any]) -> None:
    known["anew"] = desk.certify(people(12), OTHER_ASSESSOR)


@act
def an_institution_is_listed(desk: Desk, known: dict[str, Any]) -> None:
    known["new"] = desk.list_institution(institution_toml(9))


@act
def it_issues(desk: Desk, known: dict[str, Any]) -> None:
    known["of new"] = desk.certify(people(21, 22), known["new"])


@act
def it_gets_another_key(desk: Desk, known: dict[str, Any]) -> None:
    add_key(desk.home, known["new"], OPERATOR, desk.now)


@act
def a_key_is_retired(desk: Desk, known: dict[str, Any]) -> None:
    kid = known["of new"][0].kid
    retire_key(desk.home, kid, None, OPERATOR, desk.now)


@act
def a_key_is_stolen(desk: Desk, known: dict[str, Any]) -> None:
    known["stolen"] = known["anew"][0].kid
    declare(desk.home, Compromise(known["stolen"], desk.now - 8 * MINUTE, "机构甲", "登记官乙"), desk.now)


@act
def what_it_signed_is_issued_again(desk: Desk, known: dict[str, Any]) -> None:
    start_reissue(desk.home, known["stolen"], None, OPERATOR, APPROVER, desk.now)
    finish_reissue(desk.home, known["stolen"], desk.clock, lambda _: None)


@act
def institutions_change(desk: Desk, known: dict[str, Any]) -> None:
    rename_institution(desk.home, known["new"], "测试评价中心新名", date(2026, 11, 20), OPERATOR, desk.now)
    desk.institution_event(OTHER_ASSESSOR, EventKind.SUSPEND, date(2026, 11, 20), "under_review")
    name_successor(desk.home, OTHER_ASSESSOR, ASSESSOR, OPERATOR, desk.now)


@act
def keys_of_the_register_change(desk: Desk, _known: dict[str, Any]) -> None:
    for role in (KeyRole.LIST, KeyRole.STATUS, KeyRole.LOG):
        rotate_role(desk.home, role, OPERATOR, desk.now)
    rotate_root(desk.home, OPERATOR, desk.now)


@act
def a_new_data_key_is_made(desk: Desk, _known: dict[str, Any]) -> None:
    rotate_data_key(desk.home, OPERATOR, desk.now, lambda _: None)


@act
def one_more_is_certified(desk: Desk, known: dict[str, Any]) -> None:
    known["late"] = desk.certify(people(31), ASSESSOR)


@act
def the_last_one_is_revoked(desk: Desk, known: dict[str, Any]) -> None:
    desk.change(known["of new"][0].number, State.REVOKED, "key_misused", void_from_start=False)


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    with open_home(load_settings(folder, {}), {}) as home:
        yield Desk(home)


def seen(desk: Desk, numbers: list[str]) -> dict[str, str]:
    said = (f"{report['verdict']} {report['headline']['en']}" for report in desk.reports(numbers))
    return dict(zip(numbers, said, strict=True))


def live_through(folder: Path, back_up_now: Callable[[str], str | Path]) -> Day:
    """The day, at a home that is opened for each act."""
    backups: dict[str, str | Path] = {}
    known: dict[str, Any] = {}
    for place, (name, work) in enumerate(ACTS.items(), 1):
        backups[name] = back_up_now(name)
        with opened(folder) as desk:
            desk.now += place * MINUTE
            work(desk, known)
    with opened(folder) as desk:
        desk.now += len(ACTS) * MINUTE
        with desk.home.store.reading() as tx:
            size = read_tree(tx).size
        shown = picture(desk.home, size)
        numbers = [row[0] for row in shown["certificates"]]
        return Day(folder, backups, shown, seen(desk, numbers), size)


@pytest.fixture(scope="module")
def sqlite_day(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """The day, lived once, with a file for a database."""
    folder = tmp_path_factory.mktemp("day") / "home"
    shutil.copytree(prepared_home, folder)
    return live_through(folder, lambda name: back_up(folder, f"{name}.db"))


@pytest.fixture(scope="module")
def postgresql_day(
    prepared_on_postgresql: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Day]:
    """The day with a database on a server, of which copies are made."""
    target = tmp_path_factory.mktemp("day") / "home"
    with copied_home(*prepared_on_postgresql, target) as folder, ExitStack() as copies:
        url = load_settings(folder, {}).database_url

        def copied(act: str) -> str:
            return copies.enter_context(postgres_database(copy_of=url)) if act in ON_A_SERVER else ""

        yield live_through(folder, copied)


@contextmanager
def put_back_to(day: Day, act: str, folder: Path) -> Iterator[Path]:
    """The home of the evening with the database of an earlier hour."""
    shutil.copytree(day.home, folder)
    backup = day.backups[act]
    if isinstance(backup, Path):
        put_back(folder, backup)
        yield folder
        return
    with postgres_database(copy_of=backup) as url:
        point_home_at(folder, url)
        yield folder


@pytest.mark.parametrize("act", ACTS)
def test_the_register_is_what_it_was(act: str, sqlite_day: Day, tmp_path: Path) -> None:
    with put_back_to(sqlite_day, act, tmp_path / "home") as folder:
        check_recovered(folder, sqlite_day)


@pytest.mark.slow
@pytest.mark.parametrize("act", ON_A_SERVER)
def test_the_register_is_what_it_was_on_a_server(act: str, postgresql_day: Day, tmp_path: Path) -> None:
    with put_back_to(postgresql_day, act, tmp_path / "home") as folder:
        check_recovered(folder, postgresql_day)


def check_recovered(folder: Path, day: Day) -> None:
    with opened(folder) as desk:
        desk.now += len(ACTS) * MINUTE
        with pytest.raises(KezhengError, match=r"^log_rollback"):
            desk.change(day.picture["certificates"][0][0], State.SUSPENDED, "under_review")
        document = recovered(desk)
        assert document["recovered"]
        assert document["certificates"]["lost"] == 0
        assert document["lost"] == document["void_numbers"] == document["status_changes"]["reason_unknown"] == []
        assert_same(picture(desk.home, day.size), day.picture)
        assert seen(desk, list(day.verdicts)) == day.verdicts
        again = recovered(desk)
        assert not again["recovered"]
        assert again["database"] == again["register"]


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, rows in expected.items():
        extra = [row for row in found[name] if row not in rows]
        assert (extra, [row for row in rows if row not in found[name]]) == ([], []), name
        assert len(found[name]) == len(rows)
