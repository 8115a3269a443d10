"""A disk lost in the middle of something: batches half issued, rows imported meanwhile, corrections under way."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lost_database import ASSESSOR, back_up, lose, opened, put_back, recovered, refusal
from register_crash import killed_at
from register_desk import OPERATOR, Desk, id_number, people

from registry.home import open_home
from registry.issuing.give_up import give_up_batch
from registry.issuing.issue import begin_issue, issue_chunk, waiting_chunks
from registry.publishing.archive_folder import archive_end
from registry.publishing.log_folder import published_checkpoint
from registry.settings import load_settings
from registry.store.states import BatchState, CertificateState


def test_a_batch_that_was_half_issued_is_finished(home_folder: Path) -> None:
    """Some of its people had their certificates when the disk died; the others get theirs, under other numbers."""
    batches = []

    def half(desk: Desk) -> None:
        batch = desk.approve(desk.bring(people(1, 2, 3, 4, 5), ASSESSOR))
        batches.append(batch.id)
        begin_issue(desk.home, batch.id, desk.now)
        [some, _] = waiting_chunks(desk.home, batch.id, 3)
        issue_chunk(desk.home, batch.id, some, desk.clock)

    lose(home_folder, lambda desk: desk.certify(people(90), ASSESSOR), half)
    with opened(home_folder) as desk:
        [batch] = recovered(desk)["batches"]
        assert batch == {"batch": batches[0], "state": "issuing", "certificates": 3, "waiting": 2}
        found = desk.finish(desk.batch(batches[0]))
        assert [each.serial for each in found] == [2, 3, 4, 5, 6]
        assert {each.state for each in found} == {CertificateState.RELEASED}
        assert desk.batch(batches[0]).state is BatchState.RELEASED
        assert {desk.verdict(each.number) for each in found} == {"valid"}


def test_a_batch_that_was_only_approved_waits_again(home_folder: Path) -> None:
    approved = lose(home_folder, lambda _: None, lambda desk: desk.approve(desk.bring(people(1, 2), ASSESSOR)))
    with opened(home_folder) as desk:
        assert recovered(desk)["batches"] == [
            {"batch": approved.id, "state": "approved", "certificates": 0, "waiting": 0}
        ]
        assert desk.batch(approved.id) == approved
        assert {desk.verdict(each.number) for each in desk.finish(approved)} == {"valid"}


def test_numbers_reserved_before_the_backup_give_way_or_go_on(home_folder: Path) -> None:
    """Reserved at the time of the backup: one batch was then issued, another given up and its people certified anew."""
    kept: dict[str, Any] = {}

    def before(desk: Desk) -> None:
        for name, places in (("issued", (1, 2)), ("given up", (3,)), ("waiting", (4,))):
            kept[name] = desk.approve(desk.bring(people(*places), ASSESSOR))
            begin_issue(desk.home, kept[name].id, desk.now)

    def after(desk: Desk) -> None:
        kept["first"] = desk.finish(kept["issued"])
        give_up_batch(desk.home, kept["given up"].id, OPERATOR, desk.now)
        kept["anew"] = desk.certify(people(3), ASSESSOR)

    lose(home_folder, before, after)
    with opened(home_folder) as desk:
        document = recovered(desk)
        assert document["certificates"] == {"restored": 3, "lost": 0}
        assert [each.number for each in desk.certificates(kept["issued"].id)] == [c.number for c in kept["first"]]
        assert [each.state for each in desk.certificates(kept["given up"].id)] == [CertificateState.VOID]
        assert {desk.verdict(each.number) for each in (*kept["first"], *kept["anew"])} == {"valid"}
        [waiting] = desk.finish(kept["waiting"])
        assert waiting.serial == 4
        assert desk.verdict(waiting.number) == "valid"


def test_what_was_imported_meanwhile_is_not_in_the_way(home_folder: Path) -> None:
    """Row ids that the lost database had given to others are given again before anybody recovers."""
    made = lose(home_folder, lambda _: None, lambda desk: desk.certify(people(1, 2, 3), ASSESSOR))
    with opened(home_folder) as desk:
        batch = desk.bring(people(4, 5, 3), ASSESSOR, label="其间")
        recovered(desk)
        assert [desk.certificate(each.number).envelope for each in made] == [each.envelope for each in made]
        assert refusal(desk.finish, desk.approve(batch)).code == "already_certified"
        assert {each["verdict"] for each in desk.reports([each.number for each in made])} == {"valid"}
        assert desk.value("SELECT count(*) FROM person") == 5


def test_a_person_of_two_documents_stays_one_person(home_folder: Path) -> None:
    """A correction shows another document of somebody: after the recovery both still name the same person."""
    kept: dict[str, Any] = {}

    def after(desk: Desk) -> None:
        [first] = desk.certify(people(1), ASSESSOR)
        kept["new"] = desk.correct(first.number, reason="id_changed", id_number=id_number(400))

    lose(home_folder, lambda _: None, after)
    with opened(home_folder) as desk:
        recovered(desk)
        assert desk.value("SELECT count(*) FROM person") == 1
        for place in (1, 400):
            assert refusal(desk.bring, people(place, 理论成绩="81"), ASSESSOR).code == "roster_has_faults"


@pytest.mark.slow
def test_killed_anywhere_in_a_correction_and_put_back(home_folder: Path, tmp_path: Path) -> None:
    """The disk dies in the middle of a correction, the backup is older: it is finished, or made anew, and once."""
    with open_home(load_settings(home_folder, {}), {}) as home:
        desk = Desk(home)
        [old] = desk.certify(people(1), ASSESSOR)
        backup = back_up(home_folder)

    def correct(folder: Path) -> None:
        with opened(folder) as desk:
            desk.correct(old.number, name="更正甲")

    died, point, seen = True, 0, set()
    while died:
        # Every fourth beginning or end of a transaction: between two publications there are more than four.
        folder, point = tmp_path / "copy", point + 4
        shutil.copytree(home_folder, folder)
        died = killed_at(point, partial(correct, folder), writes=False)
        state = archive_end(folder / "archive"), published_checkpoint(folder / "log")
        if state not in seen:
            seen.add(state)
            put_back(folder, backup)
            with opened(folder) as desk:
                recovered(desk)
                corrected = finished(desk, old.number)
                assert desk.verdict(corrected.number) == "valid"
                assert desk.notices(old.number) >= {"superseded"}
        shutil.rmtree(folder)
    assert len(seen) > 3


def finished(desk: Desk, number: str) -> Any:
    """The correction of a certificate, finished or made."""
    new = desk.value("SELECT number FROM certificate WHERE supersedes = :old AND state = 'released'", old=number)
    return desk.correct(number, name="更正甲") if new is None else desk.certificate(new)
