"""Several processes at the same moment: the database decides, once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from register_crash import exit_code, in_child
from register_desk import Desk, people, person

from certs.errors import KezhengError
from registry.home import open_home
from registry.settings import load_settings
from registry.store.batch_store import BatchRecord
from registry.store.states import BatchState, CertificateState

ASSESSOR, OTHER = "P000115000001", "P000215000002"
FAILED = 9


def at_once(folder: Path, works: list[Callable[[Desk], object]]) -> list[int]:
    """Run each in a process of its own, all let go by one signal; their exit codes."""
    go = folder / "go"

    def start(work: Callable[[Desk], object]) -> int:
        def body() -> None:
            with open_home(load_settings(folder, {}), {}) as home:
                home.keystore  # noqa: B018 - opened before the start, so that the race is about the database
                while not go.exists():
                    time.sleep(0.001)
                work(Desk(home))

        return in_child(body)

    children = [start(work) for work in works]
    time.sleep(0.3)
    go.touch()
    return [exit_code(child) for child in children]


def prepare(folder: Path, *rosters: tuple[list[dict[str, str]], str]) -> list[BatchRecord]:
    """Approved batches in a closed home."""
    with open_home(load_settings(folder, {}), {}) as home:
        desk = Desk(home)
        return [desk.approve(desk.bring(rows, code)) for rows, code in rosters]


def finish(batch: BatchRecord) -> Callable[[Desk], object]:
    return lambda desk: desk.finish(batch)


def reopened(folder: Path, look: Callable[[Desk], object]) -> None:
    with open_home(load_settings(folder, {}), {}) as home:
        look(Desk(home))


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_person_at_two_institutions_at_once(home_folder: Path, attempt: int) -> None:
    batches = prepare(
        home_folder,
        ([*people(1 + attempt), *people(10, 11)], ASSESSOR),
        ([*people(20, 21), *people(1 + attempt)], OTHER),
    )
    codes = at_once(home_folder, [finish(batch) for batch in batches])
    assert sorted(codes) == [0, FAILED]

    def check(desk: Desk) -> None:
        won, lost = batches if codes[0] == 0 else reversed(batches)
        assert {c.state for c in desk.certificates(won.id)} == {CertificateState.RELEASED}
        assert len(desk.certificates(won.id)) == 3
        assert desk.certificates(lost.id) == []
        assert desk.batch(lost.id).state is BatchState.APPROVED
        with pytest.raises(KezhengError, match="already_certified"):
            desk.finish(lost)

    reopened(home_folder, check)


def test_two_approvals_at_once_are_one(home_folder: Path) -> None:
    with open_home(load_settings(home_folder, {}), {}) as home:
        batch = Desk(home).bring(people(1), ASSESSOR)
    works: list[Callable[[Desk], object]] = [
        lambda desk: desk.approve(batch, approver="乙"),
        lambda desk: desk.approve(batch, approver="丙"),
    ]
    assert at_once(home_folder, works) == [0, 0]

    def check(desk: Desk) -> None:
        assert desk.value("SELECT count(*) FROM audit_event WHERE action = 'batch_approved'") == 1
        approver = desk.value("SELECT actor FROM audit_event WHERE action = 'batch_approved'")
        assert desk.batch(batch.id).approver == approver

    reopened(home_folder, check)


def test_two_imports_of_one_file_at_once_are_one_batch(home_folder: Path) -> None:
    rows = people(1, 2)
    assert at_once(home_folder, [lambda desk: desk.bring(rows, ASSESSOR)] * 2) == [0, 0]
    reopened(home_folder, lambda desk: _expect_one_batch(desk))


def _expect_one_batch(desk: Desk) -> None:
    counts = desk.row_counts()
    assert (counts["batch"], counts["roster_row"], counts["person"]) == (1, 2, 2)


def test_two_runs_of_one_batch_at_once_sign_nothing_twice(home_folder: Path) -> None:
    (batch,) = prepare(home_folder, (people(*range(1, 9)), ASSESSOR))
    at_once(home_folder, [finish(batch)] * 2)

    def check(desk: Desk) -> None:
        if desk.batch(batch.id).state is not BatchState.RELEASED:
            desk.finish(batch)
        certificates = desk.certificates(batch.id)
        assert [c.serial for c in certificates] == list(range(1, 9))
        assert {c.state for c in certificates} == {CertificateState.RELEASED}
        assert {report["verdict"] for report in desk.reports(c.number for c in certificates)} == {"valid"}

    reopened(home_folder, check)


def test_four_processes_leave_no_gap_between_their_serials(home_folder: Path) -> None:
    rosters = [(people(*range(first, first + 25)), ASSESSOR) for first in (1, 101, 201, 301)]
    batches = prepare(home_folder, *rosters)
    assert at_once(home_folder, [finish(batch) for batch in batches]) == [0, 0, 0, 0]

    def check(desk: Desk) -> None:
        issued = [c for batch in batches for c in desk.certificates(batch.id)]
        assert sorted(c.serial for c in issued) == list(range(1, 101))
        assert len({c.status_index for c in issued}) == 100
        assert {c.state for c in issued} == {CertificateState.RELEASED}
        assert desk.verdict(issued[-1].number) == "valid"

    reopened(home_folder, check)


def test_two_corrections_of_one_certificate_at_once(home_folder: Path) -> None:
    with open_home(load_settings(home_folder, {}), {}) as home:
        number = Desk(home).certify([person(1)], ASSESSOR)[0].number
    works: list[Callable[[Desk], object]] = [
        lambda desk: desk.correct(number, name="测试改正"),
        lambda desk: desk.correct(number, name="测试另改"),
    ]
    assert sorted(at_once(home_folder, works)) == [0, FAILED]

    def check(desk: Desk) -> None:
        assert desk.value("SELECT count(*) FROM certificate") == 2
        assert desk.verdict(desk.report(number)["status"]["superseded_by"]) == "valid"
        assert desk.value("SELECT count(*) FROM batch WHERE state <> 'released'") == 0

    reopened(home_folder, check)


def test_the_test_process_survives_its_children() -> None:
    assert exit_code(in_child(lambda: None)) == 0
    assert exit_code(in_child(lambda: 1 / 0)) == FAILED
    assert os.getpid() > 0
