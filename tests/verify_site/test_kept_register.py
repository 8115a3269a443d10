"""A site that keeps what it has read: it looks again when that turns out damaged, and is told where to keep it."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import pytest
from growing_register import GrowingRegister, register_of_two

from certs.evidence import LOG_FOLDER
from certs.log_snapshot import LogSnapshot
from certs.root_chain import RootKey
from registry.log_cache.cache import DiskLogCache
from registry.serving import site_environment
from registry.settings import load_settings
from verify_site.site_settings import PublicSettings, load_public_settings
from verify_site.source import RefreshingSource

ENVIRON = {
    "KEZHENG_HOME": "srv/kezheng",
    "KEZHENG_DATABASE_URL": "sqlite:///srv/kezheng/kezheng.db",
    "KEZHENG_PUBLIC_URL": "https://a.example",
}


class Shelf:
    """A growing register as a site finds it; ``looks`` counts how often its files were taken."""

    def __init__(self, register: GrowingRegister) -> None:
        self.register = register
        self.looks = 0

    def marker(self) -> Hashable:
        return self.register.note()

    def files(self) -> dict[str, bytes]:
        self.looks += 1
        files = self.register.files
        return {name: content for name, content in files.items() if not name.startswith(LOG_FOLDER)}

    def log_file(self, path: str) -> bytes | None:
        return self.register.files.get(LOG_FOLDER + path)

    def pinned_root(self) -> RootKey | None:
        return self.register.root

    def envelope_by_number(self, number: str) -> bytes | None:
        raise LookupError(number)


def site(shelf: Shelf, cache: Path) -> RefreshingSource:
    source = RefreshingSource(shelf, is_own=True, cache=DiskLogCache(cache))
    source._log._patience = 256
    return source


def log_of(source: RefreshingSource) -> LogSnapshot:
    found = source.snapshot().evidence.log
    assert isinstance(found, LogSnapshot)
    return found


@pytest.fixture
def shelf() -> Shelf:
    register, first, _ = register_of_two()
    register.certify(first, 800)
    register.publish()
    return Shelf(register)


def test_damage_is_met_once_and_the_register_read_again_without_a_change(shelf: Shelf, tmp_path: Path) -> None:
    source = site(shelf, tmp_path / "cache")
    source.refresh()
    source.refresh()
    assert shelf.looks == 1
    log, known = log_of(source), [log_of(source).entry(place) for place in range(300)]
    [blocks] = (path for folder in (tmp_path / "cache").iterdir() for path in folder.glob("blocks-*"))
    blocks.write_bytes(bytes(blocks.stat().st_size))
    assert [log.entry(place) for place in range(300)] == known
    source.refresh()
    source.refresh()
    assert shelf.looks == 2
    [made_again] = (path for folder in (tmp_path / "cache").iterdir() for path in folder.glob("blocks-*"))
    assert made_again.name != blocks.name
    assert [log_of(source).entry(place) for place in range(300)] == known


def test_what_another_process_has_kept_is_taken_over(shelf: Shelf, tmp_path: Path) -> None:
    first, second = site(shelf, tmp_path / "cache"), site(shelf, tmp_path / "cache")
    first.refresh()
    second.refresh()
    kept = log_of(first)._log._held.kept
    assert log_of(second)._log._held.kept.size == kept.size > 0
    assert log_of(first).size == log_of(second).size == shelf.register.size


# --- where it is kept


def test_it_is_kept_in_the_home_unless_another_folder_is_set(tmp_path: Path) -> None:
    assert load_public_settings(ENVIRON).cache_folder == Path("srv/kezheng/cache")
    assert load_public_settings(ENVIRON | {"KEZHENG_CACHE": "fast/disk"}).cache_folder == Path("fast/disk")
    assert load_public_settings(ENVIRON | {"KEZHENG_CACHE": ""}).cache_folder == Path("srv/kezheng/cache")
    assert PublicSettings(tmp_path, "", "https://a.example").cache_folder == tmp_path / "cache"
    assert load_settings(tmp_path, {}).cache_folder == tmp_path / "cache"
    assert load_settings(tmp_path, {"KEZHENG_CACHE": "fast/disk"}).cache_folder == Path("fast/disk")
    (tmp_path / "kezheng.toml").write_text('cache = "from/file"\n', "utf-8")
    assert load_settings(tmp_path, {}).cache_folder == Path("from/file")


def test_the_site_is_told_where_the_home_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "kezheng.toml").write_text(f'cache = "{tmp_path / "fast"}"\n', "utf-8")
    told = site_environment(load_settings(tmp_path, {}))
    assert load_public_settings(told).cache_folder == (tmp_path / "fast").resolve()
