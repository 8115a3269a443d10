"""Following a register from checkpoint to checkpoint: alone, and with a cache that keeps what was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from bundle_folder import certificate
from kept_log import Keepsake
from merkle_reference import mth
from note_lines import log_line, note_of, text_of
from simulated_log import SimulatedLog
from simulator import World

from certs.complete_log import KeptLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.log_evidence import LogReader
from certs.log_follower import LogFollower
from certs.tlog.tile_reader import ReadFile
from certs.trust_list import PinnedTree, open_trust_list

START = 1_795_154_400_000
ENTRIES = [certificate(index.to_bytes(32, "big"), START + index) for index in range(2000)]
OTHER = [certificate(index.to_bytes(32, "little"), START + index) for index in range(2000)]
WORLD = World()
TRUST = replace(open_trust_list(WORLD.trust_list(), WORLD.root_key()), pinned=PinnedTree(0, mth([])))
PATIENCE = 512


@dataclass
class Folder:
    """A published log: bundles, tiles, checkpoint. ``asked`` tells what was read."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, entries: list[bytes]) -> None:
        log = SimulatedLog([])
        log.entries = entries
        text = text_of(WORLD.log_origin, len(entries), mth(entries))
        note = note_of(text, log_line(WORLD.log_origin, WORLD.log_key, text))
        self.files = {"checkpoint": note} | log._bundles() | log._tiles()

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.files.get(path)

    def bundles_asked(self) -> set[str]:
        asked = {path.removeprefix("tile/entries/") for path in self.asked if path.startswith("tile/entries/")}
        self.asked.clear()
        return asked


@dataclass
class PlayedCache:
    """Keeps what it is told to read, or whatever a test puts in; ``extended`` tells when it was told to."""

    entries: dict[str, list[bytes]]
    held: KeptLog | None = None
    keepsake: Keepsake | None = None
    works: bool = True
    refuses_with: str | None = None
    extended: list[int] = field(default_factory=list)

    def kept(self, origin: str) -> KeptLog | None:
        assert origin in ("", WORLD.log_origin)
        return self.held

    def extend(self, origin: str, checkpoint: TrustedCheckpoint, read: ReadFile) -> bool:
        assert origin == WORLD.log_origin
        assert read("checkpoint") is not None
        self.extended.append(checkpoint.size)
        if self.refuses_with is not None:
            raise KezhengError(self.refuses_with)
        if self.works:
            self.hold(self.entries["published"][: checkpoint.size])
        return self.works

    def hold(self, entries: list[bytes]) -> None:
        self.keepsake = Keepsake(entries)
        self.held = self.keepsake.kept()


class Scene:
    """A folder, a cache over it, and a follower of both."""

    def __init__(self, *, with_cache: bool = True) -> None:
        self.folder = Folder()
        self.published: dict[str, list[bytes]] = {}
        self.cache = PlayedCache(self.published)
        self.follower = LogFollower(
            self.folder.read, is_own=True, cache=self.cache if with_cache else None, patience=PATIENCE
        )

    def publish(self, entries: list[bytes]) -> None:
        self.published["published"] = entries
        self.folder.publish(entries)

    def open(self) -> LogReader:
        return self.follower.open(TRUST)

    def opened(self, entries: list[bytes]) -> LogReader:
        self.publish(entries)
        return self.open()


def knows(log: LogReader, entries: list[bytes]) -> bool:
    """Whether a register is these entries."""
    places = [*range(0, len(entries), 97), len(entries) - 1]
    found = all(log.entries_about(entries[place][17:]) == [(place, entries[place])] for place in places)
    return found and log.size == len(entries) and log.entry(len(entries)) is None


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        call()
    return refused.value.code


# --- without a cache


def test_each_checkpoint_costs_its_new_entries() -> None:
    scene = Scene(with_cache=False)
    assert knows(scene.opened(ENTRIES[:700]), ENTRIES[:700])
    scene.publish(ENTRIES[:701])
    scene.folder.asked.clear()
    scene.open()
    assert scene.folder.bundles_asked() == {"002.p/189"}
    assert not scene.follower.has_news()


@pytest.mark.parametrize("size", [300, 700, 1500])
def test_a_register_that_took_the_place_of_another_is_read_from_the_start(size: int) -> None:
    scene = Scene(with_cache=False)
    before = scene.opened(ENTRIES[:700])
    assert knows(scene.opened(OTHER[:size]), OTHER[:size])
    assert before.size == 700


def test_faulty_new_entries_do_not_make_everything_be_read_again() -> None:
    """A bundle that was altered is altered at every look: what is known must not be read each time."""
    scene = Scene(with_cache=False)
    scene.opened(ENTRIES[:700])
    scene.publish(ENTRIES[:1400])
    sound = dict(scene.folder.files)
    scene.folder.files["tile/entries/004"] = scene.folder.files["tile/entries/003"]
    scene.folder.asked.clear()
    assert refusal(scene.open) in ("log_entries_differ", "log_time_decreases")
    assert scene.folder.bundles_asked() <= {f"{place:03}" for place in (2, 3, 4)} | {"005.p/120"}
    scene.folder.files = sound
    assert knows(scene.open(), ENTRIES[:1400])


def test_a_fork_is_read_from_the_start_and_held_against_the_pinned_tree() -> None:
    scene = Scene(with_cache=False)
    scene.opened(ENTRIES[:700])
    forked = [*ENTRIES[:650], *OTHER[650:900]]
    scene.publish(forked)
    pinned = replace(TRUST, pinned=PinnedTree(700, mth(ENTRIES[:700])))
    assert refusal(lambda: scene.follower.open(pinned)) == "log_forked"
    scene.publish(ENTRIES[:900])
    assert knows(scene.follower.open(pinned), ENTRIES[:900])


# --- with a cache


def test_a_small_register_is_not_kept() -> None:
    scene = Scene()
    assert knows(scene.opened(ENTRIES[: PATIENCE - 1]), ENTRIES[: PATIENCE - 1])
    assert scene.cache.extended == []


def test_many_new_entries_are_kept_and_then_no_more_until_there_are_many_again() -> None:
    scene = Scene()
    handed_out = []
    for size in (400, 512, 700, 1023, 1024, 1300, 1535, 1536, 2000):
        handed_out.append(scene.opened(ENTRIES[:size]))
        assert knows(handed_out[-1], ENTRIES[:size])
    assert scene.cache.extended == [512, 1024, 1536]
    assert all(knows(log, ENTRIES[: log.size]) for log in handed_out)
    assert len({id(log._log) for log in handed_out}) == 1  # type: ignore[attr-defined]  # nothing old stays alive


def test_what_another_process_kept_is_taken_over_without_reading() -> None:
    scene = Scene()
    scene.opened(ENTRIES[:400])
    scene.publish(ENTRIES[:1100])
    scene.cache.hold(ENTRIES[:1100])
    assert scene.follower.has_news()
    scene.folder.asked.clear()
    assert knows(scene.open(), ENTRIES[:1100])
    assert "003" not in scene.folder.bundles_asked()
    assert (scene.cache.extended, scene.follower.has_news()) == ([], False)


def test_a_cache_that_is_ahead_of_the_checkpoint_is_used_up_to_it() -> None:
    scene = Scene()
    scene.cache.hold(ENTRIES)
    assert knows(scene.opened(ENTRIES[:1100]), ENTRIES[:1100])
    assert knows(scene.opened(ENTRIES[:1400]), ENTRIES[:1400])
    assert scene.cache.extended == []


@pytest.mark.parametrize("size", [400, 700, 1500])
def test_a_cache_of_another_register_is_not_believed(size: int) -> None:
    scene = Scene()
    scene.cache.hold(OTHER[:1024])
    assert knows(scene.opened(ENTRIES[:size]), ENTRIES[:size])
    assert scene.cache.extended == ([size] if size >= PATIENCE else [])


@pytest.mark.parametrize("size", [300, 700, 1500])
def test_a_kept_register_that_another_took_the_place_of_is_read_anew(size: int) -> None:
    scene = Scene()
    scene.opened(ENTRIES[:1024])
    assert knows(scene.opened(OTHER[:size]), OTHER[:size])
    assert knows(scene.opened(OTHER[: size + 1]), OTHER[: size + 1])
    assert scene.cache.extended == [1024] + ([size] if size >= PATIENCE else [])


def test_a_cache_that_does_not_work_is_done_without_and_not_asked_at_every_look() -> None:
    scene = Scene()
    scene.cache.works = False
    for size in (600, 700, 900, 1200, 1300):
        assert knows(scene.opened(ENTRIES[:size]), ENTRIES[:size])
    assert scene.cache.extended == [600, 1200]


def test_a_cache_that_keeps_nothing_after_all_is_done_without() -> None:
    scene = Scene()
    scene.cache.hold = lambda _entries: None  # type: ignore[method-assign]
    assert knows(scene.opened(ENTRIES[:600]), ENTRIES[:600])


@pytest.mark.parametrize("code", ["log_unavailable", "log_entries_differ", "log_time_decreases"])
def test_what_the_cache_finds_wrong_with_the_published_entries_is_said(code: str) -> None:
    scene = Scene()
    scene.cache.refuses_with = code
    scene.publish(ENTRIES[:600])
    for _ in range(2):
        assert refusal(scene.open) == code
        assert scene.folder.bundles_asked() == set()  # nothing is read beside the cache
        assert not scene.follower.has_news()
    scene.cache.refuses_with = None
    assert knows(scene.open(), ENTRIES[:600])


def test_damage_that_is_met_later_is_news_and_leads_to_another_reading() -> None:
    scene = Scene()
    log = scene.opened(ENTRIES[:1024])
    keepsake = scene.cache.keepsake
    assert keepsake is not None
    keepsake.blocks[1] = b""
    assert log.entry(300) == ENTRIES[300]
    assert keepsake.damages == 1
    scene.cache.held = None  # what a cache does that learns of damage
    assert scene.follower.has_news()
    assert knows(scene.open(), ENTRIES[:1024])
    assert scene.cache.extended == [1024, 1024]
    assert scene.cache.keepsake is not keepsake
    assert not scene.follower.has_news()
    assert knows(log, ENTRIES[:1024])


def test_a_missing_bundle_after_what_was_kept_says_nothing() -> None:
    scene = Scene()
    scene.cache.hold(ENTRIES[:1024])
    scene.publish(ENTRIES[:1300])
    del scene.folder.files["tile/entries/004"]
    assert refusal(scene.open) == "log_unavailable"
    scene.publish(ENTRIES[:1300])
    scene.folder.asked.clear()
    log = scene.open()
    assert scene.folder.bundles_asked() == {"004", "005.p/20"}
    assert knows(log, ENTRIES[:1300])


def test_a_stale_checkpoint_after_a_newer_one_is_refused_or_another_register() -> None:
    """The same history, shorter: who follows it reads what is shown, and whoever remembers refuses it elsewhere."""
    scene = Scene()
    scene.opened(ENTRIES[:1024])
    assert knows(scene.opened(ENTRIES[:800]), ENTRIES[:800])
