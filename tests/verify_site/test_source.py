"""The source: follows what is published, keeps the pinned root, and stops being believed when it stalls."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from simulator import World
from watched_shelf import Seconds, Shelf

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER
from certs.root_chain import root_to_jwk
from certs.unavailable import Unavailable
from registry.store.document_store import PublishedDocument, add_document
from registry.store.engine import open_public_store, open_write_store
from registry.store.migrate import upgrade_schema
from verify_site import source as source_module
from verify_site.app import PublicViews, create_app, create_mirror_app
from verify_site.published_folder import PublishedFolder
from verify_site.site_settings import PublicSettings, load_public_settings
from verify_site.source import AHEAD_SECONDS, RefreshingSource


@pytest.fixture
def shelf() -> Shelf:
    world = World()
    world.institution()
    return Shelf(world)


def test_files_are_read_again_only_when_something_changed(shelf: Shelf) -> None:
    source = RefreshingSource(shelf, Seconds())
    for _ in range(3):
        source.refresh()
    assert shelf.looks == 1
    shelf.version = 2
    source.refresh()
    assert shelf.looks == 2


def test_a_source_that_cannot_look_gives_no_status_after_a_minute(shelf: Shelf) -> None:
    seconds = Seconds()
    source = RefreshingSource(shelf, seconds)
    source.refresh()
    shelf.is_away = True
    for passed, is_fresh in ((59.0, True), (60.0, True), (60.5, False)):
        seconds.now = 1000.0 + passed
        source._try_refresh()
        assert source.snapshot().is_fresh is is_fresh
    assert isinstance(source.snapshot().evidence.status, Unavailable)
    assert not isinstance(source.snapshot().evidence.trust, Unavailable)
    shelf.is_away = False
    source._try_refresh()
    assert source.snapshot().is_fresh


class LateLog(Shelf):
    """A machine into whose folder the register comes later than the files come into the database."""

    late: dict[str, bytes] | None = None

    def log_file(self, path: str) -> bytes | None:
        return super().log_file(path) if self.late is None else self.late.get(LOG_FOLDER + path)


@pytest.mark.parametrize(("passed", "is_kept"), [(0.0, True), (AHEAD_SECONDS, True), (AHEAD_SECONDS + 0.5, False)])
def test_files_ahead_of_the_register_are_waited_for(shelf: Shelf, passed: float, is_kept: bool) -> None:
    seconds, late = Seconds(), LateLog(shelf.world)
    source = RefreshingSource(late, seconds)
    source.refresh()
    before, late.late = source.snapshot(), shelf.world.files()
    shelf.world.version, late.version = 2, 2
    for seconds.now in (1001.0, 1001.0 + passed):
        source.refresh()
    assert (source.snapshot() is before) is is_kept
    if is_kept:
        assert source._looked_at == 1000.0
        assert not source.look_now()
    else:
        trust = source.snapshot().evidence.trust
        assert isinstance(trust, Unavailable)
        assert trust.code == "trust_list_not_logged"
    late.late = None
    source._marker = None
    source.refresh()
    trust = source.snapshot().evidence.trust
    assert not isinstance(trust, Unavailable)
    assert trust.version == 2


def test_whoever_asks_for_a_look_gets_one_that_began_later(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = Seconds()
    source = RefreshingSource(shelf, seconds)
    assert source.look_now()
    shelf.version, seconds.now = 2, 1000.1
    assert source.look_now()
    assert shelf.looks == 2
    shelf.is_away = True
    assert not source.look_now()
    monkeypatch.setattr(source_module, "LOOK_PATIENCE_SECONDS", 0.001)
    source._looking.acquire()
    assert not source.look_now()


def test_nothing_is_believed_before_the_first_look(shelf: Shelf) -> None:
    source = RefreshingSource(shelf, Seconds())
    assert isinstance(source.snapshot().evidence.trust, Unavailable)
    assert not source.snapshot().is_fresh


def test_a_trust_list_that_goes_back_is_refused(shelf: Shelf) -> None:
    shelf.world.version = 5
    source = RefreshingSource(shelf, Seconds())
    source.refresh()
    shelf.world.version, shelf.version = 4, 2
    source.refresh()
    trust = source.snapshot().evidence.trust
    assert isinstance(trust, Unavailable)
    assert trust.code == "trust_list_rolled_back"


def test_the_thread_follows_changes_within_a_second(shelf: Shelf) -> None:
    source = RefreshingSource(shelf)
    source.start()
    try:
        before = source.snapshot()
        shelf.version = 2
        deadline = time.monotonic() + 5
        while source.snapshot() is before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert source.snapshot() is not before
    finally:
        source.stop()


def write_published(world: World, folder: Path) -> None:
    for name, content in world.files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_mirror_serves_a_folder_under_the_root_pinned_elsewhere(tmp_path: Path, shelf: Shelf) -> None:
    folder, home = tmp_path / "published", tmp_path / "home"
    write_published(shelf.world, folder)
    home.mkdir()
    published = PublishedFolder(folder, home / "pinned-root.jwk")
    source = RefreshingSource(published, Seconds())
    source.refresh()
    unpinned = source.snapshot().evidence.trust
    assert isinstance(unpinned, Unavailable)
    assert unpinned.code == "root_not_pinned"
    (home / "pinned-root.jwk").write_bytes(orjson.dumps(root_to_jwk(shelf.world.root_key())))
    source.refresh()
    assert not isinstance(source.snapshot().evidence.trust, Unavailable)
    assert published.envelope_by_number("any") is None
    app = create_mirror_app(PublicSettings(home, "", "https://verify.example.cn"), folder)
    assert app.title == "Kezheng"


ENVIRON = {
    "KEZHENG_HOME": "/srv/kezheng",
    "KEZHENG_DATABASE_URL": "sqlite:////srv/kezheng/kezheng.db",
    "KEZHENG_PUBLIC_URL": "https://a.example",
}


def test_settings_come_from_the_environment() -> None:
    given = load_public_settings(ENVIRON | {"KEZHENG_PROXIES": "10.0.0.1, 10.0.0.2"})
    expected = (Path("/srv/kezheng"), "https://a.example", ("10.0.0.1", "10.0.0.2"))
    assert (given.home, given.public_url, given.proxies) == expected
    assert load_public_settings(ENVIRON).proxies == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        *(({name: ""}, "settings_invalid") for name in ENVIRON),
        ({"KEZHENG_PUBLIC_URL": "https://a.example/path"}, "public_url_invalid"),
        ({"KEZHENG_PUBLIC_URL": "http://a.example"}, "public_url_not_https"),
    ],
)
def test_wrong_settings_stop_the_site(changes: dict[str, str], code: str) -> None:
    with pytest.raises(KezhengError) as refusal:
        load_public_settings(ENVIRON | changes)
    assert refusal.value.code == code


def test_the_site_reads_the_public_views_of_a_database(tmp_path: Path, shelf: Shelf) -> None:
    url = f"sqlite:///{tmp_path / 'kezheng.db'}"
    upgrade_schema(url)
    store = open_write_store(url)
    (tmp_path / "pinned-root.jwk").write_bytes(orjson.dumps(root_to_jwk(shelf.world.root_key())))

    def publish(version: int) -> None:
        files = shelf.world.files()
        for name in [name for name in files if name.startswith(LOG_FOLDER)]:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(files.pop(name))
        with store.transaction() as tx:
            for name, content in files.items():
                add_document(tx, PublishedDocument(name, version, content, shelf.world.now, None))

    publish(1)
    public = open_public_store(url)
    views = PublicViews(public, tmp_path / "pinned-root.jwk", tmp_path / LOG_FOLDER)
    source = RefreshingSource(views, Seconds())
    source.refresh()
    assert source.snapshot().files == {
        name: content for name, content in shelf.world.files().items() if not name.startswith(LOG_FOLDER)
    }
    assert not isinstance(source.snapshot().evidence.log, Unavailable)
    assert views.envelope_by_number("P000115000001262000001B") is None
    shelf.world.institution("另一家")
    shelf.world.version = 2
    publish(2)
    source.refresh()
    trust = source.snapshot().evidence.trust
    assert not isinstance(trust, Unavailable)
    assert len(trust.institutions) == 2
    assert create_app(PublicSettings(tmp_path, url, "https://verify.example.cn")).title == "Kezheng"
    public.close()
    store.close()
