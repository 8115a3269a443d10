"""A log read whole: growing step by step it is the log read at once, and nothing in it is believed twice."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from bundle_folder import BundleFolder, bundle_of, bundle_place, certificate
from hypothesis import given, settings
from hypothesis import strategies as st
from merkle_reference import mth

from certs.complete_log import CompleteLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint

START = 1_795_154_400_000


def digest(index: int) -> bytes:
    return hashlib.sha256(b"%d" % index).digest()


def mixed(index: int) -> bytes:
    """Entries of every kind, among them kinds that are not known yet; certificates every third time."""
    head = struct.pack(">Q", START + index // 2)
    other = {1: b"\x00" + head, 2: b"\xfe" + head + b"anything", 4: b"\x05" + head + digest(index)}.get(index % 6)
    return other or certificate(digest(index), START + index // 2)


ENTRIES = [mixed(index) for index in range(600)]
ROOTS = [mth(ENTRIES[:size]) for size in range(601)]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        call()
    return str(refused.value)


def read_at_once(entries: list[bytes]) -> tuple[CompleteLog, BundleFolder]:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    log.advance(folder.publish(entries))
    return log, folder


def everything(log: CompleteLog) -> tuple[object, ...]:
    """All that a log answers."""
    about = [log.entries_about(digest(index), log.size) for index in range(600)]
    roots = [log.root_at(size) for size in range(log.size + 1)]
    return log.size, log.newest_at, [log.entry(index) for index in range(log.size)], about, roots


# --- growing


def test_growing_entry_by_entry_is_reading_at_once() -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    for size in range(1, 601):
        folder.publish(ENTRIES[:size])
        log.advance(TrustedCheckpoint(size, ROOTS[size], ()))
        assert log.size == size
        assert log.newest_at == datetime.fromtimestamp(START // 1000, UTC) + timedelta(milliseconds=(size - 1) // 2)
        assert log.root_at(size) == ROOTS[size]
        assert log.entry(size - 1) == ENTRIES[size - 1]
    assert everything(log) == everything(read_at_once(ENTRIES)[0])


@given(st.lists(st.integers(1, 600), min_size=1, max_size=6).map(sorted))
@settings(max_examples=25)
def test_any_steps_lead_to_the_same_log(steps: list[int]) -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    for size in steps:
        folder.publish(ENTRIES[:size])
        log.advance(TrustedCheckpoint(size, ROOTS[size], ()))
    size = steps[-1]
    assert (log.size, [log.entry(index) for index in range(size)]) == (size, ENTRIES[:size])
    found = {index for index in range(600) if log.entries_about(digest(index), size)}
    assert found == {index for index in range(size) if index % 6 in (0, 3, 4, 5)}


def test_the_root_of_every_earlier_size_is_that_of_the_rfc() -> None:
    log, _ = read_at_once(ENTRIES)
    assert [log.root_at(size) for size in range(601)] == ROOTS


def test_the_same_checkpoint_again_reads_no_more_than_the_last_bundle() -> None:
    log, folder = read_at_once(ENTRIES)
    before = everything(log)
    folder.asked.clear()
    log.advance(TrustedCheckpoint(600, ROOTS[600], ()))
    assert set(folder.asked) <= {bundle_place(2, 88)}
    assert everything(log) == before


def test_a_new_checkpoint_costs_its_new_entries_only() -> None:
    log, folder = read_at_once(ENTRIES[:520])
    folder.publish(ENTRIES)
    folder.asked.clear()
    log.advance(TrustedCheckpoint(600, ROOTS[600], ()))
    assert folder.asked == [bundle_place(2, 88)]


def test_an_empty_log_knows_nothing() -> None:
    log = CompleteLog(BundleFolder().read)
    assert (log.size, log.root_at(0), log.entries_about(digest(0), 0)) == (0, ROOTS[0], [])


# --- bundles that are missing, replaced or altered


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_bundle_says_nothing_about_any_entry(missing: int) -> None:
    folder = BundleFolder()
    checkpoint = folder.publish(ENTRIES)
    whole = dict(folder.files)
    del folder.files[bundle_place(missing, 88 if missing == 2 else 256)]
    log = CompleteLog(folder.read)
    assert refusal(lambda: log.advance(checkpoint)) == "log_unavailable"
    assert log.size == 0
    folder.files = whole
    log.advance(checkpoint)
    assert everything(log) == everything(read_at_once(ENTRIES)[0])


def test_a_partial_bundle_gives_way_to_the_full_one() -> None:
    folder = BundleFolder()
    folder.publish(ENTRIES)
    log = CompleteLog(folder.read)
    for size in (1, 100, 255, 256):  # checkpoints that a reader meets late: their partial bundles are gone
        log.advance(TrustedCheckpoint(size, ROOTS[size], ()))
        assert [log.entry(index) for index in range(size)] == ENTRIES[:size]
    assert bundle_place(0, 100) in folder.asked


def test_entries_of_a_partial_bundle_are_found_again_in_the_full_one() -> None:
    log, folder = read_at_once(ENTRIES[:100])
    folder.publish(ENTRIES)
    assert log.entry(99) == ENTRIES[99]
    assert folder.asked[-2:] == [bundle_place(0, 100), bundle_place(0, 256)]


def test_a_partial_bundle_is_never_taken_for_a_full_one() -> None:
    folder = BundleFolder()
    checkpoint = folder.publish(ENTRIES[:256])
    folder.files = {bundle_place(0, 255): bundle_of(ENTRIES[:255])}
    assert refusal(lambda: CompleteLog(folder.read).advance(checkpoint)) == "log_unavailable"


def altered_bundles(part: list[bytes]) -> dict[str, bytes]:
    whole = bundle_of(part)
    return {
        "a bit of a digest": whole[:-1] + bytes([whole[-1] ^ 1]),
        "two entries in each other's place": bundle_of([part[1], part[0], *part[2:]]),
        "cut": whole[:-1],
        "one byte more": whole + b"\x00",
        "one entry more": bundle_of([*part, part[-1]]),
        "one entry less": bundle_of(part[:-1]),
        "empty": b"",
        "another length": b"\xff\xff" + whole[2:],
    }


PART = ENTRIES[512:]


@pytest.mark.parametrize("name", altered_bundles(PART))
def test_an_altered_bundle_is_no_entry_of_the_log(name: str) -> None:
    folder = BundleFolder()
    checkpoint = folder.publish(ENTRIES)
    folder.files[bundle_place(2, 88)] = altered_bundles(PART)[name]
    log = CompleteLog(folder.read)
    assert refusal(lambda: log.advance(checkpoint)) == "log_entries_differ"
    assert log.size == 0


@pytest.mark.parametrize("name", altered_bundles(PART))
@pytest.mark.parametrize("size", [512, 600])
def test_a_bundle_altered_after_it_was_read_is_found_when_it_is_asked_for(name: str, size: int) -> None:
    log, folder = read_at_once(ENTRIES[:size])
    part = ENTRIES[256:512] if size == 512 else PART
    place = bundle_place(1, 256) if size == 512 else bundle_place(2, 88)
    whole = folder.files[place]
    folder.files[place] = altered_bundles(part)[name]
    certified = size - 1 - (size - 1) % 3  # the last certificate
    assert refusal(lambda: log.entry(size - 1)) == "log_entries_differ"
    assert refusal(lambda: log.entries_about(digest(certified), size)) == "log_entries_differ"
    assert refusal(lambda: log.root_at(size - 1)) == "log_entries_differ"
    folder.files[place] = whole
    assert log.entry(size - 1) == ENTRIES[size - 1]
    assert [index for index, _ in log.entries_about(digest(certified), size)] == [certified]


def test_a_bundle_that_went_missing_after_it_was_read() -> None:
    log, folder = read_at_once(ENTRIES)
    folder.files.clear()
    assert refusal(lambda: log.entry(599)) == "log_unavailable"
    assert refusal(lambda: log.entries_about(digest(0), 600)) == "log_unavailable"
    assert log.entries_about(digest(1), 600) == []  # nothing of it was ever there: no file is needed to know


def test_the_log_may_grow_while_somebody_asks() -> None:
    """The site asks in one thread and follows in another: a bundle may become full between two steps of an answer."""
    folder = BundleFolder()
    grown = False

    def grow(path: str) -> bytes | None:
        nonlocal grown
        content = folder.read(path)
        if log.size == 100 and not grown:
            grown = True
            folder.publish(ENTRIES)
            log.advance(TrustedCheckpoint(600, ROOTS[600], ()))
        return content

    log = CompleteLog(grow)
    log.advance(folder.publish(ENTRIES[:100]))
    assert log.entries_about(digest(99), 100) == [(99, ENTRIES[99])]
    assert (grown, log.size) == (True, 600)


# --- checkpoints that do not fit


def test_a_smaller_checkpoint_is_a_step_back() -> None:
    log, folder = read_at_once(ENTRIES)
    folder.publish(ENTRIES[:599])
    checkpoint = TrustedCheckpoint(599, ROOTS[599], ())
    assert refusal(lambda: log.advance(checkpoint)) == "log_rolled_back (size=599, known=600)"
    assert log.size == 600


@pytest.mark.parametrize("size", [300, 512, 513, 600])
def test_another_history_is_not_taken_in(size: int) -> None:
    log, folder = read_at_once(ENTRIES[:300])
    known = everything(log)
    other = [*ENTRIES[:10], certificate(b"\xee" * 32, START + 5), *ENTRIES[11:size]]
    honest = dict(folder.files)
    checkpoint = folder.publish(other)
    assert refusal(lambda: log.advance(checkpoint)) == "log_entries_differ"
    folder.files = honest
    assert everything(log) == known


@pytest.mark.parametrize("known", [0, 5, 256, 299])
def test_one_decreasing_time_anywhere_refuses_the_log(known: int) -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    if known:
        log.advance(folder.publish(ENTRIES[:known]))
    bad = [*ENTRIES[:299], certificate(digest(299), START + 148), *ENTRIES[300:310]]
    checkpoint = folder.publish(bad)
    assert int.from_bytes(ENTRIES[298][1:9], "big") == START + 149
    assert refusal(lambda: log.advance(checkpoint)) == "log_time_decreases"
    assert log.size == known
    folder.publish([*ENTRIES[:299], certificate(digest(299), START + 149), *ENTRIES[300:310]])
    good = TrustedCheckpoint(310, ROOTS[310], ())
    log.advance(good)
    assert log.size == 310


@pytest.mark.parametrize("entry", [b"", b"\x00", b"\x01" + bytes.fromhex("000001a1f78a53"), b"\x00" + b"\xff" * 8])
def test_an_entry_without_kind_and_time_refuses_the_log_and_leaves_nothing(entry: bytes) -> None:
    """A stolen log key may sign such a tree; a site that looks twice a second must not grow by it."""
    log, folder = read_at_once(ENTRIES[:100])
    known = everything(log)
    checkpoint = folder.publish([*ENTRIES[:200], entry])
    for _ in range(3):
        assert refusal(lambda: log.advance(checkpoint)) in ("log_entry_malformed", "log_time_decreases")
    folder.publish(ENTRIES[:100])
    assert everything(log) == known
    log.advance(folder.publish(ENTRIES))
    assert everything(log) == everything(read_at_once(ENTRIES)[0])


# --- finding by digest


def test_digests_that_begin_alike_are_told_apart() -> None:
    """What is kept of a digest is eight bytes; whoever grinds for a collision finds his own entry only."""
    victim = b"\xaa" * 8 + b"\x01" * 24
    twins = [b"\xaa" * 8 + bytes([last]) * 24 for last in range(2, 6)]
    entries = [certificate(found, START + index) for index, found in enumerate([*twins, victim, *twins])]
    log, _ = read_at_once(entries)
    assert log.entries_about(victim, 9) == [(4, entries[4])]
    assert [index for index, _ in log.entries_about(twins[0], 9)] == [0, 5]
    assert log.entries_about(b"\xaa" * 32, 9) == []


def test_entries_about_a_digest_come_in_order_and_end_with_the_size() -> None:
    """A status change, a second certificate entry, and a data file with the same digest: each with its kind."""
    subject = digest(7)
    head = [struct.pack(">BQ", kind, START + kind) for kind in (1, 2, 6)]
    entries = [head[0] + b"k" * 8 + subject, head[1] + subject + bytes(18), head[2] + subject]
    entries.append(struct.pack(">BQ", 0, START + 9) + subject)  # a clock entry has no subject, whatever follows it
    log, _ = read_at_once(entries)
    for size in range(5):
        assert [index for index, _ in log.entries_about(subject, size)] == list(range(min(size, 3)))


def test_a_digest_inside_another_kind_of_entry_is_not_found() -> None:
    hidden = digest(1)
    entries = [
        struct.pack(">BQ", 1, START) + hidden[:8] + hidden[8:] + bytes(8),  # 8 bytes too early
        struct.pack(">BQ", 1, START) + b"k" * 8 + hidden + b"\x00",  # one byte too long
        struct.pack(">BQ", 8, START) + hidden,  # a kind to come
        struct.pack(">BQ", 3, START) + hidden + digest(2),  # where a listing has its institution
    ]
    log, _ = read_at_once(entries)
    assert log.entries_about(hidden, 4) == []
    assert [index for index, _ in log.entries_about(digest(2), 4)] == [3]
