"""S-03: a restored database is refused; recovered, it gives nothing out twice and forgets no revocation."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lost_database import ASSESSOR, back_up, lose, put_back, recovered
from register_crash import killed_at
from register_desk import NOW, OPERATOR, Desk, id_number, institution_toml, people

from certs.errors import KezhengError
from certs.status import State
from registry.checking import check_own_log
from registry.home import open_home
from registry.issuing.give_up import give_up_batch
from registry.issuing.issue import begin_issue, issue_chunk, waiting_chunks
from registry.log_monitor import Question, look
from registry.log_source import open_log_source
from registry.monitor_memory import Memory
from registry.publishing.archive_folder import archive_end, block_files
from registry.publishing.documents import published_files
from registry.publishing.log_folder import published_checkpoint
from registry.publishing.static_files import write_published
from registry.settings import load_settings
from registry.store.lost_store import lost_serials
from registry.store.states import BatchState, CertificateState

MINUTE = timedelta(minutes=1)
PREFIX = f"{ASSESSOR}262"


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    """The home, a minute later."""
    with open_home(load_settings(folder, {}), {}) as home:
        yield Desk(home, NOW + MINUTE)


def publish(desk: Desk, folder: Path) -> Path:
    """A mirror of all that the home publishes."""
    with desk.home.store.reading() as tx:
        files = published_files(tx)
    write_published(folder, files, desk.home.settings.log_folder)
    return folder


def refusal(act: Callable[..., object], *given: Any, **named: Any) -> KezhengError:
    with pytest.raises(KezhengError) as refused:
        act(*given, **named)
    return refused.value


# --- a hundred certificates later


@pytest.fixture(scope="module")
def hundred(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home whose database was put back to a backup taken a hundred certificates ago, and what was made."""
    folder = tmp_path_factory.mktemp("hundred") / "home"
    shutil.copytree(prepared_home, folder)
    made: dict[str, Any] = {}

    def before(desk: Desk) -> None:
        made["before"] = desk.certify(people(*range(10)), ASSESSOR)

    def after(desk: Desk) -> None:
        made["after"] = desk.certify(people(*range(10, 110)), ASSESSOR)
        desk.change(made["before"][3].number, State.REVOKED, "false_documents")
        desk.change(made["after"][7].number, State.REVOKED, "exam_misconduct")
        made["mirror"] = publish(desk, folder.with_name("mirror"))

    lose(folder, before, after)
    return folder, made


@pytest.fixture
def lost(hundred: tuple[Path, dict[str, Any]], tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A copy of it."""
    return shutil.copytree(hundred[0], tmp_path / "home"), hundred[1]


def test_until_it_is_recovered_nothing_is_issued_listed_or_changed(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, made = lost
    with opened(folder) as desk:
        before = desk.row_counts()
        number = made["before"][0].number
        for act, *given in (
            (desk.certify, people(300), ASSESSOR),
            (desk.change, number, State.REVOKED, "exam_misconduct"),
            (desk.correct, number),
            (desk.list_institution, institution_toml(9)),
            (desk.home.publish_log,),
        ):
            assert refusal(act, *given).code == "log_rollback"  # type: ignore[operator]
        counts = desk.row_counts()
        # An import alone is no act of the register: it gives nothing out.
        changed = {name for name in counts if counts[name] != before[name]}
        assert changed == {"batch", "roster_row", "person", "person_document", "audit_event"}


def test_after_it_no_number_and_no_index_comes_twice(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, made = lost
    with opened(folder) as desk:
        document = recovered(desk)
        assert document["certificates"] == {"restored": 100, "lost": 0}
        assert document["counters"]["serials"] == {PREFIX: 111}
        more = desk.certify(people(*range(200, 220)), ASSESSOR)
        assert [each.serial for each in more] == list(range(111, 131))
        numbers = [each.number for each in (*made["before"], *made["after"], *more)]
        indices = [each.status_index for each in (*made["before"], *made["after"], *more)]
        assert len(set(numbers)) == len(set(indices)) == 130
        verdicts = {number: desk.verdict(number) for number in numbers[::9]}
        assert {desk.verdict(made["before"][3].number), desk.verdict(made["after"][7].number)} == {"not_in_force"}
        assert set(verdicts.values()) == {"valid"}


def test_a_dry_run_changes_nothing(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = lost
    with opened(folder) as desk:
        before = desk.row_counts()
        tried = recovered(desk, dry_run=True)
        assert (tried["dry_run"], tried["recovered"]) == (True, False)
        assert desk.row_counts() == before
        assert refusal(desk.certify, people(300), ASSESSOR).code == "log_rollback"
        done = recovered(desk)
        assert {**tried, "dry_run": False, "recovered": True, "archive": done["archive"]} == done


def test_without_the_files_the_archive_knows(lost: tuple[Path, dict[str, Any]]) -> None:
    """The home's log is gone with the database; the archive lay on another disk."""
    folder, made = lost
    shutil.rmtree(folder / "log")
    with opened(folder) as desk:
        assert refusal(desk.certify, people(300), ASSESSOR).code == "log_rollback"
        assert recovered(desk)["certificates"]["restored"] == 100
        assert desk.verdict(made["after"][0].number) == "valid"
        assert desk.verdict(made["after"][7].number) == "not_in_force"


def test_a_mirror_gives_back_what_the_home_has_lost(lost: tuple[Path, dict[str, Any]]) -> None:
    """Log and archive went back with the database, as when a whole machine is restored; a mirror remembers."""
    folder, made = lost
    shutil.rmtree(folder / "log")
    shutil.rmtree(folder / "archive")
    with opened(folder) as desk:
        refused = refusal(recovered, desk, str(made["mirror"]))
        assert (refused.code, refused.params["count"]) == ("recover_incomplete", 100)
        document = recovered(desk, str(made["mirror"]), accept_lost=True)
        assert document["certificates"] == {"restored": 0, "lost": 100}
        assert len(document["lost"]) == 100
        assert {each["institution"] for each in document["lost"]} == {ASSESSOR}
        assert document["status_changes"]["of_lost_certificates"] == 1
        # Revoked after the backup, known by its envelope; the reason is that of the signed status file.
        assert desk.verdict(made["before"][3].number) == "not_in_force"
        assert desk.value("SELECT reason_code FROM status_event") == "false_documents"
        [new] = desk.certify(people(300), ASSESSOR)
        assert new.serial > 110
        assert new.status_index not in {each.status_index for each in made["after"]}
        assert desk.verdict(new.number) == "valid"


def test_what_is_lost_goes_on_being_genuine_or_revoked(lost: tuple[Path, dict[str, Any]]) -> None:
    """Whoever holds the code of a certificate that is lost to the register is told the same as before."""
    folder, made = lost
    shutil.rmtree(folder / "archive")
    with opened(folder) as desk:
        recovered(desk, str(made["mirror"]), accept_lost=True)
        desk.change(made["before"][5].number, State.REVOKED, "exam_misconduct")
        assert [verdict_of(desk, made["after"][place]) for place in (0, 7)] == ["valid", "not_in_force"]


def verdict_of(desk: Desk, certificate: Any) -> str:
    """What a stranger is told who scans a code that the database does not know."""
    desk.certificate = lambda _: certificate  # type: ignore[method-assign]
    return desk.verdict(certificate.number)


def test_numbers_that_may_have_been_given_out_are_void(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, made = lost
    shutil.rmtree(folder / "archive")
    with opened(folder) as desk:
        document = recovered(desk, accept_lost=True)
        [void] = [each for each in document["void_numbers"] if each["first"] == made["after"][0].number]
        assert void["count"] == 200_000  # one batch approved since, one that may have waited
        with desk.home.store.reading() as tx:
            assert lost_serials(tx, PREFIX) == [range(11, 200_011)]
        assert document["counters"]["serials"][PREFIX] == 200_011
        assert desk.certify(people(300), ASSESSOR)[0].serial == 200_011


def test_only_the_log_is_left(lost: tuple[Path, dict[str, Any]]) -> None:
    """Neither archive nor lists: the entry alone keeps a revocation."""
    folder, made = lost
    shutil.rmtree(folder / "archive")
    with opened(folder) as desk:
        document = recovered(desk, accept_lost=True)
        assert document["status_changes"]["reason_unknown"] == [made["before"][3].number]
        assert desk.verdict(made["before"][3].number) == "not_in_force"
        assert desk.value("SELECT reason_code FROM status_event") == "not_stated"


def test_a_damaged_block_costs_only_what_it_holds(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, made = lost
    *_, changed, _ = block_files(folder / "archive")
    content = bytearray(changed.path.read_bytes())
    content[-20] ^= 1
    changed.path.write_bytes(content)
    with opened(folder) as desk:
        document = recovered(desk)
        assert document["archive"]["damaged"] == [changed.path.name]
        assert document["archive"]["mended"] == 1
        assert document["certificates"] == {"restored": 100, "lost": 0}
        assert desk.verdict(made["before"][3].number) == desk.verdict(made["after"][7].number) == "not_in_force"
        size = desk.value("SELECT size FROM log_tree")
        assert recovered(desk)["archive"] == {"size": size, "damaged": [], "mended": 0}


def test_what_is_lost_is_known_to_be_lost(lost: tuple[Path, dict[str, Any]]) -> None:
    """The register goes on being checked: entries whose certificates are lost are no fault in it."""
    folder, _ = lost
    shutil.rmtree(folder / "archive")
    with opened(folder) as desk:
        recovered(desk, accept_lost=True)
        with desk.home.store.reading() as tx:
            root = desk.home.own_root(tx)
        checked = check_own_log(desk.home, root, lambda *_: None)
        assert checked.faults.counts == {}
        assert desk.tamper("DELETE FROM lost_certificate WHERE leaf_index = 70") == 1
        found = check_own_log(desk.home, root, lambda *_: None).faults.counts
        assert found == {"log_certificate_unrecorded": 1}


def test_what_stands_in_the_register_gives_no_way(home_folder: Path) -> None:
    """The database claims of a number that was reserved that it was handed out: then nothing is touched."""
    kept: dict[str, Any] = {}

    def before(desk: Desk) -> None:
        kept["given up"] = desk.approve(desk.bring(people(3), ASSESSOR))
        begin_issue(desk.home, kept["given up"].id, desk.now)

    def after(desk: Desk) -> None:
        give_up_batch(desk.home, kept["given up"].id, OPERATOR, desk.now)
        desk.certify(people(3), ASSESSOR)

    lose(home_folder, before, after)
    with opened(home_folder) as desk:
        assert desk.tamper("UPDATE certificate SET state = 'released'") == 1
        before_it = desk.row_counts()
        assert refusal(recovered, desk).code == "recover_conflict"
        assert desk.row_counts() == before_it


def test_a_hole_in_the_archive_is_filled(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = lost
    with opened(folder) as desk:
        recovered(desk)
        blocks = list(block_files(folder / "archive"))
        blocks[1].path.unlink()
        assert recovered(desk)["archive"]["mended"] == 1
        assert list(block_files(folder / "archive")) == blocks


def test_entries_that_nobody_has(lost: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = lost
    shutil.rmtree(folder / "archive")
    shutil.rmtree(folder / "log" / "tile")
    with opened(folder) as desk:
        before = desk.row_counts()
        assert refusal(recovered, desk, accept_lost=True).code == "recover_entries_missing"
        assert desk.row_counts() == before


def test_a_mirror_whose_list_was_altered(lost: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = lost
    mirror = tmp_path / "mirror"
    shutil.copytree(lost[1]["mirror"], mirror)
    content = bytearray((mirror / "trust-list.jws").read_bytes())
    content[-3] = content[-3] ^ 1
    (mirror / "trust-list.jws").write_bytes(content)
    with opened(folder) as desk:
        assert refusal(recovered, desk, str(mirror)).code == "trust_list_unsigned"


def test_two_histories_are_never_joined(prepared_home: Path, tmp_path: Path) -> None:
    """Restored with everything, the machine went on: it forked its history, which a mirror shows."""
    folder, past = tmp_path / "home", tmp_path / "past"
    shutil.copytree(prepared_home, folder)
    shutil.copytree(folder, past)
    with opened(folder) as desk:
        desk.certify(people(1, 2), ASSESSOR)
        mirror = publish(desk, tmp_path / "mirror")
    with opened(past) as desk:
        desk.now += MINUTE
        desk.certify(people(3), ASSESSOR)
        before = desk.row_counts()
        refused = refusal(recovered, desk, str(mirror))
        assert refused.code == "recover_forked"
        assert desk.row_counts() == before


def test_a_machine_restored_with_everything_is_caught_by_a_monitor(prepared_home: Path, tmp_path: Path) -> None:
    """Nothing on the machine can know; whoever watches from outside has the checkpoint of before."""
    folder, past = tmp_path / "home", tmp_path / "past"
    shutil.copytree(prepared_home, folder)
    shutil.copytree(folder, past)
    with opened(folder) as desk:
        desk.certify(people(1, 2), ASSESSOR)
        first = looked(desk, publish(desk, tmp_path / "seen"), None)
        assert first.alarms == ()
    with opened(past) as desk:
        desk.now += MINUTE
        desk.certify(people(3), ASSESSOR)
        codes = {alarm.code for alarm in looked(desk, publish(desk, tmp_path / "now"), first.memory).alarms}
        assert codes & {"log_rolled_back", "log_forked", "log_went_back"}


def looked(desk: Desk, folder: Path, known: Memory | None) -> Any:
    with desk.home.store.reading() as tx, open_log_source(str(folder)) as source:
        return look(source, Question(desk.home.own_root(tx)), known, desk.now)


def test_a_witness_that_is_further_ends_a_recovery(lost: tuple[Path, dict[str, Any]]) -> None:
    """What is at hand here is not all: the mirror that every append must agree with has more."""
    folder, made = lost
    shutil.rmtree(folder / "log")
    shutil.rmtree(folder / "archive")
    half = folder.with_name("half")
    shutil.copytree(made["mirror"] / "log", half)
    settings = load_settings(folder, {"KEZHENG_LOG_WITNESS": str(half)})
    with open_home(settings, {}) as home:
        desk = Desk(home, NOW + MINUTE)
        assert refusal(desk.certify, people(300), ASSESSOR).code == "log_rollback"
        assert not recovered(desk)["recovered"]
        assert refusal(desk.certify, people(300), ASSESSOR).code == "log_rollback"
        assert recovered(desk, str(half), accept_lost=True)["recovered"]
        assert desk.verdict(desk.certify(people(300), ASSESSOR)[0].number) == "valid"


def test_addresses_that_codes_point_to_are_not_forgotten(home_folder: Path) -> None:
    """Codes were printed under another address after the backup."""
    address = {"KEZHENG_PUBLIC_URL": "https://verify.example.cn"}
    with open_home(load_settings(home_folder, {}), {}) as home:
        backup = back_up(home_folder)
        before = Desk(home).value("SELECT count(*) FROM public_url")
    with open_home(load_settings(home_folder, address), {}) as home, home.recording() as tx:
        home.publish_if_needed(tx, NOW)
    put_back(home_folder, backup)
    with opened(home_folder) as desk:
        recovered(desk)
        assert desk.value("SELECT count(*) FROM public_url") == before + 1
        assert desk.value("SELECT count(*) FROM public_url WHERE url = :url", url=address["KEZHENG_PUBLIC_URL"]) == 1


# --- in the middle of something


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
def test_killed_anywhere_recovery_is_done_again_or_was_done(lost: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """All of it is one transaction, and what comes after it is only published anew."""
    folder, _ = lost

    def work(copy: Path) -> None:
        with opened(copy) as desk:
            recovered(desk)

    died, point, states = True, -1, set()
    while died:
        copy, point = tmp_path / "copy", point + 2
        shutil.copytree(folder, copy)
        died = killed_at(point, partial(work, copy), writes=False)
        with opened(copy) as desk:
            size = desk.value("SELECT size FROM log_tree")
            states.add((size, archive_end(copy / "archive"), published_checkpoint(copy / "log")))
            document = recovered(desk)
            assert document["register"]["size"] == desk.value("SELECT size FROM log_tree") - document["recovered"]
            assert desk.certify(people(300), ASSESSOR)[0].serial == 111
        shutil.rmtree(copy)
    assert len(states) > 1
    assert {desk_size for desk_size, *_ in states} == {min(s for s, *_ in states), max(s for s, *_ in states)}


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
