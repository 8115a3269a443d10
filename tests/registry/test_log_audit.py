"""The complete check of a register: of files alone, and of a home with its database."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from growing_register import GrowingRegister, register_of_two
from register_desk import Desk, people
from simulator import Key

from certs.evidence import TRUST_LIST_FILE
from certs.log_entry import EntryKind, certificate_body, clock_body, entry_bytes, file_body
from certs.timestamps import ms_of
from certs.tlog.cosignature import attach_signature
from certs.tlog.note import ED25519_COSIGNATURE, NoteKey, format_note, parse_note
from certs.tlog.tiles import bundle_path, tile_path
from certs.trust_list import PinnedTree
from registry.checking import Checked, check_own_log, check_source, checked_document
from registry.log_audit import audit_log
from registry.log_finding import said
from registry.log_publication import read_publication

ASSESSOR = "P000115000001"


def checked(register: GrowingRegister) -> Checked:
    return check_source(register.source(), register.root, lambda _done, _total: None)


def codes(register: GrowingRegister) -> dict[str, int]:
    """What is wrong with the files of a register, and how often."""
    return dict(checked(register).faults.counts)


@pytest.fixture
def register() -> GrowingRegister:
    """Three level-0 tiles, the last of them partial."""
    made, first, _ = register_of_two()
    made.certify(first, 500)
    made.publish()
    return made


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def test_a_right_register_has_no_fault(register: GrowingRegister) -> None:
    done: list[tuple[int, int]] = []
    found = check_source(register.source(), register.root, lambda *told: done.append(told))
    document = checked_document(found, register.now)
    assert (document["is_right"], document["faults"]) == (True, [])
    assert document["tree"]["size"] == register.size
    assert document["tree"]["root"] == register.log.root().hex()
    assert document["kinds"]["certificate"] == 500
    assert [line["kind"] for line in document["signatures"]] == ["Ed25519", "ML-DSA-44 cosignature"]
    assert done[-1] == (register.size, register.size)
    assert len(done) == 3


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 513])
def test_registers_of_all_widths_are_right(size: int) -> None:
    made, _, _ = register_of_two()
    made.fill(size)
    made.publish()
    assert codes(made) == {}


def test_three_levels_of_tiles_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, _ = register_of_two()
    made.fill(66_000 - made.size)
    made.publish()
    assert f"log/{tile_path(2, 0, 1)}" in made.files
    index = "log/index/0"
    assert codes(made) == {"log_tile_missing": 1}  # the simulated register writes no index
    made.files[index] = index_of(made.log.entries[:65_536])
    assert codes(made) == {}
    monkeypatch.setitem(made.files, index, flipped(made.files[index]))
    assert codes(made) == {"log_index_differs": 1}
    monkeypatch.undo()
    for level, place, width in ((1, 0, 256), (1, 1, 1), (2, 0, 1)):
        path = f"log/{tile_path(level, place, width)}"
        with monkeypatch.context() as patch:
            patch.setitem(made.files, path, flipped(made.files[path]))
            assert codes(made) == {"log_tile_differs": 1}


def index_of(entries: list[bytes]) -> bytes:
    """A block of the index as its documentation says, made without the program."""
    digests_at = {1: 17, 2: 9, 5: 9, 6: 9, 7: 9}
    subjects = []
    for place, entry in enumerate(entries):
        if entry[0] in (3, 4):
            subjects.append(entry[-32:][:8] + place.to_bytes(8, "big"))
        elif entry[0] in digests_at:
            start = digests_at[entry[0]]
            subjects.append(entry[start : start + 8] + place.to_bytes(8, "big"))
    return b"".join(sorted(subjects))


def test_every_file_that_is_changed_is_named(register: GrowingRegister) -> None:
    rest = register.size - 512
    for path, code in (
        (tile_path(0, 0), "log_tile_differs"),
        (tile_path(0, 2, rest), "log_tile_differs"),
        (tile_path(1, 0, 2), "log_tile_differs"),
    ):
        name, kept = f"log/{path}", register.files[f"log/{path}"]
        register.files[name] = flipped(kept)
        found = checked(register)
        assert {c: f.params for c, f in found.faults.first.items()} == {code: {"path": path}}
        del register.files[name]
        assert codes(register) == {"log_tile_missing": 1}
        register.files[name] = kept


def test_a_changed_entry_shows_in_root_and_tile(register: GrowingRegister) -> None:
    name = f"log/{bundle_path(1)}"
    register.files[name] = flipped(register.files[name])
    assert set(codes(register)) == {"log_entries_differ", "log_tile_differs"}
    register.files[name] = register.files[name][:-1]
    assert codes(register)["log_tile_malformed"] == 1
    del register.files[name]
    assert codes(register)["log_unavailable"] == 1


def test_a_time_that_decreases_fails_the_check() -> None:
    made, _, _ = register_of_two()
    made.log.entries.append(entry_bytes(clock_body(), ms_of(made.now) + 1))
    made.log.entries.append(entry_bytes(clock_body(), ms_of(made.now)))
    made.world.now += timedelta(seconds=1)
    made.publish()
    assert "log_time_decreases" in codes(made)


def test_a_certificate_that_was_entered_twice_is_told() -> None:
    made, first, second = register_of_two()
    digest = hashlib.sha256(b"one envelope").digest()
    made.enter(certificate_body(made.world.keys[first].kid, digest))
    made.certify(first, 3)
    made.publish()
    assert codes(made) == {}
    made.enter(certificate_body(made.world.keys[second].kid, digest))
    made.publish()
    found = checked(made)
    assert dict(found.faults.counts) == {"log_certificate_twice": 1}
    assert digest.hex().startswith(str(found.faults.first["log_certificate_twice"].params["digest"]))


def test_pinned_trees_are_computed_again(register: GrowingRegister) -> None:
    publication = read_publication(register.source(), register.root)
    for size in (1, 255, 256, 257, register.size - 1, register.size):
        root = register.log.root(size)
        right = audit_log(register.source().log_file, publication.checkpoint, [(size, root)])
        wrong = audit_log(register.source().log_file, publication.checkpoint, [(size, root), (size, flipped(root))])
        assert (dict(right.faults.counts), dict(wrong.faults.counts)) == ({}, {"log_forked": 1})
    register.world.pinned = PinnedTree(register.size + 50, bytes(32))
    register.publish()
    assert codes(register) == {"log_behind_list": 1}


def test_lists_and_data_files_must_be_entered(register: GrowingRegister, monkeypatch: pytest.MonkeyPatch) -> None:
    register.world.version += 1
    register.files[TRUST_LIST_FILE] = register.world.trust_list(register.log)
    assert codes(register) == {"trust_list_not_logged": 1}
    monkeypatch.setattr("simulator.file_digests", lambda _: {"catalogue/made_up.toml": "00" * 32})
    register.publish()
    assert codes(register) == {"data_file_not_logged": 1}


def test_the_second_line_must_be_there_and_right(register: GrowingRegister) -> None:
    note = parse_note(register.note())
    register.files["log/checkpoint"] = format_note(note._replace(signatures=note.signatures[:1]))
    assert codes(register) == {"cosignature_missing": 1}
    log_line, second = note.signatures
    wrong = second._replace(signature=flipped(second.signature))
    register.files["log/checkpoint"] = format_note(note._replace(signatures=(log_line, wrong)))
    assert codes(register) == {"checkpoint_untrusted": 1}
    document = checked_document(checked(register), register.now)
    assert (document["tree"], document["signatures"], document["is_right"]) == (None, [], False)


def test_a_wrong_line_of_a_known_witness_refuses_the_checkpoint(register: GrowingRegister) -> None:
    witness = NoteKey("witness.example/w1", ED25519_COSIGNATURE, Key("witness").public_key)
    register.world.witnesses = (witness,)
    register.publish()
    wrong = (1).to_bytes(8, "big") + bytes(64)
    register.files["log/checkpoint"] = attach_signature(register.note(), witness.name, witness.key_id, wrong)
    assert codes(register) == {"checkpoint_untrusted": 1}


def test_entries_that_are_too_short_are_told(register: GrowingRegister) -> None:
    register.log.entries.append(entry_bytes(clock_body(), ms_of(register.now)))
    register.log.entries.append(b"")
    register.log.entries.append(entry_bytes(clock_body(), ms_of(register.now)))
    register.publish_log()
    assert "log_entry_malformed" in codes(register)


# --- a home with its database


def own(desk: Desk) -> dict[str, int]:
    """What is wrong with a home."""
    with desk.home.store.reading() as tx:
        root = desk.home.own_root(tx)
    return dict(check_own_log(desk.home, root, lambda _done, _total: None).faults.counts)


def test_a_home_is_right_and_its_database_too(desk: Desk) -> None:
    desk.certify(people(1, 2, 3), ASSESSOR)
    assert own(desk) == {}


def test_a_changed_time_of_a_row_is_told_and_the_report_shows_the_entry(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    before = desk.report(number)["log"]
    assert desk.tamper("UPDATE certificate_logged SET logged_at = '2026-01-01 00:00:00.000000'") == 1
    assert desk.report(number)["log"] == before
    assert own(desk) == {"log_database_differs": 1}


def test_a_row_that_is_gone_is_told(desk: Desk) -> None:
    desk.certify(people(1, 2), ASSESSOR)
    assert desk.tamper("DELETE FROM certificate_logged WHERE certificate_id = 1") == 1
    assert own(desk) == {"log_certificate_unrecorded": 1}


def test_entries_that_differ_are_told(desk: Desk) -> None:
    desk.certify(people(1, 2), ASSESSOR)
    place = desk.value("SELECT max(leaf_index) FROM log_entry WHERE kind = 1")
    desk.tamper("UPDATE log_entry SET entry = :entry WHERE leaf_index = :place", entry=bytes(9), place=place)
    found = own(desk)
    assert found["log_database_differs"] == 1


def test_a_database_behind_its_files_is_told(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    size = desk.value("SELECT size FROM log_tree")
    desk.tamper("UPDATE log_tree SET size = :size", size=size - 1)
    assert own(desk)["log_rollback"] == 1


def test_a_database_with_another_tree_is_told(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    desk.tamper("UPDATE log_tree SET root = :root", root=bytes(32))
    assert own(desk) == {"log_damaged": 1}


def test_complete_tiles_of_the_database_are_compared(desk: Desk) -> None:
    with desk.home.recording() as tx:
        desk.home.log(tx, [clock_body()] * 300, desk.now)
    assert own(desk) == {}
    assert desk.tamper("UPDATE log_tile SET root = :root", root=bytes(32)) == 1
    assert own(desk)["log_damaged"] >= 1


def test_a_file_that_is_gone_is_told(desk: Desk) -> None:
    size = desk.value("SELECT size FROM log_tree")
    log: Path = desk.home.settings.log_folder
    (log / tile_path(0, 0, size)).unlink()
    assert own(desk) == {"log_tile_missing": 1}


def test_an_index_block_of_a_home_is_right(desk: Desk) -> None:
    with desk.home.recording() as tx:
        desk.home.log(tx, [file_body(EntryKind.APPROVAL, str(n).encode()) for n in range(66_000)], desk.now)
    assert own(desk) == {}
    block = desk.home.settings.log_folder / "index" / "0"
    block.write_bytes(flipped(block.read_bytes()))
    assert own(desk) == {"log_index_differs": 1}
    block.unlink()
    assert own(desk) == {"log_tile_missing": 1}


def test_every_finding_has_words(register: GrowingRegister) -> None:
    name = f"log/{bundle_path(0)}"
    register.files[name] = flipped(register.files[name])
    for finding in checked(register).faults.first.values():
        assert said(finding).zh
        assert said(finding).en
