"""A log proved entry by entry: whatever hints and tiles say, an entry is the tree's or unknown, and never missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from bundle_folder import bundle_place, certificate
from hypothesis import given, settings
from hypothesis import strategies as st
from merkle_reference import mth
from note_lines import log_line, note_of, text_of
from simulated_log import SimulatedLog
from simulator import Key, World

from certs.errors import KezhengError
from certs.log_check import check_log
from certs.log_checkpoint import TrustedCheckpoint
from certs.proven_log import ProvenLog, open_proven_log, require_continued
from certs.tlog.tile_reader import TileReader
from certs.trust_list import PinnedTree, TrustList, open_trust_list

START = 1_795_154_400_000
NEWEST = datetime(2026, 11, 20, 6, 0, 0, 599_000, tzinfo=UTC)


def digest(index: int) -> bytes:
    return index.to_bytes(32, "big")


WORLD = World()
TRUST = open_trust_list(WORLD.trust_list(), WORLD.root_key())
ENTRIES = [certificate(digest(index), START + index) for index in range(600)]
OTHER = [*ENTRIES[:100], certificate(b"\xee" * 32, START + 100), *ENTRIES[101:]]


def files_of(entries: list[bytes]) -> dict[str, bytes]:
    """Tiles and bundles of a tree, without its checkpoint."""
    log = SimulatedLog([])
    log.entries = entries
    published = log.files(WORLD.log_origin, WORLD.log_key, WORLD.cosigner())
    return {path: content for path, content in published.items() if path != "checkpoint"}


FILES, OTHER_FILES = files_of(ENTRIES), files_of(OTHER)
CHECKPOINT = TrustedCheckpoint(600, mth(ENTRIES), ())


def hinted(*places: int) -> ProvenLog:
    return ProvenLog(CHECKPOINT, FILES.get, lambda _: places)


def refusal(log: ProvenLog, subject: bytes) -> str:
    with pytest.raises(KezhengError) as refused:
        log.entries_about(subject)
    return str(refused.value)


def test_a_right_hint_leads_to_the_entry() -> None:
    log = hinted(300)
    assert (log.size, log.newest_at) == (600, NEWEST)
    assert log.entries_about(digest(300)) == [(300, ENTRIES[300])]


@pytest.mark.parametrize("places", [(), (299,), (0, 599), (-1,), (600,), (2**64,), (-300, 600, 299)])
def test_where_no_hint_leads_is_unknown_and_not_empty(places: tuple[int, ...]) -> None:
    assert refusal(hinted(*places), digest(300)) == "log_unavailable"


def test_wrong_hints_beside_the_right_one_change_nothing() -> None:
    log = hinted(599, 300, -1, 300, 0, 600, 300)
    assert log.entries_about(digest(300)) == [(300, ENTRIES[300])]


def test_entries_come_in_order_and_each_once() -> None:
    entries = [*ENTRIES[:10], ENTRIES[4], *ENTRIES[10:12]]
    entries = [certificate(entry[-32:], START) for entry in entries]
    files = files_of(entries)
    log = ProvenLog(TrustedCheckpoint(13, mth(entries), ()), files.get, lambda _: [10, 4, 10, 4])
    assert [index for index, _ in log.entries_about(digest(4))] == [4, 10]


@given(st.lists(st.integers(-5, 700), max_size=6), st.integers(0, 620))
@settings(max_examples=60)
def test_any_hints_give_true_entries_or_nothing(places: list[int], asked: int) -> None:
    try:
        found: Sequence[tuple[int, bytes]] = hinted(*places).entries_about(digest(asked))
    except KezhengError as error:
        assert error.code == "log_unavailable"
        assert asked not in places or asked >= 600
    else:
        assert found == [(asked, ENTRIES[asked])]


def test_it_covers_no_time_because_it_never_says_that_something_is_missing() -> None:
    for instant in (datetime(2000, 1, 1, tzinfo=UTC), NEWEST, datetime(9999, 1, 1, tzinfo=UTC)):
        assert not hinted().covers(instant)


def test_a_certificate_that_no_hint_finds_is_not_judged() -> None:
    made = check_log(hinted(), b"an envelope", bytes(8), datetime(2025, 1, 1, tzinfo=UTC), TRUST.limits, NEWEST)
    assert (made.check.outcome.value, made.check.code, made.logged) == ("indeterminate", "log_unavailable", None)


def test_there_is_no_entry_outside_the_tree() -> None:
    log = hinted()
    assert [log.entry(place) for place in (-1, 600, 2**64)] == [None, None, None]
    assert [log.entry(place) for place in (0, 255, 256, 599)] == [ENTRIES[place] for place in (0, 255, 256, 599)]


# --- lying and missing files


ASKED = 300
BUNDLE, TILE, EDGE, TOP = bundle_place(1, 256), "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"
LIES = {
    "entries of another history": {bundle_place(1, 256): files_of(OTHER[:100] + ENTRIES[101:])[bundle_place(1, 256)]},
    "one bit of the asked entry": {BUNDLE: FILES[BUNDLE][: 44 * 51 + 20] + b"\xff" + FILES[BUNDLE][44 * 51 + 21 :]},
    "a bundle that cannot be taken apart": {BUNDLE: FILES[BUNDLE][:-1]},
    "an empty bundle": {BUNDLE: b""},
    "another tile": {TILE: FILES["tile/0/000"]},
    "a tile of no whole hashes": {TILE: FILES[TILE][:-1]},
    "tile and bundle of another history": {
        place: files_of(OTHER[:100] + ENTRIES[101:] + ENTRIES[-1:])[place] for place in (BUNDLE, TILE)
    },
}


@pytest.mark.parametrize("name", LIES)
def test_lying_files_are_no_entry_of_the_tree(name: str) -> None:
    lies = LIES[name]
    assert any(FILES[path] != content for path, content in lies.items())
    log = ProvenLog(CHECKPOINT, (FILES | lies).get, lambda _: [ASKED])
    assert refusal(log, digest(ASKED)) == "log_entries_differ"
    with pytest.raises(KezhengError, match=r"^log_entries_differ$"):
        log.entry(ASKED)


@pytest.mark.parametrize("missing", [BUNDLE, TILE])
def test_missing_files_make_an_entry_unknown(missing: str) -> None:
    files = {path: content for path, content in FILES.items() if path != missing}
    log = ProvenLog(CHECKPOINT, files.get, lambda _: [ASKED])
    assert refusal(log, digest(ASKED)) == "log_unavailable"
    assert log.entry(599) == ENTRIES[599]


def test_a_hint_at_a_bundle_that_is_missing_hides_nothing_else_silently() -> None:
    files = {path: content for path, content in FILES.items() if path != bundle_place(0, 256)}
    log = ProvenLog(CHECKPOINT, files.get, lambda _: [5, ASKED])
    assert refusal(log, digest(ASKED)) == "log_unavailable"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({EDGE: None}, "log_unavailable"),
        ({TOP: None}, "log_unavailable"),
        ({bundle_place(2, 88): None}, "log_unavailable"),
        ({EDGE: FILES[EDGE][:-1] + b"\x00"}, "log_entries_differ"),
        ({TOP: FILES[TOP][32:] + FILES[TOP][:32]}, "log_entries_differ"),
        ({bundle_place(2, 88): b""}, "log_entries_differ"),
    ],
)
def test_without_its_last_entry_a_log_is_not_opened(changed: dict[str, bytes | None], code: str) -> None:
    files: dict[str, bytes | None] = {**FILES, **changed}
    with pytest.raises(KezhengError, match=rf"^{code}$"):
        ProvenLog(CHECKPOINT, files.get, lambda _: ())


def test_an_authentic_entry_that_is_none_is_not_read() -> None:
    """What a register signed that has no kind and time: refused as the complete log refuses it, not an exception."""
    entries = [b"\x01short", ENTRIES[0]]
    log = ProvenLog(TrustedCheckpoint(2, mth(entries), ()), files_of(entries).get, lambda _: [0, 1])
    assert refusal(log, digest(0)) == "log_entries_differ"
    with pytest.raises(KezhengError, match=r"^log_entries_differ$"):
        ProvenLog(TrustedCheckpoint(1, mth(entries[:1]), ()), files_of([*entries[:1]]).get, lambda _: [])


# --- under a trust list


def trust(size: int, root: bytes | None = None) -> TrustList:
    return replace(TRUST, pinned=PinnedTree(size, mth(ENTRIES[:size]) if root is None else root))


def note(entries: list[bytes], key: Key = WORLD.log_key) -> bytes:
    text = text_of(WORLD.log_origin, len(entries), mth(entries))
    return note_of(text, log_line(WORLD.log_origin, key, text))


def opening(entries: list[bytes], files: dict[str, bytes], pinned: TrustList, key: Key = WORLD.log_key) -> str:
    try:
        log = open_proven_log(note(entries, key), files.get, lambda _: [5], pinned)
    except KezhengError as error:
        return str(error)
    return "opened" if log.entries_about(digest(5)) == [(5, ENTRIES[5])] else "wrong"


@pytest.mark.parametrize("size", [0, 1, 64, 100, 101, 255, 256, 257, 512, 599, 600])
def test_it_continues_the_pinned_tree_or_is_a_fork(size: int) -> None:
    assert opening(ENTRIES, FILES, trust(size)) == "opened"
    assert opening(ENTRIES, FILES, trust(size, b"\x01" * 32)) == "log_forked"
    assert opening(OTHER, OTHER_FILES, trust(size)) == ("log_forked" if size > 100 else "opened")


def test_a_checkpoint_older_than_the_pinned_tree() -> None:
    assert opening(ENTRIES[:599], files_of(ENTRIES[:599]), trust(600)) == "log_behind_list"
    assert opening([], {}, trust(0)) == "log_behind_list"


def test_a_checkpoint_of_another_key() -> None:
    assert opening(ENTRIES, FILES, trust(600), Key("thief")) == "checkpoint_untrusted"


def test_tiles_that_do_not_say_whether_it_continues() -> None:
    tiles = {path: content for path, content in FILES.items() if path != "tile/0/000"}
    assert opening(ENTRIES, tiles, trust(101)) == "log_unavailable"
    assert opening(ENTRIES, FILES | {"tile/0/000": FILES["tile/0/001"]}, trust(101)) == "log_entries_differ"


def test_a_tree_continues_no_larger_one() -> None:
    with pytest.raises(KezhengError) as refused:
        require_continued(TileReader(600, mth(ENTRIES), FILES.get), 601, bytes(32))
    assert refused.value.code == "log_entries_differ"
