"""The cache's folder: its owner's alone, whole files, one writer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from certs.errors import KezhengError
from registry.log_cache import folder as folder_module
from registry.log_cache.folder import CacheFolder

HOLD = """
import sys, time
from pathlib import Path
from registry.log_cache.folder import CacheFolder
folder = CacheFolder(Path(sys.argv[1]))
with folder.locked() as is_ours:
    print(is_ours, flush=True)
    for _ in range(int(sys.argv[2])):
        time.sleep(0.05)
        folder.give_sign()
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    made = CacheFolder(tmp_path / "deep" / "cache")
    made.prepare()
    return made


def test_it_is_for_its_owner_alone(folder: CacheFolder) -> None:
    folder.write_whole("whole", [b"a", b"b"])
    with folder.open_growing("growing", 0) as file:
        file.write(b"c")
    with folder.locked():
        pass
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.path.iterdir()} == dict.fromkeys(
        ("whole", "growing", "lock"), 0o600
    )
    folder.prepare()


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o702, 0o770, 0o755])
def test_a_folder_that_is_open_to_others_is_not_used(folder: CacheFolder, mode: int) -> None:
    folder.path.chmod(mode)
    with pytest.raises(KezhengError, match="log_cache_not_private"):
        folder.prepare()


def test_a_folder_of_another_user_is_not_used(folder: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KezhengError, match="log_cache_not_private"):
        folder.require_private()


def test_a_file_appears_whole_or_not_at_all(folder: CacheFolder) -> None:
    folder.write_whole("file", [b"old"])

    def parts() -> list[bytes]:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        folder.write_whole("file", (part for part in [b"new"] if parts()))
    assert folder.read("file") == b"old"
    before = folder.marker("file")
    folder.write_whole("file", [b"new"])
    assert (folder.read("file"), folder.read("file", 2)) == (b"new", b"ne")
    assert folder.marker("file") != before
    assert folder.marker("other") is None
    assert CacheFolder(folder.path / "file" / "below").marker("x") is None


def test_a_growing_file_goes_on_where_it_was_left(folder: CacheFolder) -> None:
    for length, content in ((0, b"one"), (3, b"two"), (4, b"X")):  # what was written behind is a rest
        with folder.open_growing("file", length) as file:
            file.write(content)
            file.sync()
    assert folder.read("file") == b"onetX"


def test_a_mapped_file_is_its_bytes_and_outlives_its_name(folder: CacheFolder) -> None:
    folder.write_whole("file", [bytes(range(256)) * 100])
    folder.write_whole("empty", [])
    mapped = folder.map("file")
    folder.remove("file")
    folder.remove("file")
    assert (mapped[255], len(mapped), len(folder.map("empty"))) == (255, 25_600, 0)


def test_only_what_is_named_stays(folder: CacheFolder) -> None:
    for name in ("a", "b", "c.part"):
        folder.write_whole(name, [b""])
    with folder.locked():
        folder.keep_only(["b"])
    assert {path.name for path in folder.path.iterdir()} == {"b", "lock"}


def hold(folder: CacheFolder, signs: int, seconds: float) -> subprocess.Popen[str]:
    """Another process that holds the folder, and gives signs of it for a while."""
    command = [sys.executable, "-c", HOLD, str(folder.path), str(signs), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_who_works_is_waited_for_and_who_is_killed_is_not(folder: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "SILENCE_SECONDS", 0.3)
    # signs for 0.7 s, longer than the silence that is borne
    with hold(folder, signs=14, seconds=0), folder.locked() as is_ours:
        assert is_ours
    with hold(folder, signs=0, seconds=60) as process:
        process.kill()
        process.wait()
        with folder.locked() as is_ours:
            assert is_ours


def test_who_gives_no_sign_is_not_waited_for(folder: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "SILENCE_SECONDS", 0.2)
    with hold(folder, signs=0, seconds=60) as process:
        started = time.monotonic()
        with folder.locked() as is_ours:
            assert not is_ours
        assert 0.2 <= time.monotonic() - started < 10
        process.kill()
