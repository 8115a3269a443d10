"""``kezheng verify`` and what it rests on: every kind of input, off-line with a pinned root, at another time."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from certs.timestamps import format_instant

ASSESSOR = "P000115000001"
REPORT = (
    *("verdict", "headline", "summary", "next_step", "tone", "check_id", "checked_at", "as_of", "checks"),
    *("notices", "certificate", "institution", "status", "equivalence", "log"),
)


@pytest.fixture
def published(kezheng: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    answer = kezheng.json("publish", folder)
    assert sorted(answer["files"]) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    return folder


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Another home, which was never initialised: that of somebody who only verifies."""
    return tmp_path / "stranger"


def test_the_report(kezheng: Any, certificates: Any) -> None:
    report = kezheng.json("verify", certificates[0]["qr"])
    assert tuple(report) == REPORT
    assert (report["verdict"], report["tone"]) == ("valid", "ok")
    assert set(report["log"]) == {"tree_size", "leaf_index", "logged_at"}
    assert 0 < report["log"]["leaf_index"] < report["log"]["tree_size"]
    assert {check["outcome"] for check in report["checks"]} == {"passed"}
    assert set(report["checks"][0]) == {"name", "outcome", "code", "zh", "en", "advice_zh", "advice_en"}
    assert report["certificate"]["number"] == certificates[0]["number"]
    assert set(report["institution"]) == {
        *("code", "name", "name_at_issue", "accredited_at_assessment", "accredited_now", "listed_until", "successor")
    }
    assert report["equivalence"]


def test_for_people_the_answer_is_in_lines(kezheng: Any, certificates: Any) -> None:
    answer = kezheng("verify", certificates[0]["qr"])
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("证书有效 / ")
    assert certificates[0]["number"] in answer.out


@pytest.mark.parametrize("kind", ["png", "pdf", "picture"])
def test_every_file_of_a_certificate_verifies(kezheng: Any, certificates: Any, kind: str) -> None:
    report = kezheng.json("verify", certificates[0][kind])
    assert (report["verdict"], report["certificate"]["number"]) == ("valid", certificates[0]["number"])


def test_a_photograph_of_the_page(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    photograph = tmp_path / "page.jpg"
    with Image.open(certificates[0]["picture"]) as picture:
        picture.convert("RGB").save(photograph, quality=60)
    assert kezheng.json("verify", photograph)["verdict"] == "valid"


def test_letters_in_either_case_and_what_messengers_append(kezheng: Any, certificates: Any) -> None:
    assert kezheng("verify", certificates[0]["qr"].lower() + "?from=singlemessage").code == 0


UNREADABLE = ["hello", "", "A" * 400, "A" * 5000, "https://example.cn/", "nosuch.png", "nosuch.pdf", "\u4f60\u597d"]


@pytest.mark.parametrize("given", UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_input_without_a_code_is_unreadable(kezheng: Any, given: str) -> None:
    answer = kezheng("verify", given, "--json")
    assert answer.code == 3
    assert "verdict" not in answer.document


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"no picture"])
def test_a_file_without_a_code_is_unreadable(kezheng: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.png"
    path.write_bytes(content)
    assert kezheng("verify", path).code == 3


def test_a_payload_that_is_no_envelope_is_not_genuine(kezheng: Any, certificates: Any) -> None:
    cut = kezheng("verify", certificates[0]["qr"][:-16], "--json")
    assert (cut.code, cut.document["verdict"]) == (1, "not_genuine")
    assert cut.document["checks"][0]["outcome"] == "failed"
    assert (cut.document["certificate"], cut.document["institution"]) == (None, None)


def test_at_a_time_past(kezheng: Any, certificates: Any) -> None:
    today = datetime.now(UTC)
    assert kezheng("verify", certificates[0]["qr"], "--at", format_instant(today)).code == 0
    before = kezheng("verify", certificates[0]["qr"], "--at", (today - timedelta(days=3)).date(), "--json")
    assert (before.code, before.document["verdict"]) == (1, "not_genuine")
    assert kezheng("verify", certificates[0]["qr"], "--at", format_instant(today + timedelta(minutes=2))).code == 64


def test_off_line_with_the_root_in_a_file(
    kezheng: Any, certificates: Any, published: Path, stranger: Path, tmp_path: Path
) -> None:
    root = shutil.copy(kezheng.home / "pinned-root.jwk", tmp_path / "root-from-the-office.jwk")
    arguments = ("verify", certificates[0]["png"], "--evidence", published, "--root", root)
    report = kezheng.json(*arguments, home=stranger)
    assert report["verdict"] == "valid"
    assert not (stranger / "kezheng.db").exists()


def test_a_root_that_came_with_the_evidence_is_not_trusted(
    kezheng: Any, certificates: Any, published: Path, stranger: Path
) -> None:
    fingerprint = kezheng.json("init")["root_fingerprint"]
    answer = kezheng("verify", certificates[0]["qr"], "--evidence", published, "--json", home=stranger)
    assert (answer.code, answer.document["verdict"]) == (2, "undetermined")
    (check,) = [c for c in answer.document["checks"] if c["code"] == "root_not_pinned"]
    assert fingerprint in check["zh"] + check["advice_zh"]
    assert answer.document["certificate"] is None


def test_a_pinned_root(kezheng: Any, certificates: Any, published: Path, stranger: Path) -> None:
    fingerprint = kezheng.json("init")["root_fingerprint"]
    assert kezheng.json("trust", "pin", published / "root.jwk", home=stranger)["fingerprint"] == fingerprint
    assert kezheng("verify", certificates[0]["qr"], "--evidence", published, home=stranger).code == 0
    for wrong in (published / "jwks.json", published / "trust-list.jws"):
        answer = kezheng("trust", "pin", wrong, "--json", home=stranger)
        assert (answer.code, answer.document["code"]) == (1, "root_file_invalid")
    assert kezheng("verify", certificates[0]["qr"], "--evidence", published, home=stranger).code == 0


def test_the_root_of_another_register(kezheng: Any, certificates: Any, published: Path, stranger: Path) -> None:
    assert kezheng.json("init", home=stranger)
    answer = kezheng("verify", certificates[0]["qr"], "--evidence", published, "--json", home=stranger)
    assert (answer.code, answer.document["verdict"], answer.document["certificate"]) == (2, "undetermined", None)


def test_a_trust_list_that_went_back_is_refused(
    kezheng: Any, certificates: Any, published: Path, stranger: Path, tmp_path: Path
) -> None:
    kezheng.json("trust", "pin", published / "root.jwk", home=stranger)
    old = shutil.copytree(published, tmp_path / "old")
    kezheng.json("institution", "rename", ASSESSOR, "--on", "2026-01-01", "--name", "北疆新名")
    kezheng.json("publish", published)
    newer = kezheng.json("verify", certificates[0]["qr"], "--evidence", published, home=stranger)
    assert newer["institution"]["name"] == "北疆新名"
    back = kezheng("verify", certificates[0]["qr"], "--evidence", old, "--json", home=stranger)
    assert (back.code, back.document["verdict"]) == (2, "undetermined")
    assert "trust_list_rolled_back" in {check["code"] for check in back.document["checks"]}
    assert kezheng("verify", certificates[0]["qr"], "--evidence", published, home=stranger).code == 0


def test_a_data_file_that_was_changed_is_never_used(
    kezheng: Any, certificates: Any, published: Path, stranger: Path
) -> None:
    kezheng.json("trust", "pin", published / "root.jwk", home=stranger)
    for path in ("catalogue/occupations.toml", "catalogue/number_layouts/kz-1.toml", "policies/guangxi-2022-15.toml"):
        whole = (published / path).read_bytes()
        (published / path).write_bytes(whole + b"\n")
        answer = kezheng("verify", certificates[0]["qr"], "--evidence", published, "--json", home=stranger)
        assert (answer.code, answer.document["certificate"]) == (2, None)
        (published / path).write_bytes(whole)


@pytest.mark.parametrize("missing", ["trust-list.jws", "status/events.jws"])
def test_evidence_that_lacks_a_file(
    kezheng: Any, certificates: Any, published: Path, stranger: Path, missing: str
) -> None:
    kezheng.json("trust", "pin", published / "root.jwk", home=stranger)
    (published / missing).unlink()
    answer = kezheng("verify", certificates[0]["qr"], "--evidence", published, "--json", home=stranger)
    assert (answer.code, answer.document["verdict"]) == (2, "undetermined")


def test_no_evidence_accuses_no_certificate(kezheng: Any, certificates: Any, stranger: Path, tmp_path: Path) -> None:
    for arguments in ((), ("--evidence", tmp_path / "nowhere")):
        answer = kezheng("verify", certificates[0]["qr"], *arguments, "--json", home=stranger)
        assert answer.code == 2
    missing_root = ("--evidence", tmp_path, "--root", tmp_path / "no.jwk")
    assert kezheng("verify", certificates[0]["qr"], *missing_root, home=stranger).code == 2


def test_publishing_again_removes_what_is_published_no_more(kezheng: Any, published: Path) -> None:
    (published / "policies" / "of-yesterday.toml").write_text("x", "utf-8")
    before = {path.name for path in published.rglob("*")}
    kezheng.json("publish", published)
    assert {path.name for path in published.rglob("*")} == before - {"of-yesterday.toml"}
    assert {path.stat().st_mode & 0o777 for path in published.rglob("*") if path.is_file()} == {0o644}


def test_a_folder_of_somebody_else_is_not_written_to(kezheng: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x", "utf-8")
    answer = kezheng("publish", folder, "--json")
    assert (answer.code, answer.document["code"]) == (1, "folder_not_empty")
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_what_is_published_names_no_holder(kezheng: Any, published: Path) -> None:
    everything = b"".join(path.read_bytes() for path in published.rglob("*") if path.is_file())
    assert "测试".encode() not in everything
    assert json.loads((published / "jwks.json").read_bytes())["keys"]
    assert kezheng.home.exists()
