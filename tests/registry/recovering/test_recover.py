"""S-03: a restored database is refused; recovered, it gives nothing out twice and forgets no revocation."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lost_database import ASSESSOR, MINUTE, back_up, lose, opened, put_back, recovered, refusal
from register_crash import killed_at
from register_desk import NOW, OPERATOR, Desk, institution_toml, people

from certs.status import State
from registry.checking import check_own_log
from registry.home import open_home
from registry.issuing.give_up import give_up_batch
from registry.issuing.issue import begin_issue
from registry.log_monitor import Question, look
from registry.log_source import open_log_source
from registry.monitor_memory import Memory
from registry.publishing.archive_folder import archive_end, block_files
from registry.publishing.documents import published_files
from registry.publishing.log_folder import published_checkpoint
from registry.publishing.static_files import write_published
from registry.settings import load_settings
from registry.store.lost_store import lost_serials

PREFIX = f"{ASSESSOR}262"


def publish(desk: Desk, folder: Path) -> Path:
    """A mirror of all that the home publishes."""
    with desk.home.store.reading() as tx:
        files = published_files(tx)
    write_published(folder, files, desk.home.settings.log_folder)
    return folder


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
