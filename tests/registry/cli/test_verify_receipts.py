"""``kezheng verify`` on receipts: data and PDF, years later, under the pinned root alone (S-17, S-35)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import embed
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from receipt_signing import new_registry

from certs.jws import unverified_header, unverified_payload
from certs.qr import base32, read_qr_text
from certs.receipt import receipt_document
from certs.signing_key import base64url
from keys.document_keys import document_signer, renew_document_leaf
from keys.key_record import KeyRole
from registry.home import Home, open_home
from registry.receipts.make_receipt import ReceiptMaker
from registry.receipts.pades import sign_pdf
from registry.receipts.receipt_paper import ReceiptPaper
from registry.rendering.receipt_pdf import ReceiptPrinter
from registry.settings import load_settings

MEMBERS = ("counter_signed", "stated_verdict", "pdf_signature", "envelope_digest", "trust_list", "delegation")
Saved = dict[str, Path]


def in_home(folder: Path, act: Callable[[Home], bytes]) -> bytes:
    with open_home(load_settings(folder, {}), {}) as home:
        return act(home)


def made(folder: Path, qr: str) -> bytes:
    """A receipt that the registry role of this home makes now."""

    def make(home: Home) -> bytes:
        now = datetime.now(UTC)
        with home.recording() as tx:
            home.publish_if_needed(tx, now)
        return ReceiptMaker(home).make(base32(read_qr_text(qr).envelope), now)

    return in_home(folder, make)


@pytest.fixture
def receipt(kezheng: Any, certificates: Any, tmp_path: Path) -> Saved:
    """One receipt as data and as PDF."""
    document = made(kezheng.home, certificates[0]["qr"])
    files = {"json": document, "pdf": in_home(kezheng.home, lambda home: ReceiptPaper(home).pdf(document))}
    paths = {form: tmp_path / f"receipt.{form}" for form in files}
    for form, path in paths.items():
        path.write_bytes(files[form])
    return paths


@pytest.fixture
def stranger(kezheng: Any, tmp_path: Path) -> Path:
    """Another home, which has pinned the root and knows nothing else."""
    kezheng.json("trust", "pin", kezheng.home / "pinned-root.jwk", home=tmp_path / "stranger")
    return tmp_path / "stranger"


def refusal(kezheng: Any, *arguments: object, home: Path | None = None) -> tuple[int, str]:
    answer = kezheng("verify", *arguments, "--json", home=home)
    return answer.code, answer.document["code"]


@pytest.mark.parametrize("form", ["json", "pdf"])
def test_a_receipt_is_told_as_a_report(
    kezheng: Any, certificates: Any, receipt: Saved, stranger: Path, form: str
) -> None:
    report = kezheng.json("verify", receipt[form], home=stranger)
    assert (report["verdict"], report["certificate"]["number"]) == ("valid", certificates[0]["number"])
    assert tuple(report["receipt"]) == MEMBERS
    assert (report["receipt"]["counter_signed"], report["certificate"]["id_tail"]) == (True, None)
    assert report["receipt"]["pdf_signature"] == ("pdf_signature_ok" if form == "pdf" else None)
    assert set(report) == {*kezheng.json("verify", certificates[0]["qr"]), "receipt"}
    assert not (stranger / "kezheng.db").exists()


def test_for_people_the_answer_is_in_lines(kezheng: Any, certificates: Any, receipt: Saved) -> None:
    answer = kezheng("verify", receipt["pdf"])
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("证书有效 / ")
    assert "查验凭证：登记机构签名相符" in answer.out
    assert "证件尾号" not in answer.out
    assert certificates[0]["number"] in answer.out


def test_a_receipt_says_what_was_then(kezheng: Any, certificates: Any, receipt: Saved, tmp_path: Path) -> None:
    kezheng.json("status", "revoke", certificates[0]["number"], "--reason", "exam_misconduct", "--by", "甲")
    later = tmp_path / "later.json"
    later.write_bytes(made(kezheng.home, certificates[0]["qr"]))
    assert kezheng("verify", receipt["json"]).code == 0
    revoked = kezheng("verify", later, "--json")
    assert (revoked.code, revoked.document["verdict"]) == (1, "not_in_force")
    assert revoked.document["status"]["state"] == "revoked"


def test_the_root_may_come_from_a_file(kezheng: Any, receipt: Saved, tmp_path: Path) -> None:
    nowhere, root = tmp_path / "nowhere", kezheng.home / "pinned-root.jwk"
    assert kezheng.json("verify", receipt["pdf"], "--root", root, home=nowhere)["verdict"] == "valid"
    assert refusal(kezheng, receipt["pdf"], home=nowhere) == (2, "receipt_root_missing")
    assert refusal(kezheng, receipt["pdf"], "--root", tmp_path / "no.jwk", home=nowhere) == (2, "file_not_found")
    assert refusal(kezheng, receipt["pdf"], "--root", receipt["json"], home=nowhere) == (2, "root_file_invalid")


def test_another_root_tells_nothing(kezheng: Any, receipt: Saved, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert kezheng.json("init", home=other)
    assert refusal(kezheng, receipt["json"], home=other) == (2, "receipt_of_other_root")


def test_published_files_may_bring_the_chain(kezheng: Any, receipt: Saved, stranger: Path, tmp_path: Path) -> None:
    kezheng.json("publish", tmp_path / "published")
    evidence = ("--evidence", tmp_path / "published")
    assert kezheng.json("verify", receipt["json"], *evidence, home=stranger)["verdict"] == "valid"
    assert refusal(kezheng, receipt["json"], "--evidence", tmp_path / "none", home=stranger)[0] == 2


def test_a_receipt_has_its_own_time(kezheng: Any, receipt: Saved) -> None:
    assert refusal(kezheng, receipt["json"], "--at", "2026-01-01") == (64, "usage")


# --- S-17


def test_one_changed_field_is_refused(kezheng: Any, receipt: Saved) -> None:
    token = json.loads(receipt["json"].read_bytes())["receipt"]
    header, _, signature = token.split(".")
    bundle = unverified_payload(token.encode())
    bundle["certificate"]["grade"] = "senior"
    payload = base64url(json.dumps(bundle, separators=(",", ":"), ensure_ascii=False).encode())
    receipt["json"].write_text(json.dumps({"format": 1, "receipt": f"{header}.{payload}.{signature}"}), "utf-8")
    assert refusal(kezheng, receipt["json"]) == (1, "receipt_untrusted")


def test_the_bundle_of_another_certificate_is_refused(
    kezheng: Any, certificates: Any, receipt: Saved, tmp_path: Path
) -> None:
    one = json.loads(receipt["json"].read_bytes())["receipt"].split(".")
    other = json.loads(made(kezheng.home, certificates[1]["qr"]))["receipt"].split(".")
    path = tmp_path / "swapped.json"
    for mixed in ((one[0], other[1], one[2]), (other[0], one[1], other[2])):
        path.write_text(json.dumps({"format": 1, "receipt": ".".join(mixed)}), "utf-8")
        assert refusal(kezheng, path) == (1, "receipt_untrusted")


def test_what_nobody_signed_proves_the_register_alone(kezheng: Any, receipt: Saved, tmp_path: Path) -> None:
    token = json.loads(receipt["json"].read_bytes())["receipt"].encode()
    bundle = unverified_payload(token)
    bundle["certificate"]["name"] = "李明"
    path = tmp_path / "mirror.json"
    path.write_bytes(receipt_document(bundle, None, unverified_header(token)["delegation"].encode()))
    answer = kezheng("verify", path, "--json")
    assert (answer.code, answer.document["verdict"], answer.document["tone"]) == (2, "undetermined", "unknown")
    assert answer.document["certificate"] is None
    assert "李明" not in answer.out
    outcomes = {check["name"]: check["code"] for check in answer.document["checks"]}
    assert outcomes.pop("log") == "logged"
    assert set(outcomes.values()) == {"receipt_not_signed"}
    stated = answer.document["receipt"]
    assert (stated["counter_signed"], stated["stated_verdict"]) == (False, "valid")


@pytest.mark.parametrize("content", [b"{", b'{"format":1}', b'{"format":1,"receipt":"x"}', b"  {}"])
def test_what_is_no_receipt_is_unreadable(kezheng: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "receipt.json"
    path.write_bytes(content)
    assert refusal(kezheng, path) == (3, "receipt_malformed")


# --- S-35: the attached bundle is judged, the signature of the PDF is a notice


def pdf_notice(kezheng: Any, path: Path) -> tuple[str, str, list[str]]:
    report = kezheng.json("verify", path)
    return report["verdict"], report["receipt"]["pdf_signature"], [notice["code"] for notice in report["notices"]]


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    change(writer)
    output = BytesIO()
    writer.write(output)  # type: ignore[no-untyped-call]
    return output.getvalue()


def attach(content: bytes, name: str = "receipt.json") -> Callable[[IncrementalPdfFileWriter], None]:
    """Attach another file, under the same name or another."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        stream = embed.EmbeddedFileObject.from_file_data(writer, content)
        embed.embed_file(writer, embed.FileSpec(file_spec_string=f"2-{name}", file_name=name, embedded_data=stream))

    return change


def test_an_update_after_signing_is_a_notice(kezheng: Any, receipt: Saved) -> None:
    receipt["pdf"].write_bytes(updated(receipt["pdf"].read_bytes(), attach(b"x", "note.txt")))
    verdict, found, notices = pdf_notice(kezheng, receipt["pdf"])
    assert (verdict, found) == ("valid", "pdf_signature_altered")
    assert "pdf_signature_altered" in notices


def test_a_second_receipt_beside_the_first_is_ambiguous(kezheng: Any, certificates: Any, receipt: Saved) -> None:
    other = made(kezheng.home, certificates[1]["qr"])
    receipt["pdf"].write_bytes(updated(receipt["pdf"].read_bytes(), attach(other)))
    assert refusal(kezheng, receipt["pdf"]) == (3, "multiple_codes")


def test_a_swapped_attachment_is_judged_and_the_page_is_not_believed(
    kezheng: Any, certificates: Any, receipt: Saved
) -> None:
    """The page of one receipt around the data of another: the answer is about the data."""
    other = made(kezheng.home, certificates[1]["qr"])
    page = in_home(kezheng.home, lambda home: repaged(home, receipt["json"].read_bytes(), other))
    receipt["pdf"].write_bytes(page)
    report = kezheng.json("verify", receipt["pdf"])
    assert report["certificate"]["number"] == certificates[1]["number"]
    assert report["receipt"]["pdf_signature"] == "pdf_signature_missing"


def repaged(home: Home, shown: bytes, attached: bytes) -> bytes:
    paper = ReceiptPaper(home)
    bundle = unverified_payload(json.loads(shown)["receipt"].encode())
    return ReceiptPrinter().render_pdf(paper._face(bundle), attached)


def test_a_forged_bundle_in_a_signed_page_is_refused(kezheng: Any, receipt: Saved) -> None:
    """Whoever steals the document key alone signs pages, not answers."""
    token = json.loads(receipt["json"].read_bytes())["receipt"]
    header, _, signature = token.split(".")
    bundle = unverified_payload(token.encode())
    bundle["certificate"]["name"] = "李明"
    payload = base64url(json.dumps(bundle, separators=(",", ":"), ensure_ascii=False).encode())
    forged = json.dumps({"format": 1, "receipt": f"{header}.{payload}.{signature}"}).encode()
    receipt["pdf"].write_bytes(in_home(kezheng.home, lambda home: ReceiptPaper(home).pdf(forged)))
    assert refusal(kezheng, receipt["pdf"]) == (1, "receipt_untrusted")


def test_the_signature_of_another_registry_is_foreign(kezheng: Any, receipt: Saved, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    stranger = new_registry(tmp_path / "keys", now=now)
    document = receipt["json"].read_bytes()
    page = in_home(kezheng.home, lambda home: repaged(home, document, document))
    receipt["pdf"].write_bytes(sign_pdf(page, stranger.signer, now))
    verdict, found, _ = pdf_notice(kezheng, receipt["pdf"])
    assert (verdict, found) == ("valid", "pdf_signature_foreign")


def test_a_certificate_that_does_not_cover_the_time_of_the_check_is_said(kezheng: Any, receipt: Saved) -> None:
    document, later = receipt["json"].read_bytes(), datetime.now(UTC) + timedelta(days=2)

    def signed_later(home: Home) -> bytes:
        folder = home.settings.keys_folder
        renew_document_leaf(home.keystore, folder, home.settings.registry_name, later)
        return sign_pdf(repaged(home, document, document), document_signer(home.keystore, folder), later)

    receipt["pdf"].write_bytes(in_home(kezheng.home, signed_later))
    verdict, found, _ = pdf_notice(kezheng, receipt["pdf"])
    assert (verdict, found) == ("valid", "pdf_signature_expired")


def test_what_breaks_the_reader_of_signatures_was_not_made_by_the_registry(
    kezheng: Any, receipt: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.receipts.check._PADES_CHILD", "registry.receipts.no_such_module")
    verdict, found, _ = pdf_notice(kezheng, receipt["pdf"])
    assert (verdict, found) == ("valid", "pdf_signature_altered")


def test_a_rotated_receipt_key_changes_nothing_for_old_receipts(kezheng: Any, receipt: Saved, stranger: Path) -> None:
    def generate(home: Home) -> bytes:
        return home.keystore.generate_signing_key(KeyRole.RECEIPT, None, datetime.now(UTC)).kid

    in_home(kezheng.home, generate)
    assert kezheng("verify", receipt["json"], home=stranger).code == 0
