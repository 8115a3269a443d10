"""A register that was kept, in whole flows: the worker keeps it, and whoever verifies sees every change in it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from threading import Event, Thread

import pytest
from register_desk import Desk, people

from certs.evidence import Evidence
from certs.log_entry import approval_body
from certs.log_snapshot import LogSnapshot
from certs.status import State
from certs.verification import verify
from registry import log_keeping, verifying
from registry.log_cache.cache import DiskLogCache
from registry.log_keeping import LogKeeper
from registry.publishing.log_folder import read_log_file
from registry.publishing.static_files import write_published
from registry.settings import load_settings
from registry.verifying import evidence_of_folder, evidence_of_home

ASSESSOR = "P000115000001"


def fill(desk: Desk, count: int, name: str = "") -> None:
    """Entries about nothing that anybody holds."""
    bodies = [approval_body(hashlib.sha256(f"{name}{place}".encode()).digest()) for place in range(count)]
    with desk.home.recording() as tx:
        desk.home.log(tx, bodies, desk.now)


def kept_size(evidence: Evidence) -> int:
    """How many entries were kept when the evidence was gathered."""
    assert isinstance(evidence.log, LogSnapshot)
    return evidence.log._log._held.kept.size


def codes(envelope: bytes, evidence: Evidence, desk: Desk) -> tuple[str, set[str]]:
    found = verify(envelope, evidence, desk.now)
    return found.verdict, {check.code for check in found.checks}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small register is kept."""
    monkeypatch.setattr(verifying, "KEEP_FROM", 256)


@pytest.mark.usefixtures("few")
def test_every_change_of_a_certificate_is_seen_in_a_register_that_was_kept(desk: Desk, tmp_path: Path) -> None:
    certificates = desk.certify(people(1, 2), ASSESSOR)
    revoked, sound = (certificate.envelope for certificate in certificates)
    assert revoked is not None
    assert sound is not None
    fill(desk, 300, "before")
    with desk.home.store.reading() as tx:
        old = {name: content for name, content in verifying.published_files(tx).items() if "status" in name}
    desk.change(certificates[0].number, State.REVOKED, "exam_misconduct")
    fill(desk, 300, "after")
    evidence = evidence_of_home(desk.home.settings)
    assert kept_size(evidence) >= 512
    assert codes(revoked, evidence, desk)[0] == "not_in_force"
    assert codes(sound, evidence, desk)[0] == "valid"
    # a list from before the revocation, beside the register that has it
    folder = tmp_path / "published"
    with desk.home.store.reading() as tx:
        write_published(folder, verifying.published_files(tx) | old, desk.home.settings.log_folder)
    (desk.folder / "trust-seen.json").unlink()
    stale = evidence_of_folder(desk.home.settings, folder, None)
    assert kept_size(stale) == kept_size(evidence)
    assert codes(revoked, stale, desk)[0] == "undetermined"
    assert codes(sound, stale, desk)[0] == "valid"


@pytest.mark.usefixtures("few")
def test_what_was_never_logged_is_told_by_what_was_kept(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    assert certificate.envelope is not None
    fill(desk, 600)
    first, again = evidence_of_home(desk.home.settings), evidence_of_home(desk.home.settings)
    assert kept_size(first) == kept_size(again) > 0
    assert codes(certificate.envelope, again, desk) == codes(certificate.envelope, first, desk)
    assert list(again.log.entries_about(bytes(32))) == []  # type: ignore[union-attr]


@pytest.mark.usefixtures("few")
def test_the_second_time_only_the_end_of_the_register_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(desk, 600)
    told: list[tuple[int, int]] = []
    size = evidence_of_home(desk.home.settings, lambda *done: told.append(done)).log.size  # type: ignore[union-attr]
    assert told == [(size, size)]
    asked: list[str] = []

    def read(folder: Path, path: str) -> bytes | None:
        asked.append(path)
        return read_log_file(folder, path)

    monkeypatch.setattr(verifying, "read_log_file", read)
    evidence_of_home(desk.home.settings, lambda *done: told.append(done))
    # the unfinished bundle, and the one in which the tree ends that the trust list pins
    bundles = [path.removeprefix("tile/entries/") for path in asked if "entries" in path]
    assert {bundle.partition(".")[0] for bundle in bundles} == {"000", "002"}
    assert len(told) == 1


def test_a_small_register_and_one_without_a_home_are_not_kept(desk: Desk, tmp_path: Path) -> None:
    evidence_of_home(desk.home.settings)
    assert not desk.home.settings.cache_folder.exists()
    elsewhere = load_settings(tmp_path / "no home", {})
    with desk.home.store.reading() as tx:
        write_published(tmp_path / "published", verifying.published_files(tx), desk.home.settings.log_folder)
    evidence_of_folder(elsewhere, tmp_path / "published", desk.home.settings.pinned_root_file)
    assert not elsewhere.home.exists()


# --- the worker


def test_the_worker_keeps_what_is_worth_the_while(desk: Desk) -> None:
    keeper = LogKeeper(desk.home, keep_from=512)
    assert not keeper.look()
    fill(desk, 500)
    assert keeper.look()
    assert not keeper.look()
    fill(desk, 600, "more")
    assert keeper.look()
    with desk.home.store.reading() as tx:
        origin = desk.home.delegated(tx).log.origin
    kept = DiskLogCache(desk.home.settings.cache_folder).kept(origin)
    assert kept is not None
    assert kept.size >= 1024
    assert kept_size(evidence_of_home(desk.home.settings)) == kept.size


def test_without_a_published_register_there_is_nothing_to_keep(desk: Desk) -> None:
    (desk.home.settings.log_folder / "checkpoint").unlink()
    assert not LogKeeper(desk.home, keep_from=1).look()


def test_what_is_refused_is_told_and_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_keeping, "LOOK_SECONDS", 0.01)
    stopping, looks = Event(), []
    note = desk.home.settings.log_folder / "checkpoint"
    signed = note.read_bytes()
    note.write_bytes(signed.replace(b"\n", b" \n", 1))
    keeper, look = LogKeeper(desk.home), LogKeeper.look

    def looked(self: LogKeeper) -> bool:
        looks.append(1)
        if len(looks) == 3:
            stopping.set()
        return look(self)

    monkeypatch.setattr(LogKeeper, "look", looked)
    thread = Thread(target=keeper.run, args=(stopping,))
    thread.start()
    thread.join(timeout=30)
    assert len(looks) == 3
    assert caplog.text.count("checkpoint_untrusted") == 3
    assert not thread.is_alive()
