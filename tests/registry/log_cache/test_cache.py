"""What was read of a log and kept on the disk: for the next process as if it had read it itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Barrier, Thread

import pytest
from published_log import PublishedLog, entries_of, is_log_of

from certs.complete_log import CompleteLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from certs.subject_segment import Segment
from registry.log_cache import cache as cache_module
from registry.log_cache import reading
from registry.log_cache.cache import DiskLogCache, said_in_log
from registry.log_cache.folder import CacheFolder

ORIGIN = "register.example/2026"
ENTRIES = entries_of(2500)
OTHER = entries_of(2500, "other ")


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small log has several segments to merge."""
    monkeypatch.setattr(reading, "SORTED_AT_ONCE", 512)


@pytest.fixture
def published() -> PublishedLog:
    return PublishedLog()


@pytest.fixture
def cache(tmp_path: Path) -> DiskLogCache:
    return DiskLogCache(tmp_path / "cache")


def opened(cache: DiskLogCache, published: PublishedLog, checkpoint: TrustedCheckpoint) -> CompleteLog:
    kept = cache.kept(ORIGIN)
    assert kept is not None
    log = CompleteLog(published.read, kept.up_to(checkpoint.size))
    log.advance(checkpoint)
    return log


def files_of(cache: DiskLogCache) -> set[str]:
    """Names without what is random in them."""
    names = {path.name for folder in cache._path.iterdir() for path in folder.iterdir()}
    return {name if "-" not in name else name.rpartition("-")[0] for name in names}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        call()
    return refused.value.code


def test_the_next_process_reads_only_what_is_new(cache: DiskLogCache, published: PublishedLog) -> None:
    checkpoint = published.publish(ENTRIES)
    assert cache.extend(ORIGIN, checkpoint, published.read)
    assert published.bundles_asked() == [*(f"{place:03}" for place in range(9)), "009.p/196"]
    log = opened(DiskLogCache(cache._path), published, checkpoint)
    assert published.bundles_asked() == ["009.p/196"]
    assert is_log_of(log, ENTRIES)
    assert published.bundles_asked() in ([], ["009.p/196"])


@pytest.mark.parametrize("steps", [(256, 257, 511, 512, 2500), (300, 600, 900, 1200, 1500, 1800, 2100, 2400), (2500,)])
def test_however_it_was_read_on_it_is_the_same_log(
    cache: DiskLogCache, published: PublishedLog, steps: tuple[int, ...]
) -> None:
    for size in steps:
        checkpoint = published.publish(ENTRIES[:size])
        published.asked.clear()
        before = 0 if (kept := cache.kept(ORIGIN)) is None else kept.size
        assert cache.extend(ORIGIN, checkpoint, published.read)
        assert len(published.bundles_asked()) == -(-size // 256) - before // 256
        assert is_log_of(opened(cache, published, checkpoint), ENTRIES[:size])
    kept = cache.kept(ORIGIN)
    assert kept is not None
    assert kept.size == steps[-1] // 256 * 256
    lengths = [segment.stop - segment.start for segment in kept.segments]
    assert all(here > 4 * sum(lengths[place + 1 :]) for place, here in enumerate(lengths[:-1]))
    assert {"lock", "manifest", "blocks", "roots"} < files_of(cache)
    assert len(list(next(cache._path.iterdir()).iterdir())) == 4 + len(lengths)


def test_what_is_kept_stays_the_same_object_until_it_grows(cache: DiskLogCache, published: PublishedLog) -> None:
    assert cache.kept(ORIGIN) is None
    checkpoint = published.publish(ENTRIES[:600])
    cache.extend(ORIGIN, checkpoint, published.read)
    kept = cache.kept(ORIGIN)
    assert cache.kept(ORIGIN) is kept is not None
    cache.extend(ORIGIN, checkpoint, published.read)
    assert cache.kept(ORIGIN) is kept
    DiskLogCache(cache._path).extend(ORIGIN, published.publish(ENTRIES[:800]), published.read)
    grown = cache.kept(ORIGIN)
    assert (kept.size, grown and grown.size) == (512, 768)


def test_a_smaller_checkpoint_of_the_same_log_changes_nothing(cache: DiskLogCache, published: PublishedLog) -> None:
    cache.extend(ORIGIN, published.publish(ENTRIES), published.read)
    kept = cache.kept(ORIGIN)
    earlier = published.publish(ENTRIES[:700])
    assert cache.extend(ORIGIN, earlier, published.read)
    assert cache.kept(ORIGIN) is kept
    assert is_log_of(opened(cache, published, earlier), ENTRIES[:700])


@pytest.mark.parametrize("size", [700, 2304, 2500])
def test_another_log_takes_the_place_of_the_one_that_was_kept(
    cache: DiskLogCache, published: PublishedLog, size: int
) -> None:
    cache.extend(ORIGIN, published.publish(ENTRIES[:2400]), published.read)
    checkpoint = published.publish(OTHER[:size])
    assert cache.extend(ORIGIN, checkpoint, published.read)
    assert is_log_of(opened(cache, published, checkpoint), OTHER[:size], "other ")
    assert len(list(next(cache._path.iterdir()).iterdir())) <= 7


def test_logs_of_several_origins_do_not_meet(cache: DiskLogCache, published: PublishedLog) -> None:
    first, second = published.publish(ENTRIES[:600]), PublishedLog()
    cache.extend(ORIGIN, first, published.read)
    cache.extend("another/log", second.publish(OTHER[:600]), second.read)
    assert is_log_of(opened(cache, published, first), ENTRIES[:600])


@pytest.mark.parametrize("known", [0, 1000])
def test_published_entries_that_do_not_fit_are_not_kept(
    cache: DiskLogCache, published: PublishedLog, known: int
) -> None:
    if known:
        cache.extend(ORIGIN, published.publish(ENTRIES[:known]), published.read)
    kept = cache.kept(ORIGIN)
    checkpoint = published.publish(ENTRIES)
    sound = dict(published.files)
    published.files["tile/entries/008"] = published.files["tile/entries/007"]
    published.asked.clear()
    assert refusal(lambda: cache.extend(ORIGIN, checkpoint, published.read)) == "log_time_decreases"
    assert ("000" in published.bundles_asked()) is (known == 0)  # tiles prove that what is known is sound
    assert cache.kept(ORIGIN) is kept
    assert len(files_of(cache)) == (5 if known else 1)
    published.files = {path: content for path, content in sound.items() if path != "tile/entries/009.p/196"}
    assert refusal(lambda: cache.extend(ORIGIN, checkpoint, published.read)) == "log_unavailable"
    published.files = sound
    assert cache.extend(ORIGIN, checkpoint, published.read)
    assert is_log_of(opened(cache, published, checkpoint), ENTRIES)


def test_entries_that_lead_to_another_root_are_not_kept(cache: DiskLogCache, published: PublishedLog) -> None:
    signed = published.publish(ENTRIES)
    published.publish(OTHER)
    assert refusal(lambda: cache.extend(ORIGIN, signed, published.read)) == "log_entries_differ"
    assert cache.kept(ORIGIN) is None
    assert files_of(cache) == {"lock"}


# --- many processes


def test_of_many_at_once_one_reads(tmp_path: Path, published: PublishedLog) -> None:
    checkpoint = published.publish(ENTRIES)
    caches = [DiskLogCache(tmp_path / "cache") for _ in range(4)]
    begin, done = Barrier(4), list[bool]()

    def run(cache: DiskLogCache) -> None:
        begin.wait()
        done.append(cache.extend(ORIGIN, checkpoint, published.read))

    threads = [Thread(target=run, args=(cache,)) for cache in caches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 4
    assert published.bundles_asked().count("000") == 1
    assert all(is_log_of(opened(cache, published, checkpoint), ENTRIES) for cache in caches)


def test_a_manifest_that_is_replaced_while_it_is_opened(
    cache: DiskLogCache, published: PublishedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.extend(ORIGIN, published.publish(ENTRIES[:600]), published.read)
    late, grown, map_file = DiskLogCache(cache._path), published.publish(ENTRIES), CacheFolder.map

    def replaced(folder: CacheFolder, name: str) -> memoryview:
        monkeypatch.setattr(CacheFolder, "map", map_file)
        assert cache.extend(ORIGIN, grown, published.read)
        return map_file(folder, name)

    monkeypatch.setattr(CacheFolder, "map", replaced)
    assert is_log_of(opened(late, published, grown), ENTRIES)


def test_who_holds_the_cache_without_a_sign_is_not_waited_for(
    cache: DiskLogCache, published: PublishedLog, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.log_cache.folder.SILENCE_SECONDS", 0.1)
    checkpoint = published.publish(ENTRIES)
    folder = cache._folder(ORIGIN)
    folder.prepare()
    cache._path.chmod(0o700)
    with folder.locked():
        assert not DiskLogCache(cache._path).extend(ORIGIN, checkpoint, published.read)
    assert "without a sign" in caplog.text


# --- where nothing can be kept


def test_a_disk_that_cannot_be_written_is_told_and_done_without(
    tmp_path: Path, published: PublishedLog, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = DiskLogCache(tmp_path / "file" / "cache")
    assert cache.kept(ORIGIN) is None
    assert not cache.extend(ORIGIN, published.publish(ENTRIES), published.read)
    assert "NotADirectoryError" in caplog.text


def test_a_folder_that_is_open_to_others_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o755)
    assert refusal(lambda: DiskLogCache(tmp_path / "cache")) == "log_cache_not_private"


def test_progress_is_told(tmp_path: Path, published: PublishedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SIGN_EVERY", 4)
    told = list[tuple[int, int]]()
    cache = DiskLogCache(tmp_path / "cache", lambda done, total: told.append((done, total)))
    cache.extend(ORIGIN, published.publish(ENTRIES), published.read)
    assert told == [(1024, 2500), (2048, 2500), (2500, 2500)]


def test_who_waits_sees_signs_all_along(
    cache: DiskLogCache, published: PublishedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While tiles are read, and while places are sorted and merged: both may take longer than a silence is borne."""
    monkeypatch.setattr(reading, "_SIGN_EVERY", 2)
    signs, before = list[str](), list[int]()
    monkeypatch.setattr(CacheFolder, "give_sign", lambda _folder: signs.append("sign"))
    make = reading.merged

    def merged(segments: Sequence[Segment]) -> Iterator[list[int]]:
        before.append(len(signs))
        yield from make(segments)

    monkeypatch.setattr(reading, "merged", merged)
    assert cache.extend(ORIGIN, published.publish(ENTRIES), published.read)
    assert 9 <= before[0] < len(signs)  # four for nine tiles, five for as many segments, and those while merging


def test_progress_is_a_line_every_five_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    tell = said_in_log(lambda: now)
    with caplog.at_level(logging.INFO, cache_module._LOG.name):
        for now in (101.0, 104.9, 105.0, 106.0, 110.1):
            tell(int(now), 500)
    assert [record.getMessage() for record in caplog.records] == [
        "reading the register: 105 of 500 entries",
        "reading the register: 110 of 500 entries",
    ]
