"""A register at one checkpoint, held against the tree that a trust list pins; what it covers, and what grows on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bundle_folder import BundleFolder, certificate
from merkle_reference import mth
from note_lines import log_line, note_of, text_of, witness_line
from simulator import Key, World

from certs.complete_log import CompleteLog
from certs.errors import KezhengError
from certs.log_snapshot import LogSnapshot, check_pinned, open_published_log, open_snapshot
from certs.tlog.note import ED25519_COSIGNATURE, NoteKey
from certs.trust_list import PinnedTree, TrustList, open_trust_list

START = 1_795_154_400_000
NEWEST = datetime(2026, 11, 20, 6, 0, 0, 599_000, tzinfo=UTC)
MS = timedelta(milliseconds=1)
ENTRIES = [certificate(index.to_bytes(32, "big"), START + index) for index in range(600)]
OTHER = [*ENTRIES[:100], certificate(b"\xee" * 32, START + 100), *ENTRIES[101:]]
WORLD = World()
TRUST = open_trust_list(WORLD.trust_list(), WORLD.root_key())
WITNESS = Key("witness")


def trust(size: int, root: bytes | None = None) -> TrustList:
    """A trust list that pins a tree."""
    return replace(TRUST, pinned=PinnedTree(size, mth(ENTRIES[:size]) if root is None else root))


def note(entries: list[bytes], key: Key = WORLD.log_key, *lines: str) -> bytes:
    text = text_of(WORLD.log_origin, len(entries), mth(entries))
    return note_of(text, log_line(WORLD.log_origin, key, text), *lines)


def opened(entries: list[bytes], pinned: TrustList, *, is_own: bool = False) -> LogSnapshot:
    folder = BundleFolder()
    folder.publish(entries)
    return open_snapshot(CompleteLog(folder.read), note(entries), pinned, is_own=is_own)


def refusal(entries: list[bytes], pinned: TrustList) -> str:
    with pytest.raises(KezhengError) as refused:
        opened(entries, pinned)
    return str(refused.value)


# --- the pinned tree


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 599, 600])
def test_a_register_continues_the_pinned_tree_or_is_a_fork(size: int) -> None:
    assert opened(ENTRIES, trust(size)).size == 600
    assert refusal(ENTRIES, trust(size, bytes(32))) == "log_forked"
    forked = size > 100
    if forked:
        assert refusal(OTHER, trust(size)) == "log_forked"
    else:
        assert opened(OTHER, trust(size)).size == 600


@pytest.mark.parametrize(("known", "code"), [(599, "log_behind_list"), (600, None), (601, None)])
def test_a_checkpoint_older_than_the_pinned_tree(known: int, code: str | None) -> None:
    entries = [*ENTRIES, certificate(b"\x01" * 32, START + 600)][:known]
    pinned = trust(600)
    if code:
        assert refusal(entries, pinned) == code
    else:
        assert opened(entries, pinned).size == known


def test_an_empty_register_is_behind_every_list() -> None:
    assert refusal([], trust(0)) == "log_behind_list"


def test_the_pinned_tree_is_looked_up_in_a_log_that_has_grown_further() -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    log.advance(folder.publish(ENTRIES))
    for size in (0, 1, 300, 600):
        check_pinned(log, PinnedTree(size, mth(ENTRIES[:size])))
        with pytest.raises(KezhengError, match=r"^log_forked$"):
            check_pinned(log, PinnedTree(size, mth(OTHER[:599])))


# --- opening


def test_without_a_checkpoint_nothing_is_read() -> None:
    folder = BundleFolder()
    folder.publish(ENTRIES)
    with pytest.raises(KezhengError, match=r"^log_unavailable$"):
        open_snapshot(CompleteLog(folder.read), None, trust(0))
    with pytest.raises(KezhengError, match=r"^log_unavailable$"):
        open_published_log(folder.read, trust(0))
    assert folder.asked == ["checkpoint"]


def test_nothing_is_read_under_a_checkpoint_of_nobody() -> None:
    folder = BundleFolder()
    folder.publish(ENTRIES)
    with pytest.raises(KezhengError, match=r"^checkpoint_untrusted$"):
        open_snapshot(CompleteLog(folder.read), note(ENTRIES, Key("thief")), trust(0))
    assert folder.asked == []


def test_published_files_are_opened_with_their_own_checkpoint() -> None:
    folder = BundleFolder()
    folder.publish(ENTRIES)
    folder.files["checkpoint"] = note(ENTRIES)
    log = open_published_log(folder.read, trust(600))
    assert (log.size, log.newest_at, log.witnesses) == (600, NEWEST, ())


def test_witnesses_are_those_of_the_checkpoint() -> None:
    key = NoteKey("witness.example", ED25519_COSIGNATURE, WITNESS.public_key)
    delegation = TRUST.delegation._replace(log=TRUST.delegation.log._replace(witnesses=(key,), quorum=1))
    seen_by = replace(trust(600), delegation=delegation)
    folder = BundleFolder()
    folder.publish(ENTRIES)
    text = text_of(WORLD.log_origin, 600, mth(ENTRIES))
    seen = note(ENTRIES, WORLD.log_key, witness_line("witness.example", WITNESS, text, START // 1000))
    witnesses = open_snapshot(CompleteLog(folder.read), seen, seen_by).witnesses
    assert witnesses == (("witness.example", NEWEST.replace(microsecond=0)),)
    with pytest.raises(KezhengError, match=r"^witness_quorum_missing "):
        open_snapshot(CompleteLog(folder.read), note(ENTRIES), seen_by)


# --- what it answers


@pytest.mark.parametrize(("off", "is_covered"), [(-MS, True), (MS * 0, True), (MS, False)])
def test_it_covers_the_time_up_to_its_newest_entry(off: timedelta, is_covered: bool) -> None:
    assert opened(ENTRIES, trust(600)).covers(NEWEST + off) == is_covered


def test_the_register_s_own_log_covers_every_time() -> None:
    own = opened(ENTRIES, trust(600), is_own=True)
    assert own.covers(NEWEST + MS)
    assert own.covers(datetime(9999, 1, 1, tzinfo=UTC))


def test_there_is_no_entry_outside_the_tree() -> None:
    log = opened(ENTRIES[:300], trust(300))
    assert [log.entry(place) for place in (-1, 0, 255, 256, 299, 300, 10**9)] == [
        None,
        ENTRIES[0],
        ENTRIES[255],
        ENTRIES[256],
        ENTRIES[299],
        None,
        None,
    ]


def test_a_snapshot_stays_as_it_is_while_the_log_grows() -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    folder.publish(ENTRIES[:300])
    earlier = open_snapshot(log, note(ENTRIES[:300]), trust(10))
    twice = [*ENTRIES[:300], certificate((7).to_bytes(32, "big"), START + 300)]
    folder.publish(twice)
    later = open_snapshot(log, note(twice), trust(300))
    subject = (7).to_bytes(32, "big")
    assert [index for index, _ in earlier.entries_about(subject)] == [7]
    assert [index for index, _ in later.entries_about(subject)] == [7, 300]
    assert (earlier.entry(300), later.entry(300)) == (None, twice[300])
    assert (earlier.size, earlier.newest_at) == (300, NEWEST.replace(microsecond=299_000))
    assert (later.size, later.newest_at) == (301, NEWEST.replace(microsecond=300_000))
    assert not earlier.covers(NEWEST.replace(microsecond=300_000))
    assert later.covers(NEWEST.replace(microsecond=300_000))


def test_a_checkpoint_that_goes_back_is_told_from_one_behind_the_list() -> None:
    folder = BundleFolder()
    log = CompleteLog(folder.read)
    folder.publish(ENTRIES)
    open_snapshot(log, note(ENTRIES), trust(10))
    with pytest.raises(KezhengError, match=r"^log_rolled_back \(size=500, known=600\)$"):
        open_snapshot(log, note(ENTRIES[:500]), trust(10))
