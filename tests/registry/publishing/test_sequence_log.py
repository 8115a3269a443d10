"""Appending with the time that nothing contradicts, and publishing exactly what was committed."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_desk import NOW, ORIGIN, LogDesk, bodies, open_desk, superfluous
from sqlalchemy import text

from certs.errors import KezhengError
from certs.log_entry import EntryKind, LogBody, certificate_body, clock_body, read_entry
from certs.timestamps import ms_of
from certs.tlog.merkle import leaf_hash, verify_inclusion
from certs.tlog.note import Note, NoteSignature, decode_vkey, format_note, parse_note
from certs.tlog.tile_reader import TileReader
from registry.publishing.log_folder import publish_checkpoint, read_log_file, write_files
from registry.publishing.log_place import LogPlace
from registry.publishing.sequence_log import append_entries, clock_entry_is_due, publish_log, rebuild_log
from registry.store.engine import WriteTransaction
from registry.store.log_store import entries_between, read_tree

MS = timedelta(milliseconds=1)


def file_times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_what_was_appended_is_published(log_desk: LogDesk) -> None:
    appended = log_desk.append(3)
    assert (appended.first_index, appended.at) == (0, NOW.replace(microsecond=123_000))
    assert not log_desk.folder.exists()
    log_desk.publish()
    published = log_desk.published()
    assert published.size == 3
    assert published.root == log_desk.tree().root
    assert [read_entry(entry).body for entry in published.entries] == [body.body for body in bodies(0, 3)]
    assert [made.name for made in published.opened.cosigned] == [f"{ORIGIN}/cosigner"]
    assert [(sig.name) for sig in published.opened.note.signatures] == [ORIGIN, f"{ORIGIN}/cosigner"]


def test_the_keys_lie_beside_the_checkpoint(log_desk: LogDesk) -> None:
    log_desk.append()
    log_desk.publish()
    for name, key in (("log.vkey", log_desk.signers.log_key), ("cosigner.vkey", log_desk.signers.cosigner_key)):
        content = read_log_file(log_desk.folder, name)
        assert content is not None
        assert decode_vkey(content.decode("ascii").strip()) == key


@pytest.mark.parametrize(
    "steps", [(1, 254, 1, 1), (256, 256, 1), (100, 400, 12), (65_535, 2), (65_536, 1, 700), (1, 131_072)]
)
def test_every_size_is_published_whole(log_desk: LogDesk, steps: tuple[int, ...]) -> None:
    size = 0
    for count in steps:
        assert log_desk.append(count).first_index == size
        log_desk.publish()
        size += count
        published = log_desk.published()
        assert (published.size, published.root) == (size, log_desk.tree().root)
        assert superfluous(log_desk.folder) == []
    assert [made.size for made in log_desk.signer.signed()] == [sum(steps[: end + 1]) for end in range(len(steps))]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(1, 600), st.booleans()), max_size=6))
def test_any_rhythm_gives_the_same_log(
    empty_register: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("rhythm")
    shutil.copy(empty_register, folder / "register.db")
    desk = open_desk(f"sqlite:///{folder / 'register.db'}", folder / "log")
    for count, published in [*steps, (1, True)]:
        desk.append(count)
        if published:
            desk.publish()
    found = desk.published()
    desk.store.close()
    total = sum(count for count, _ in steps) + 1
    assert [read_entry(entry).body for entry in found.entries] == [body.body for body in bodies(0, total)]
    shutil.rmtree(folder)


def test_nothing_new_is_signed_and_written_again(log_desk: LogDesk) -> None:
    log_desk.append(300)
    log_desk.publish()
    before = file_times(log_desk.folder)
    log_desk.publish()
    assert file_times(log_desk.folder) == before
    assert len(log_desk.signer.signed()) == 1


def test_an_empty_log_has_no_checkpoint(log_desk: LogDesk) -> None:
    log_desk.publish()
    assert not log_desk.folder.exists()
    assert log_desk.signer.signed() == []


def test_no_entries_change_nothing(log_desk: LogDesk) -> None:
    log_desk.append(2)
    before = log_desk.tree()
    with log_desk.store.transaction() as tx:
        assert append_entries(tx, [], NOW, place=log_desk.place) == (2, NOW)
    assert log_desk.tree() == before


def test_entries_of_one_transaction_follow_each_other(log_desk: LogDesk) -> None:
    with log_desk.store.transaction() as tx:
        first = append_entries(tx, bodies(0, 300), NOW, place=log_desk.place)
        second = append_entries(tx, [clock_body()], NOW + MS, place=log_desk.place)
    assert (first.first_index, second.first_index, second.at - first.at) == (0, 300, MS)
    log_desk.publish()
    newest = read_entry(log_desk.published().entries[-1])
    assert (newest.kind, newest.logged_at) == (EntryKind.CLOCK, second.at)


def test_what_is_rolled_back_was_never_logged(log_desk: LogDesk) -> None:
    log_desk.append(255)
    before = log_desk.tree()
    with pytest.raises(ZeroDivisionError), log_desk.store.transaction() as tx:
        append_entries(tx, bodies(1_000, 1_300), NOW, place=log_desk.place)
        raise ZeroDivisionError
    assert log_desk.tree() == before
    log_desk.append(2)
    log_desk.publish()
    assert [read_entry(entry).body for entry in log_desk.published().entries] == [b.body for b in bodies(0, 257)]


def test_an_envelope_is_logged_once(log_desk: LogDesk) -> None:
    log_desk.append(3)
    before = log_desk.tree()
    with pytest.raises(KezhengError, match=r"^already_logged$"), log_desk.store.transaction() as tx:
        append_entries(tx, bodies(2, 3), NOW, place=log_desk.place)
    assert log_desk.tree() == before


@pytest.mark.parametrize(("length", "fits"), [(65_535 - 9, True), (65_536 - 9, False)])
def test_an_entry_has_a_longest_length(log_desk: LogDesk, length: int, fits: bool) -> None:
    body = LogBody(EntryKind.APPROVAL, bytes(32), bytes(length))
    with log_desk.store.transaction() as tx:
        if not fits:
            with pytest.raises(KezhengError, match=r"^log_entry_malformed$"):
                append_entries(tx, [body], NOW, place=log_desk.place)
            assert read_tree(tx).size == 0
            return
        append_entries(tx, [body], NOW, place=log_desk.place)
    log_desk.publish()
    assert log_desk.published().size == 1


@pytest.mark.parametrize(
    ("behind_ms", "waited"), [(-1_000, None), (-1, None), (0, None), (1, 0.001), (200, 0.2), (5_000, 5.0)]
)
def test_a_clock_that_is_a_little_behind_is_waited_for(
    log_desk: LogDesk, behind_ms: int, waited: float | None
) -> None:
    newest = log_desk.append(now=NOW).at
    appended = log_desk.append(now=NOW - behind_ms * MS)
    assert log_desk.paused == ([] if waited is None else [waited])
    assert appended.at == max(newest, newest - behind_ms * MS)


@pytest.mark.parametrize(("behind_ms", "seconds"), [(5_001, 6), (10_000, 10), (86_400_000, 86_400)])
def test_a_clock_that_is_far_behind_is_refused(log_desk: LogDesk, behind_ms: int, seconds: int) -> None:
    log_desk.append(now=NOW)
    before = log_desk.tree()
    with pytest.raises(KezhengError, match=f"^log_clock_behind \\(seconds={seconds}\\)$"):
        log_desk.append(now=NOW - behind_ms * MS)
    assert log_desk.tree() == before
    assert log_desk.paused == []


def test_nothing_is_logged_before_it_was_issued(log_desk: LogDesk) -> None:
    issued = NOW + timedelta(seconds=3)
    appended = log_desk.append(now=NOW, not_before=issued)
    assert issued <= appended.at < issued + MS
    assert log_desk.paused == [pytest.approx(3.0, abs=0.001)]
    assert log_desk.append(now=NOW + timedelta(seconds=4), not_before=NOW).at >= NOW + timedelta(seconds=4) - MS
    with pytest.raises(KezhengError, match=r"^log_clock_behind"):
        log_desk.append(now=issued, not_before=issued + timedelta(seconds=5) + 2 * MS)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(skews=st.lists(st.integers(-6_000, 6_000), min_size=1, max_size=12))
def test_times_never_decrease(
    empty_register: Path, tmp_path_factory: pytest.TempPathFactory, skews: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("skew")
    shutil.copy(empty_register, folder / "register.db")
    desk = open_desk(f"sqlite:///{folder / 'register.db'}", folder / "log")
    for skew in skews:
        try:
            appended = desk.append(now=NOW + skew * MS)
        except KezhengError as error:
            assert error.code == "log_clock_behind"
            assert desk.tree().newest_ms - ms_of(NOW + skew * MS) > 5_000
        else:
            assert appended.at >= (NOW + skew * MS) - MS
    with desk.store.reading() as tx:
        times = [read_entry(entry).logged_ms for entry in entries_between(tx, 0, 100)]
    desk.store.close()
    assert times == sorted(times)


@pytest.mark.parametrize(("age", "is_due"), [(-1, False), (0, True), (1, True)])
def test_a_clock_entry_is_due_before_an_hour_is_over(log_desk: LogDesk, age: int, is_due: bool) -> None:
    with log_desk.store.reading() as tx:
        assert clock_entry_is_due(tx, NOW)
    newest = log_desk.append().at
    with log_desk.store.reading() as tx:
        assert clock_entry_is_due(tx, newest + timedelta(minutes=55, seconds=age)) is is_due


def test_an_entry_that_came_meanwhile_is_signed_too(
    log_desk: LogDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between writing tiles and signing another process appends: one signature, of the tree that is committed."""
    other = open_desk(log_desk.url, tmp_path / "other")
    begin = log_desk.store.transaction

    def after_another() -> AbstractContextManager[WriteTransaction]:
        if other.tree().size == 300:
            other.append(400)
        return begin()

    log_desk.append(300)
    monkeypatch.setattr(log_desk.store, "transaction", after_another)
    log_desk.publish()
    other.store.close()
    assert log_desk.published().size == 700
    assert superfluous(log_desk.folder) == []
    assert [made.size for made in log_desk.signer.signed()] == [700]


def test_a_note_that_was_signed_and_not_published_is_published(log_desk: LogDesk) -> None:
    log_desk.append(10)
    log_desk.publish()
    note = log_desk.published().note
    (log_desk.folder / "checkpoint").unlink()
    log_desk.publish()
    assert log_desk.published().note == note
    assert len(log_desk.signer.signed()) == 1


def test_lines_of_witnesses_stay(log_desk: LogDesk) -> None:
    log_desk.append()
    log_desk.publish()
    note = parse_note(log_desk.published().note)
    more = format_note(Note(note.text, (*note.signatures, NoteSignature("w.example", b"1234", bytes(72)))))
    write_files(log_desk.folder, {"checkpoint": more})
    log_desk.publish()
    assert read_log_file(log_desk.folder, "checkpoint") == more
    log_desk.append()
    log_desk.publish()
    assert log_desk.published().size == 2


def test_a_checkpoint_is_never_replaced_by_a_smaller_one(log_desk: LogDesk) -> None:
    notes = []
    for _ in range(3):
        log_desk.append()
        log_desk.publish()
        notes.append(log_desk.published().note)
    for older in notes[:2]:
        with pytest.raises(KezhengError, match=r"^log_rollback"):
            publish_checkpoint(log_desk.folder, older)
    assert log_desk.published().note == notes[2]


def test_everything_can_be_rebuilt(log_desk: LogDesk) -> None:
    log_desk.append(66_000)
    log_desk.publish()
    before = {name: read_log_file(log_desk.folder, name) for name in file_times(log_desk.folder)}
    shutil.rmtree(log_desk.folder / "tile")
    shutil.rmtree(log_desk.folder / "index")
    rebuild_log(log_desk.store, log_desk.place, log_desk.signers)
    assert {name: read_log_file(log_desk.folder, name) for name in file_times(log_desk.folder)} == before
    assert None not in before.values()
    assert len(log_desk.signer.signed()) == 1


def test_another_machine_publishes_the_same_files(log_desk: LogDesk, tmp_path: Path) -> None:
    log_desk.append(400)
    log_desk.publish()
    other = LogPlace(tmp_path / "other")
    publish_log(log_desk.store, other, log_desk.signers)
    files = file_times(log_desk.folder).keys()
    assert files == file_times(other.folder).keys()
    assert all(read_log_file(log_desk.folder, name) == read_log_file(other.folder, name) for name in files)
    assert len(log_desk.signer.signed()) == 1


@pytest.mark.parametrize("damage", ["UPDATE log_tree SET root = zeroblob(32)", "UPDATE log_entry SET entry = x'00'"])
def test_a_tree_that_its_entries_do_not_give_is_refused(log_desk: LogDesk, damage: str, tmp_path: Path) -> None:
    log_desk.append(10)
    with log_desk.store.transaction() as tx:
        tx.connection.execute(text(damage))
    other = open_desk(log_desk.url, tmp_path / "other")
    with pytest.raises(KezhengError, match=r"^log_damaged$"):
        other.append()
    other.store.close()


def test_only_files_of_a_log_are_read(log_desk: LogDesk, tmp_path: Path) -> None:
    log_desk.append(257)
    log_desk.publish()
    (tmp_path / "secret").write_text("secret")
    (log_desk.folder / "other").write_text("secret")
    assert read_log_file(log_desk.folder, "tile/0/000") is not None
    assert read_log_file(log_desk.folder, "tile/entries/001.p/1") is not None
    outside = ("../secret", "other", "/etc/passwd", "tile/0/../0/000", "tile", "tile/0", "checkpoint\n", "")
    for path in (*outside, "index/0", "tile/0/001"):
        assert read_log_file(log_desk.folder, path) is None
    assert read_log_file(tmp_path / "none", "checkpoint") is None
    assert read_log_file(tmp_path / "secret", "checkpoint") is None


def test_a_second_process_continues(log_desk: LogDesk) -> None:
    """What one process remembers is not used once another one has appended."""
    other = open_desk(log_desk.url, log_desk.folder)
    for count in (1, 255, 300):
        log_desk.append(count)
        log_desk.publish()
        other.append(count)
        other.publish()
    assert log_desk.published().size == 2 * 556
    other.store.close()


def test_entries_are_proved_from_the_folder(log_desk: LogDesk) -> None:
    """Also to the holder of an older checkpoint, whose partial tiles have given way to full ones."""
    log_desk.append(300)
    log_desk.publish()
    old = log_desk.published()
    log_desk.append(66_000)
    log_desk.publish()
    for known in (old, log_desk.published()):
        reader = TileReader(known.size, known.root, partial(read_log_file, log_desk.folder))
        for index in (0, 255, 256, known.size - 1):
            assert reader.entry(index) == known.entries[index]
            leaf = leaf_hash(known.entries[index])
            verify_inclusion(leaf, index, known.size, reader.inclusion_proof(index), known.root)


def test_a_certificate_is_found_at_its_place(log_desk: LogDesk) -> None:
    log_desk.append(5)
    kid, digest = b"kid no 2", b"d" * 32
    with log_desk.store.transaction() as tx:
        appended = append_entries(tx, [certificate_body(kid, digest)], NOW, place=log_desk.place)
        entry = read_entry(entries_between(tx, appended.first_index, appended.first_index + 1)[0])
    assert (entry.kind, entry.body, entry.logged_at) == (EntryKind.CERTIFICATE, kid + digest, appended.at)
