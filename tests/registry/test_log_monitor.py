"""Watching a register: histories that differ, times, counts of each institution's certificates."""

from __future__ import annotations

import copy
import hashlib
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from growing_register import GrowingRegister, register_of_two
from hypothesis import given, settings
from hypothesis import strategies as st
from register_desk import Desk, people
from simulator import Key, World

from certs.delegation import LogKey
from certs.errors import KezhengError
from certs.evidence import TRUST_LIST_FILE
from certs.log_entry import EntryKind, KeyAct, certificate_body, clock_body, entry_bytes, key_body
from certs.timestamps import ms_of
from certs.tlog.note import ED25519, NoteKey, parse_note
from certs.tlog.tiles import bundle_path, tile_path
from certs.trust_list import PinnedTree
from registry.home import open_home
from registry.log_monitor import FUTURE_TOLERANCE, STALE_AFTER, Look, Question, look
from registry.log_source import open_log_source
from registry.monitor_memory import Memory
from registry.monitor_report import look_document, look_lines
from registry.publishing.documents import published_files
from registry.publishing.static_files import write_published
from registry.settings import load_settings

SECOND = timedelta(seconds=1)


def looked(register: GrowingRegister, known: Memory | None = None, **asked: Any) -> Look:
    """One look at what is published now."""
    return look(register.source(), Question(register.root, **asked), known, register.now)


def remembered(register: GrowingRegister) -> Memory:
    """What a first look without an alarm remembers."""
    seen = looked(register)
    assert seen.alarms == ()
    assert seen.memory is not None
    return seen.memory


def codes(seen: Look) -> list[str]:
    return [alarm.code for alarm in seen.alarms]


# --- counting


def test_certificates_of_two_institutions_are_counted_exactly() -> None:
    register, first, second = register_of_two()
    register.certify(first, 3)
    register.certify(second, 260)
    register.certify(first, 2)
    register.publish()
    seen = looked(register)
    document = look_document(seen, "register", ())
    counts = {key["institution"]: key["certificates"] for key in document["keys"]}
    assert counts == {first: 5, second: 260}
    assert document["kinds"]["certificate"] == 265
    assert sum(document["kinds"].values()) == document["tree"]["size"] == document["new_entries"] == register.size


def test_every_leaf_of_a_watched_institution_is_told() -> None:
    register, first, second = register_of_two()
    register.certify(second, 2)
    digests = register.certify(first, 3)
    register.publish()
    document = look_document(looked(register, institutions=[first]), "register", [first])
    assert [leaf["envelope_digest"] for leaf in document["leaves"]] == [digest.hex() for digest in digests]
    assert {leaf["institution"] for leaf in document["leaves"]} == {first}
    assert [key["institution"] for key in document["keys"]] == [first]
    first_place = document["leaves"][0]["leaf_index"]
    assert register.log.entries[first_place][-32:] == digests[0]


def test_an_unknown_institution_cannot_be_watched() -> None:
    register, _, _ = register_of_two()
    with pytest.raises(KezhengError) as refused:
        looked(register, institutions=["P999915000001"])
    assert refused.value.code == "institution_unknown"


def test_a_second_look_counts_on_and_reads_no_old_bundle() -> None:
    register, first, second = register_of_two()
    register.certify(first, 600)
    register.publish()
    known = remembered(register)
    register.asked.clear()
    register.certify(second, 4)
    register.publish(timedelta(minutes=30))
    seen = looked(register, known, institutions=[second])
    assert (seen.alarms, seen.notices) == ((), ())
    document = look_document(seen, "register", ())
    assert {key["institution"]: key["certificates"] for key in document["keys"]} == {first: 600, second: 4}
    assert (len(document["leaves"]), document["new_entries"]) == (4, 5)
    assert [event["code"] for event in document["events"]] == ["trust_list_logged"]
    bundles = {name for name in register.asked if "entries" in name}
    assert bundles == {f"log/{bundle_path(2, register.size - 512)}"}


def test_an_unchanged_register_is_read_no_further() -> None:
    register, first, _ = register_of_two()
    register.certify(first, 300)
    register.publish()
    known = remembered(register)
    register.asked.clear()
    seen = looked(register, known)
    assert (seen.alarms, seen.memory) == ((), known)
    assert not [name for name in register.asked if "entries" in name]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=5))
@settings(max_examples=25)
def test_looks_at_any_sizes_agree_with_one_look(steps: list[int]) -> None:
    register, first, _ = register_of_two()
    known = None
    for step in steps:
        register.certify(first, step)
        register.publish(SECOND)
        seen = looked(register, known)
        assert (seen.alarms, seen.memory is None) == ((), False)
        known = seen.memory
    assert known == remembered(register)


def test_a_certificate_under_a_key_of_nobody_is_noticed() -> None:
    register, _, _ = register_of_two()
    register.enter(certificate_body(b"8 bytes.", hashlib.sha256(b"").digest()))
    register.publish()
    seen = looked(register)
    assert [(n.code, n.params) for n in seen.notices] == [("leaf_key_unknown", {"kid": b"8 bytes.".hex(), "count": 1})]


def test_events_are_told_in_words() -> None:
    register, first, _ = register_of_two()
    key = register.world.keys[first]
    known = remembered(register)
    register.enter(key_body(KeyAct.COMPROMISED, key.public_key, register.now))
    register.enter(key_body(KeyAct.ADDED, Key("nobody").public_key, register.now))
    register.publish()
    seen = looked(register, known)
    document = look_document(seen, "register", ())
    stolen, added, listed = document["events"]
    assert (stolen["code"], stolen["kid"], stolen["owner"]) == ("key_compromised", key.kid.hex(), first)
    assert (added["code"], added["owner"]) == ("key_added", "–")
    assert listed["code"] == "trust_list_logged"
    assert any("申报失窃" in line for line in look_lines(seen, document))


def test_listings_are_told() -> None:
    register, first, second = register_of_two()
    events = look_document(looked(register), "register", ())["events"]
    told = [event["institution"] for event in events if event["code"] == "listing_granted"]
    assert sorted(told) == sorted([first, second])


# --- one history


def fork_of(register: GrowingRegister) -> GrowingRegister:
    """A second history: the same entries up to now, another certificate after them."""
    other = copy.deepcopy(register)
    other.enter(certificate_body(next(iter(other.world.keys.values())).kid, hashlib.sha256(b"hidden").digest()))
    return other


def test_another_history_is_a_fork_with_its_proof() -> None:
    register, first, _ = register_of_two()
    other = fork_of(register)
    register.certify(first, 2)
    register.publish()
    known = remembered(register)
    other.certify(first, 300)
    other.world.version += 1
    other.publish()
    seen = looked(other, known)
    assert codes(seen) == ["log_forked"]
    assert seen.alarms[0].evidence == (register.note(), other.note())
    assert (seen.memory, seen.tally) == (None, None)


def test_another_root_of_the_same_size_is_a_fork() -> None:
    register, _, _ = register_of_two()
    other = fork_of(register)
    register.enter(clock_body())
    register.publish()
    other.world.version += 1
    other.publish()
    assert register.size == other.size
    assert codes(looked(other, remembered(register))) == ["log_forked"]


def test_two_monitors_of_two_histories_find_the_fork_by_gossip() -> None:
    register, first, _ = register_of_two()
    other = fork_of(register)
    register.certify(first, 5)
    register.publish()
    other.certify(first, 9)
    other.publish()
    for mine, theirs in ((register, other), (other, register)):
        alone = looked(mine)
        assert alone.alarms == ()
        together = looked(mine, alone.memory, gossip=[("theirs", theirs.note())])
        if mine.size > theirs.size:
            assert codes(together) == ["log_forked"]
            assert together.alarms[0].evidence == (theirs.note(), mine.note())
        else:
            assert [notice.code for notice in together.notices] == ["gossip_ahead"]


def test_gossip_from_ahead_waits_until_the_register_is_as_long() -> None:
    register, first, _ = register_of_two()
    other = fork_of(register)
    register.publish()
    other.certify(first, 9)
    other.publish()
    seen = looked(register, gossip=[("theirs", other.note())])
    assert seen.memory is not None
    assert seen.memory.gossip == (other.note(),)
    register.certify(first, 20)
    register.publish()
    assert codes(looked(register, seen.memory)) == ["log_forked"]


def test_gossip_of_the_same_history_is_forgotten_once_it_was_compared() -> None:
    register, first, _ = register_of_two()
    ahead = copy.deepcopy(register)
    ahead.certify(first, 3)
    ahead.publish()
    seen = looked(register, gossip=[("theirs", ahead.note())])
    assert seen.memory is not None
    later = looked(ahead, seen.memory)
    assert (later.alarms, later.notices) == ((), ())
    assert later.memory is not None
    assert later.memory.gossip == ()


def test_gossip_that_the_register_did_not_sign_is_no_alarm() -> None:
    register, _, _ = register_of_two()
    stranger, _, _ = register_of_two()
    stranger.world.log_key = Key("stranger")
    stranger.publish()
    seen = looked(register, gossip=[("theirs", stranger.note()), ("rubbish", b"rubbish")])
    assert (seen.alarms, [notice.code for notice in seen.notices]) == ((), ["gossip_untrusted"] * 2)


def test_a_register_that_went_back_is_found_out() -> None:
    register, first, _ = register_of_two()
    restored = copy.deepcopy(register)
    register.certify(first, 100)
    register.publish()
    known = remembered(register)
    restored.world.version += 5
    restored.publish()
    seen = looked(restored, known)
    assert [(alarm.code, alarm.params) for alarm in seen.alarms] == [
        ("log_rolled_back", {"size": restored.size, "known": known.size})
    ]


def test_the_memory_of_another_register_is_not_used() -> None:
    register, _, _ = register_of_two()
    with pytest.raises(KezhengError) as refused:
        looked(register, replace(remembered(register), origin="other.example.cn/2026"))
    assert refused.value.code == "monitor_memory_of_another_log"


def test_a_register_that_does_not_continue_the_listed_tree_is_forked() -> None:
    register, _, _ = register_of_two()
    register.world.pinned = PinnedTree(3, hashlib.sha256(b"another tree").digest())
    register.publish()
    assert codes(looked(register)) == ["log_forked"]


def test_a_checkpoint_before_the_listed_tree_is_behind() -> None:
    register, _, _ = register_of_two()
    older = {name: content for name, content in register.files.items() if name.startswith("log/")}
    register.fill(3)
    register.publish()
    register.files = {name: c for name, c in register.files.items() if not name.startswith("log/")} | older
    assert codes(looked(register)) == ["log_behind_list"]


def test_a_retired_log_key_pins_its_last_tree() -> None:
    register, _, _ = register_of_two()
    world = register.world
    old = NoteKey(world.log_origin, ED25519, world.log_key.public_key)
    world.log_key = Key("second log key")
    present = LogKey(NoteKey(world.log_origin, ED25519, world.log_key.public_key))
    for size, found in ((register.size, []), (register.size - 1, ["log_forked"])):
        retired = LogKey(old, size, register.log.root(register.size))
        world.log_keys = (retired, present)
        other = copy.deepcopy(register)
        other.publish()
        assert codes(looked(other)) == found


# --- files that lie


def test_a_time_that_decreases_is_an_alarm() -> None:
    register, _, _ = register_of_two()
    known = remembered(register)
    register.log.entries.append(entry_bytes(clock_body(), ms_of(register.now) + 5000))
    register.log.entries.append(entry_bytes(clock_body(), ms_of(register.now) + 4999))
    register.world.now += timedelta(seconds=6)
    register.publish()
    assert codes(looked(register, known)) == codes(looked(register)) == ["log_time_decreases"]


def test_equal_times_do_not_decrease() -> None:
    register, _, _ = register_of_two()
    register.fill(2)
    register.publish()
    assert codes(looked(register)) == []


def changed(register: GrowingRegister, name: str, content: bytes | None) -> list[str]:
    """The alarms when one file is another, or is not there."""
    files = register.files
    register.files = {n: c for n, c in files.items() if n != name} | ({} if content is None else {name: content})
    try:
        return codes(looked(register))
    finally:
        register.files = files


def test_files_that_lie_or_are_missing() -> None:
    register, first, _ = register_of_two()
    register.certify(first, 300)
    register.publish()
    bundle = f"log/{bundle_path(0)}"
    content = register.files[bundle]
    assert changed(register, bundle, content[:-1] + bytes([content[-1] ^ 1])) == ["log_entries_differ"]
    assert changed(register, bundle, content[:-1]) == ["log_tile_malformed"]
    assert changed(register, bundle, None) == ["log_unavailable"]
    assert changed(register, "log/checkpoint", None) == ["log_unavailable"]
    assert changed(register, "log/checkpoint", register.note()[:-9] + b"AAAAAAA=\n") == ["checkpoint_untrusted"]
    known = remembered(register)
    register.fill(1)
    register.publish()
    tile = f"log/{tile_path(0, 1, register.size - 256)}"
    hashes = register.files[tile]
    register.files[tile] = hashes[:-1] + bytes([hashes[-1] ^ 1])
    assert codes(looked(register, known)) == ["log_entries_differ"]
    del register.files[tile]
    assert codes(looked(register, known)) == ["log_unavailable"]


def test_a_certificate_entry_of_another_length_is_malformed() -> None:
    register, _, _ = register_of_two()
    register.log.entries.append(entry_bytes(clock_body(), ms_of(register.now))[:1] + bytes(3))
    register.publish()
    assert codes(looked(register)) == ["log_entry_malformed"]


def test_a_trust_list_that_is_not_entered_is_an_alarm() -> None:
    register, _, _ = register_of_two()
    register.world.version += 1
    token = register.world.trust_list(register.log)
    register.enter(clock_body())
    register.files[TRUST_LIST_FILE] = token
    register.publish_log()
    seen = looked(register)
    assert (codes(seen), seen.memory) == (["trust_list_not_logged"], None)


def test_a_data_file_that_is_not_entered_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    register, _, _ = register_of_two()
    digests = {"catalogue/made_up.toml": hashlib.sha256(b"made up").hexdigest()}
    monkeypatch.setattr("simulator.file_digests", lambda _: digests)
    register.publish()
    seen = looked(register)
    assert [(a.code, a.params) for a in seen.alarms] == [("data_file_not_logged", {"file": "catalogue/made_up.toml"})]


def test_a_trust_list_goes_only_forward() -> None:
    register, _, _ = register_of_two()
    known = remembered(register)
    assert codes(looked(register, replace(known, list_order=(1, 99)))) == ["trust_list_rolled_back"]
    assert codes(looked(register, replace(known, list_digest="00" * 32))) == ["trust_list_differs"]
    assert codes(looked(register, replace(known, list_order=(1, 0), list_digest="00" * 32))) == []


def test_a_trust_list_under_another_root_is_an_alarm() -> None:
    register, _, _ = register_of_two()
    seen = look(register.source(), Question(World(root=Key("other root")).root_key()), None, register.now)
    assert (codes(seen), seen.publication) == (["trust_list_unsigned"], None)
    assert look_document(seen, "register", ())["tree"] is None
    assert changed(register, TRUST_LIST_FILE, None) == ["trust_list_unavailable"]


# --- age


@pytest.mark.parametrize(("lapse", "found"), [(-SECOND, []), (timedelta(0), []), (SECOND, ["log_stale"])])
def test_a_silent_register_is_stale(lapse: timedelta, found: list[str]) -> None:
    register, _, _ = register_of_two()
    register.world.now += STALE_AFTER + lapse
    seen = looked(register)
    assert codes(seen) == found
    assert seen.memory is not None  # silence says nothing against the history


@pytest.mark.parametrize(("lapse", "found"), [(SECOND, []), (timedelta(0), []), (-SECOND, ["log_time_ahead"])])
def test_a_register_from_the_future(lapse: timedelta, found: list[str]) -> None:
    register, _, _ = register_of_two()
    register.world.now += lapse - FUTURE_TOLERANCE
    assert codes(looked(register)) == found


@pytest.mark.parametrize(("lapse", "found"), [(-SECOND, []), (timedelta(0), ["trust_list_stale"])])
def test_a_trust_list_ends(lapse: timedelta, found: list[str]) -> None:
    register, _, _ = register_of_two()
    trust = looked(register).publication
    assert trust is not None
    register.world.now = trust.trust.expires_at + lapse
    seen = looked(register, stale_after=timedelta(days=99))
    assert codes(seen) == found


def test_a_quorum_is_not_asked_of_a_monitor() -> None:
    register, _, _ = register_of_two()
    witness = NoteKey("witness.example/w1", 4, Key("witness").public_key)
    register.world.witnesses, register.world.quorum = (witness,), 1
    register.publish()
    assert looked(register).alarms == ()
    assert len(parse_note(register.note()).signatures) == 2
    assert EntryKind.CLOCK in looked(register).memory.kinds  # type: ignore[union-attr]


# --- a real home


def published_look(desk: Desk, folder: Path, known: Memory | None) -> Look:
    """A look at what a home publishes now."""
    with desk.home.store.reading() as tx:
        files, root = published_files(tx), desk.home.own_root(tx)
    write_published(folder, files, desk.home.settings.log_folder)
    with open_log_source(str(folder)) as source:
        return look(source, Question(root), known, desk.now)


def test_certificates_of_a_home_with_two_institutions_are_counted_exactly(desk: Desk, tmp_path: Path) -> None:
    first, second = "P000115000001", "P000215000002"
    desk.certify(people(1, 2, 3), first)
    seen = published_look(desk, tmp_path / "public", None)
    desk.certify(people(4, 5), second)
    desk.certify(people(6), first)
    seen = published_look(desk, tmp_path / "public", seen.memory)
    assert (seen.alarms, seen.notices) == ((), ())
    keys = look_document(seen, "home", ())["keys"]
    assert {key["institution"]: key["certificates"] for key in keys} == {first: 4, second: 2, "T000115000001": 0}


def test_a_home_that_was_restored_with_its_files_is_found_out(desk: Desk, home_folder: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(home_folder, backup)
    desk.certify(people(1, 2), "P000115000001")
    known = published_look(desk, tmp_path / "public", None).memory
    with open_home(load_settings(backup, {}), {}) as restored:
        again = Desk(restored)
        assert codes(published_look(again, tmp_path / "again", known)) == ["log_rolled_back"]
        again.certify(people(7, 8, 9), "P000115000001")
        assert codes(published_look(again, tmp_path / "again", known)) == ["log_forked"]
