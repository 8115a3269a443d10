"""Whatever becomes of the files: no wrong answer, and the register is read again."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from published_log import PublishedLog, digest, entries_of, is_log_of

from certs.complete_log import CompleteLog
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint
from registry.log_cache import reading
from registry.log_cache.cache import DiskLogCache
from registry.log_cache.folder import CacheFolder, GrowingFile
from registry.log_cache.kept_files import open_files, open_segment
from registry.log_cache.manifest import read_manifest

ORIGIN = "register.example/2026"
ENTRIES = entries_of(2500)
SIZE = len(ENTRIES)
FILES = ("manifest", "blocks", "roots", "places")


class Scene:
    """A log that is kept in three segments, and the folder in which it is."""

    def __init__(self, path: Path) -> None:
        self.published = PublishedLog()
        self.path = path
        for size in (1900, 2200, 2500):
            self.checkpoint = self.published.publish(ENTRIES[:size])
            assert DiskLogCache(path).extend(ORIGIN, self.checkpoint, self.published.read)

    def file(self, kind: str) -> Path:
        """The largest of a kind."""
        found = (path for folder in self.path.iterdir() for path in folder.iterdir() if path.name.startswith(kind))
        return max(found, key=lambda path: path.stat().st_size)

    def opened(self, cache: DiskLogCache) -> CompleteLog | None:
        kept = cache.kept(ORIGIN)
        if kept is None:
            return None
        log = CompleteLog(self.published.read, kept)
        log.advance(self.checkpoint)
        return log

    def read_again(self) -> bool:
        """Whether another reading leads to a sound log."""
        cache = DiskLogCache(self.path)
        assert cache.extend(ORIGIN, self.checkpoint, self.published.read)
        log = self.opened(DiskLogCache(self.path))
        return log is not None and is_log_of(log, ENTRIES)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(reading, "segments_to_merge", lambda lengths: max(0, len(lengths) - 1))
    return Scene(tmp_path / "cache")


def answers_of(log: CompleteLog) -> Iterator[tuple[int, list[int] | str]]:
    """Where each digest stands, or the code with which that is left open."""
    for index in range(0, SIZE + 60, 13):
        try:
            yield index, [place for place, _ in log.entries_about(digest(index), SIZE)]
        except KezhengError as error:
            yield index, error.code


@cache
def true_answer(index: int) -> list[int]:
    asked = digest(index)
    return [place for place, entry in enumerate(ENTRIES) if asked in entry]


def flipped(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("kind", FILES)
def test_a_flipped_bit_anywhere_gives_no_wrong_answer(scene: Scene, kind: str) -> None:
    path, sound, chosen = scene.file(kind), scene.file(kind).read_bytes(), random.Random(kind)
    for at in sorted({0, len(sound) - 1, *(chosen.randrange(len(sound)) for _ in range(8))}):
        flipped(path, at)
        cache = DiskLogCache(scene.path)
        log = scene.opened(cache)
        if log is not None:
            for index, answer in answers_of(log):
                assert answer in ("log_unavailable", true_answer(index))
        path.write_bytes(sound)
        if not path.with_name("manifest").exists():  # it was given up
            assert scene.read_again()
            path = scene.file(kind)
            sound = path.read_bytes()


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "gone", "longer", "a folder", "unreadable"])
def test_after_any_damage_the_register_is_read_again(scene: Scene, kind: str, damage: str) -> None:
    path = scene.file(kind)
    content = path.read_bytes()
    if damage == "flipped":
        flipped(path, len(content) // 2)
    elif damage in ("gone", "a folder"):
        path.unlink()
        if damage == "a folder":
            path.mkdir()
    elif damage == "unreadable":
        path.unlink()
        path.symlink_to(path.with_name("nowhere") / "at all")
    else:
        path.write_bytes({"cut": content[:-1], "emptied": b"", "longer": content + b"\0"}[damage])
    log = scene.opened(DiskLogCache(scene.path))
    assert log is None or all(found in ("log_unavailable", true_answer(index)) for index, found in answers_of(log))
    if damage == "a folder":
        path.rmdir()
    assert scene.read_again()


def test_damage_that_is_met_is_told_to_all_processes(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    first, second = DiskLogCache(scene.path), DiskLogCache(scene.path)
    log, other = scene.opened(first), scene.opened(second)
    assert log is not None
    assert other is not None
    path = scene.file("blocks")
    path.write_bytes(bytes(len(path.read_bytes())))
    assert log.entry(5) == ENTRIES[5]
    assert first.kept(ORIGIN) is second.kept(ORIGIN) is None
    assert "is damaged" in caplog.text
    assert first.extend(ORIGIN, scene.checkpoint, scene.published.read)
    kept = second.kept(ORIGIN)
    assert kept is not None
    assert other.entry(5) == ENTRIES[5]  # who still has the old files open does not give up the new ones
    assert second.kept(ORIGIN) is kept


def test_who_meets_damage_late_does_not_give_up_what_another_has_made(scene: Scene) -> None:
    late = DiskLogCache(scene.path)
    log = scene.opened(late)
    assert log is not None
    path = scene.file("blocks")
    path.write_bytes(bytes(len(path.read_bytes())))
    scene.file("manifest").unlink()
    assert scene.read_again()
    manifest = scene.file("manifest").read_bytes()
    assert log.entry(5) == ENTRIES[5]
    assert scene.file("manifest").read_bytes() == manifest
    assert late.kept(ORIGIN) is not None


def test_a_changed_table_of_a_segment_is_not_opened(scene: Scene) -> None:
    """Its pages would still be sound, but another one would be looked at."""
    [folder] = scene.path.iterdir()
    manifest = read_manifest(CacheFolder(folder))
    assert manifest is not None
    file = manifest.segments[-1]
    sound = (folder / file.name).read_bytes()
    for at in range(file.count * 8, len(sound)):
        flipped(folder / file.name, at)
        with pytest.raises(KezhengError, match="log_cache_damaged"):
            open_segment(CacheFolder(folder), file)
        (folder / file.name).write_bytes(sound)
    assert open_segment(CacheFolder(folder), file).stop == file.stop


@pytest.mark.parametrize("place", [0, 1, 2])
def test_segments_that_leave_a_part_of_the_register_out_are_not_opened(scene: Scene, place: int) -> None:
    [folder] = scene.path.iterdir()
    manifest = read_manifest(CacheFolder(folder))
    assert manifest is not None
    segments = manifest.segments[:place] + manifest.segments[place + 1 :]
    with pytest.raises(KezhengError, match="log_cache_damaged"):
        open_files(CacheFolder(folder), replace(manifest, segments=segments), lambda: None, {})
    assert open_files(CacheFolder(folder), manifest, lambda: None, {}).kept.size == manifest.tiles * 256


def test_what_cannot_be_removed_is_not_used_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_folder: CacheFolder, _name: str) -> None:
        raise PermissionError

    cache = DiskLogCache(scene.path)
    kept = cache.kept(ORIGIN)
    assert kept is not None
    monkeypatch.setattr(CacheFolder, "remove", refuse)
    kept.report_damage()
    kept.report_damage()
    assert cache.kept(ORIGIN) is None
    assert caplog.text.count("PermissionError") == 1


def test_a_hidden_entry_shows(scene: Scene) -> None:
    """Records left out and the rest sealed anew would hide a change; only the owner of the folder could write that."""
    cache = DiskLogCache(scene.path)
    [folder] = scene.path.iterdir()
    manifest = read_manifest(CacheFolder(folder))
    assert manifest is not None
    path = folder / manifest.segments[0].name
    content = path.read_bytes()
    path.write_bytes(content[8:16] + content[8:])  # the first record is gone, the second stands twice
    log = scene.opened(cache)
    assert log is not None
    hidden = int.from_bytes(content[:8], "little") & 0xFFFFFFFF
    about = ENTRIES[hidden][9:41] if ENTRIES[hidden][0] == 2 else ENTRIES[hidden][17:]
    with pytest.raises(KezhengError, match="log_unavailable"):
        log.entries_about(about, SIZE)


# --- killed or refused at every write


class Killed(BaseException):
    """As `kill -9`: nothing that would come after it is done."""


OPERATIONS = (
    (GrowingFile, "write"),
    (GrowingFile, "sync"),
    (os, "replace"),
    (CacheFolder, "open_growing"),
    (CacheFolder, "keep_only"),
    (CacheFolder, "_sync"),
)


class Trouble:
    """Ends the n-th operation on the disk, before or after it is done; a killed process does nothing afterwards."""

    def __init__(self, patch: pytest.MonkeyPatch, error: BaseException, at: int, *, is_after: bool) -> None:
        self.count, self.is_over = 0, False
        for owner, name in OPERATIONS:
            done = getattr(owner, name)
            patch.setattr(owner, name, self._troubled(done, error, at, is_after=is_after))

    def _troubled(self, done, error, at, *, is_after):  # type: ignore[no-untyped-def]
        def operation(*arguments):  # type: ignore[no-untyped-def]
            if self.is_over and isinstance(error, Killed):
                raise error
            self.count += 1
            if self.count == at and not is_after:
                self.is_over = True
                raise error
            result = done(*arguments)
            if self.count == at and not self.is_over:
                self.is_over = True
                raise error
            return result

        return operation


def step(scene: Scene, error: BaseException, at: int, *, is_after: bool) -> bool:
    """Read on with trouble at one operation; whether there was that operation."""
    cache = DiskLogCache(scene.path)
    with pytest.MonkeyPatch.context() as patch:
        trouble = Trouble(patch, error, at, is_after=is_after)
        try:
            cache.extend(ORIGIN, scene.checkpoint, scene.published.read)
        except Killed:
            assert trouble.is_over
    return trouble.is_over


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("error", [Killed(), OSError(28, "no space")])
@pytest.mark.parametrize("known", [0, 520])
def test_trouble_at_any_write_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, known: int, *, is_after: bool
) -> None:
    monkeypatch.setattr(reading, "SORTED_AT_ONCE", 256)
    grown, earlier = PublishedLog(), PublishedLog()
    scene, tried = Scene.__new__(Scene), 0
    scene.published, scene.checkpoint = grown, grown.publish(ENTRIES[:800])
    known_checkpoint = earlier.publish(ENTRIES[:known])
    while True:
        scene.path = tmp_path / f"cache-{tried}"
        if known:
            DiskLogCache(scene.path).extend(ORIGIN, known_checkpoint, earlier.read)
        if not step(scene, error, tried + 1, is_after=is_after):
            break
        tried += 1
        kept = DiskLogCache(scene.path).kept(ORIGIN)
        assert (0 if kept is None else kept.size) in (known // 256 * 256, 768)
        cache = DiskLogCache(scene.path)
        assert cache.extend(ORIGIN, scene.checkpoint, scene.published.read)
        log = scene.opened(cache)
        assert log is not None
        for index in (1, 255, 256, 400, 767, 799, 800):
            about = [place for place, _ in log.entries_about(digest(index), 800)]
            assert about == [place for place in true_answer(index) if place < 800]
        assert named_alone(scene.path)
    assert tried > 15


def named_alone(path: Path) -> bool:
    """Whether nothing is left but what the manifest names."""
    [folder] = path.iterdir()
    manifest = read_manifest(CacheFolder(folder))
    assert manifest is not None
    return {path.name for path in folder.iterdir()} == {"lock", *manifest.names}


def test_a_checkpoint_that_nobody_signed_is_never_asked_about(scene: Scene) -> None:
    """Whoever calls has checked the signature; here only the entries are held against the root."""
    forged = TrustedCheckpoint(SIZE, bytes(32), ())
    with pytest.raises(KezhengError, match="log_entries_differ"):
        DiskLogCache(scene.path).extend(ORIGIN, forged, scene.published.read)
    log = scene.opened(DiskLogCache(scene.path))
    assert log is not None
    assert is_log_of(log, ENTRIES)
