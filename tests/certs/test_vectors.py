"""Certificates and signed files made by another hand, byte for byte: what we write and what we read."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.certificate import CertificateClaims, decode_claims, encode_claims
from certs.cose import take_apart
from certs.envelope import prepare, seal
from certs.equivalence import load_policies
from certs.evidence import DataFiles, Evidence, gather_evidence
from certs.grades import Grade
from certs.number_layout import load_layouts
from certs.occupations import catalogue
from certs.qr import qr_text, read_qr_text
from certs.root_chain import root_from_jwk
from certs.signing_key import from_base64url, kid_of
from certs.timestamps import instant_from_epoch
from certs.verification import verify_qr_text

HERE = Path(__file__).resolve().parent / "vectors"
VECTORS: dict[str, Any] = json.loads((HERE / "certificates.json").read_text("utf-8"))
CERTIFICATES = VECTORS["certificates"]
KID = bytes.fromhex(VECTORS["institution_key"]["kid"])
each = pytest.mark.parametrize("vector", CERTIFICATES, ids=[vector["name"] for vector in CERTIFICATES])


def claims_of(vector: dict[str, Any]) -> CertificateClaims:
    members, body = vector["claims"], vector["claims"]["-65537"]
    return CertificateClaims(
        number=members["7"],
        issued_at=instant_from_epoch(members["6"]),
        expires_at=instant_from_epoch(members["4"]) if "4" in members else None,
        name=body["1"],
        id_tail=body["2"],
        occupation_code=body["3"],
        direction=body.get("4"),
        grade=Grade.from_digit(body["5"]),
        assessed_on=date(1970, 1, 1) + timedelta(days=body["6"]),
        status_index=body["7"],
    )


@each
def test_we_write_the_same_bytes(vector: dict[str, Any]) -> None:
    prepared = prepare(claims_of(vector), KID)
    assert prepared.payload.hex() == vector["payload"]
    assert prepared.to_be_signed.hex() == vector["to_be_signed"]
    envelope = seal(prepared, bytes.fromhex(vector["envelope"])[-64:])
    assert envelope.hex() == vector["envelope"]
    assert qr_text("https://verify.example.cn", envelope) == vector["qr"]


@each
def test_we_read_the_same_claims(vector: dict[str, Any]) -> None:
    content = read_qr_text(vector["qr"])
    assert content.envelope.hex() == vector["envelope"]
    parts = take_apart(content.envelope)
    assert (parts.kid, parts.to_be_signed.hex()) == (KID, vector["to_be_signed"])
    assert decode_claims(parts.payload) == claims_of(vector)
    assert encode_claims(decode_claims(parts.payload)) == parts.payload


@each
def test_the_certificate_verifies_under_the_signed_files_made_with_it(vector: dict[str, Any]) -> None:
    files = {name: content_of(name, text) for name, text in VECTORS["files"].items()}
    read = gather_evidence(files, root_from_jwk(VECTORS["root_key"]))
    evidence: Evidence = replace(read, data=DataFiles(load_layouts(), catalogue(), load_policies()))
    found = verify_qr_text(vector["qr"], evidence, instant_from_epoch(vector["claims"]["6"] + 90_000))
    is_revoked = vector["claims"]["-65537"]["7"] == 2**33
    assert found.deciding.code == ("revoked" if is_revoked else "in_force")
    assert found.genuine is not None
    assert found.genuine.logged is not None


def content_of(name: str, text: str) -> bytes:
    """A file of the vectors; the register's entry bundle is binary."""
    return b64decode(text) if name.startswith("log/tile/") else text.encode()


def test_the_key_id_is_that_of_the_key() -> None:
    assert kid_of(from_base64url(VECTORS["institution_key"]["x"])) == KID


def test_the_vectors_are_what_their_generator_writes(tmp_path: Path) -> None:
    script = tmp_path / "make_certificates.py"
    script.write_text((HERE / "make_certificates.py").read_text("utf-8"), "utf-8")
    subprocess.run([sys.executable, str(script)], check=True, timeout=60)
    assert (tmp_path / "certificates.json").read_bytes() == (HERE / "certificates.json").read_bytes()
