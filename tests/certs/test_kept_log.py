"""A log that was kept when it was read before: it answers as one that is read now, and damage to it never does."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import pytest
from bundle_folder import BundleFolder, bundle_place, certificate
from kept_log import Keepsake
from merkle_reference import mth

from certs.complete_log import CompleteLog, KeptLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint

START = 1_795_154_400_000


def digest(index: int) -> bytes:
    return hashlib.sha256(b"%d" % index).digest()


def mixed(index: int) -> bytes:
    """Certificates, clock entries, and a status change of every certificate much later."""
    if index % 5 == 0:
        return struct.pack(">BQ", 0, START + index)
    if index > 500 and index % 5 == 1:
        return struct.pack(">BQ", 2, START + index) + digest(index - 500) + bytes(18)
    return certificate(digest(index), START + index)


ENTRIES = [mixed(index) for index in range(1100)]


def checkpoint(size: int) -> TrustedCheckpoint:
    return TrustedCheckpoint(size, mth(ENTRIES[:size]), ())


def opened(kept: KeptLog, size: int = 1100) -> tuple[CompleteLog, BundleFolder]:
    folder = BundleFolder()
    folder.publish(ENTRIES[:size])
    log = CompleteLog(folder.read, kept)
    log.advance(checkpoint(size))
    return log, folder


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        call()
    return str(refused.value)


def answers(log: CompleteLog) -> tuple[object, ...]:
    about = [log.entries_about(digest(index), log.size) for index in range(1100)]
    entries = [log.entry(index) for index in range(log.size)]
    return log.size, log.root, log.newest_at, entries, about, [log.root_at(size) for size in range(0, log.size, 7)]


def test_it_answers_as_a_log_that_was_read_now() -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    log.advance(folder.publish(ENTRIES))
    assert answers(opened(Keepsake(ENTRIES).kept())[0]) == answers(log)


def test_only_what_is_new_is_read() -> None:
    _, folder = opened(Keepsake(ENTRIES[:900]).kept())
    assert folder.asked == [bundle_place(3, 256), bundle_place(4, 76)]


@pytest.mark.parametrize("size", [768, 769, 1023, 1024])
def test_it_may_know_more_than_the_checkpoint_covers(size: int) -> None:
    kept = Keepsake(ENTRIES).kept().up_to(size)
    assert kept.size == size - size % 256
    log, _ = opened(kept, size)
    folder = BundleFolder()
    other = CompleteLog(folder.read)
    other.advance(folder.publish(ENTRIES[:size]))
    assert answers(log) == answers(other)


def test_what_is_of_another_log_leads_to_no_checkpoint() -> None:
    other = [certificate(digest(index + 5000), START + index) for index in range(1100)]
    assert refusal(lambda: opened(Keepsake(other).kept())) == "log_entries_differ"


@pytest.mark.parametrize("tile", range(4))
def test_a_root_that_was_changed_leads_to_no_checkpoint(tile: int) -> None:
    kept = Keepsake(ENTRIES).kept()
    roots = list(kept.tile_roots)
    roots[tile] = bytes(32)
    assert refusal(lambda: opened(kept._replace(tile_roots=roots))) == "log_entries_differ"


@pytest.mark.parametrize("part", ["a crown", "a slot", "no block", "another tile's block"])
def test_a_damaged_block_is_reported_and_the_bundle_read(part: str) -> None:
    keepsake = Keepsake(ENTRIES)
    log, folder = opened(keepsake.kept())
    assert keepsake.damages == 0
    block = keepsake.blocks[1]
    at = 512 + (len(block) - 512) // 128 * 22 + 100  # in the slot of entries 44 and 45
    keepsake.blocks[1] = {
        "a crown": bytes([block[0] ^ 1]) + block[1:],
        "a slot": block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :],
        "no block": b"",
        "another tile's block": keepsake.blocks[2],
    }[part]
    folder.asked.clear()
    assert log.entry(256 + 44) == ENTRIES[256 + 44]
    assert (keepsake.damages, folder.asked) == (1, [bundle_place(1, 256)])
    folder.files.clear()
    assert log.entry(256 + 44) == ENTRIES[256 + 44]  # the bundle is known now
    assert refusal(lambda: (keepsake.blocks.__setitem__(2, b""), log.entry(600))) == "log_unavailable"


def test_nothing_is_said_to_be_missing_where_a_page_is_damaged() -> None:
    keepsake = Keepsake(ENTRIES)
    kept = keepsake.kept()
    [segment] = kept.segments
    records = bytearray(segment.records.tobytes())
    records[64 * 8 * 3] ^= 1
    damaged = segment._replace(records=memoryview(bytes(records)).cast("Q"))
    log, _ = opened(kept._replace(segments=(damaged,)))
    found = {}
    for index in range(1100, 1400):  # none of these was ever logged
        try:
            assert log.entries_about(digest(index), 1100) == []
        except KezhengError as error:
            found[index] = error.code
    assert set(found.values()) == {"log_unavailable"}
    assert keepsake.damages == len(found) > 0


# --- the same log, read otherwise


def test_a_log_goes_on_with_what_was_kept_of_it() -> None:
    log, folder = opened(Keepsake([]).kept(), 700)
    other = CompleteLog(folder.read, Keepsake(ENTRIES).kept())
    folder.publish(ENTRIES)
    other.advance(checkpoint(1100))
    assert other.continues(log)
    log.take_over(other)
    assert answers(log) == answers(other)


def test_another_log_and_a_smaller_one_continue_nothing() -> None:
    log, _ = opened(Keepsake(ENTRIES).kept())
    earlier, _ = opened(Keepsake(ENTRIES).kept().up_to(900), 900)
    assert not earlier.continues(log)
    assert log.continues(earlier)
    forked = [*ENTRIES[:10], certificate(b"\xee" * 32, START + 10), *ENTRIES[11:]]
    folder = BundleFolder()
    other = CompleteLog(folder.read)
    other.advance(folder.publish(forked))
    assert not other.continues(earlier)
    assert other.continues(CompleteLog(folder.read))


def test_the_last_kept_entry_bounds_the_times_that_follow() -> None:
    late = [*ENTRIES[:1024], certificate(digest(1), START + 1)]
    folder = BundleFolder()
    grown = folder.publish(late)
    log = CompleteLog(folder.read, Keepsake(ENTRIES[:1024]).kept())
    assert refusal(lambda: log.advance(grown)) == "log_time_decreases"
