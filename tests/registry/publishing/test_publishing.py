"""What is signed anew and when: a list is never stale while the worker runs, and never newer than its delegation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from register_desk import NOW, Desk, people

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER, ROOT_CHAIN_FILE, STATUS_FILE, TRUST_LIST_FILE, Evidence, Seen, package_data_files
from certs.status import State
from certs.unavailable import Unavailable
from registry.publishing.documents import DELEGATION_FILE, JWKS_FILE, ROOT_FILE, published_files
from registry.publishing.static_files import read_published, write_published
from registry.settings import load_settings
from registry.store.document_store import latest_document
from registry.trust_memory import newest_seen, remember_seen
from registry.verifying import evidence_of_folder, evidence_of_home

ASSESSOR = "P000115000001"


def work(desk: Desk) -> None:
    """One round of the worker."""
    with desk.home.recording() as tx:
        desk.home.publish_if_needed(tx, desk.now)


def versions(desk: Desk) -> tuple[int, int]:
    """The versions of the trust list and of the status file."""
    with desk.home.store.reading() as tx:
        found = [latest_document(tx, name) for name in (TRUST_LIST_FILE, STATUS_FILE)]
    assert None not in found
    return found[0].version, found[1].version  # type: ignore[union-attr]  # asserted above


def files(desk: Desk) -> dict[str, bytes]:
    with desk.home.store.reading() as tx:
        return published_files(tx)


def test_everything_a_verifier_needs_is_published(desk: Desk, tmp_path: Path) -> None:
    names = write_published(tmp_path / "out", files(desk), desk.home.settings.log_folder)
    needed = {TRUST_LIST_FILE, STATUS_FILE, ROOT_FILE, ROOT_CHAIN_FILE, JWKS_FILE, *package_data_files()}
    logged = {name for name in names if name.startswith(LOG_FOLDER)}
    assert set(names) - logged == needed
    assert {LOG_FOLDER + name for name in ("checkpoint", "log.vkey", "cosigner.vkey")} < logged
    assert names[-2:] == [LOG_FOLDER + "checkpoint", TRUST_LIST_FILE]
    assert DELEGATION_FILE not in read_published(tmp_path / "out")
    assert read_published(tmp_path / "out") == {name: files(desk)[name] for name in set(names) - logged}
    for name in logged:
        written = (tmp_path / "out" / name).read_bytes()
        assert written == (desk.home.settings.log_folder / name.removeprefix(LOG_FOLDER)).read_bytes()


def test_lists_are_signed_anew_at_half_of_their_life(desk: Desk) -> None:
    work(desk)
    trust, status = versions(desk)
    desk.now = NOW + timedelta(hours=36)
    work(desk)
    assert versions(desk) == (trust, status)
    desk.now += timedelta(seconds=1)
    work(desk)
    assert versions(desk) == (trust, status + 1)
    desk.now = NOW + timedelta(days=15, seconds=1)
    work(desk)
    assert versions(desk) == (trust + 1, status + 2)


def test_without_a_worker_answers_become_undetermined_and_never_wrong(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    assert desk.verdict(number, NOW + timedelta(hours=72)) == "valid"
    late = desk.report(number, NOW + timedelta(hours=72, seconds=1))
    assert (late["verdict"], late["tone"]) == ("undetermined", "unknown")
    assert [c["code"] for c in late["checks"] if c["outcome"] == "indeterminate"] == ["log_stale", "status_stale"]
    much_later = desk.report(number, NOW + timedelta(days=31))
    assert "trust_list_stale" in {check["code"] for check in much_later["checks"]}


def test_a_trust_list_never_outlives_its_delegation(desk: Desk) -> None:
    desk.now = NOW + timedelta(days=355)
    work(desk)
    trust = evidence_of_home(desk.home.settings).trust
    assert not isinstance(trust, Unavailable)
    assert trust.expires_at == NOW + timedelta(days=365)
    desk.now = NOW + timedelta(days=365)
    with pytest.raises(KezhengError, match="delegation_ended"):
        work(desk)


def test_a_change_of_status_is_published_with_it(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    before = versions(desk)
    desk.change(number, State.REVOKED, "exam_misconduct")
    assert versions(desk) == (before[0], before[1] + 1)


def test_a_new_public_address_is_added_to_the_old_one(desk: Desk, home_folder: Path) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    report = desk.report(number)
    moved = load_settings(home_folder, {"KEZHENG_PUBLIC_URL": "https://verify.example.cn"})
    object.__setattr__(desk.home, "settings", moved)
    work(desk)
    trust = evidence_of_home(moved).trust
    assert not isinstance(trust, Unavailable)
    assert trust.public_urls == {"http://127.0.0.1:8000", "https://verify.example.cn"}
    again = desk.report(number)
    assert (again["verdict"], again["notices"]) == (report["verdict"], [])


def test_the_memory_of_trust_lists_only_rises(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    write_published(folder, files(desk), desk.home.settings.log_folder)
    settings = load_settings(tmp_path / "verifier", {})
    settings.home.mkdir()
    settings.pinned_root_file.write_bytes((folder / ROOT_FILE).read_bytes())
    first = evidence_of_folder(settings, folder, None)
    assert not isinstance(first.trust, Unavailable)
    with desk.home.store.reading() as tx:
        root = desk.home.own_root(tx)
    met = newest_seen(settings, root)
    assert met is not None
    assert (met.epoch, met.version) == first.trust.order
    remember_seen(settings, root, Seen(0, 5, "", 0, 0))
    assert newest_seen(settings, root) == met
    remember_seen(settings, root, met._replace(version=met.version + 1))
    assert _code(evidence_of_folder(settings, folder, None)) == "trust_list_rolled_back"
    (settings.home / "trust-seen.json").write_bytes(b"{ damaged")
    assert not isinstance(evidence_of_folder(settings, folder, None).trust, Unavailable)


def _code(evidence: Evidence) -> str:
    assert isinstance(evidence.trust, Unavailable)
    return evidence.trust.code


def test_links_out_of_a_published_folder_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    write_published(folder, files(desk), desk.home.settings.log_folder)
    secret = tmp_path / "secret"
    secret.write_text("x", "utf-8")
    (folder / "policies" / "link.toml").symlink_to(secret)
    assert "policies/link.toml" not in read_published(folder)
    with pytest.raises(KezhengError, match="file_not_found"):
        read_published(tmp_path / "nowhere")


def test_nothing_is_published_before_the_first_list(desk: Desk) -> None:
    desk.tamper("DELETE FROM published_document WHERE kind = :kind", kind=TRUST_LIST_FILE)
    with pytest.raises(KezhengError, match="public_documents_missing"):
        files(desk)
    work(desk)
    assert TRUST_LIST_FILE in files(desk)
