"""Another implementation of COSE and CWT reads our envelopes with the published keys alone."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.certificate import CertificateClaims
from certs.envelope import prepare, seal
from certs.grades import Grade
from certs.signing_key import kid_of, public_jwk

HERE = Path(__file__).resolve().parent
ORACLE_PYTHON = HERE.parents[1] / ".venv-oracle" / "bin" / "python"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
OTHER_PUBLIC_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw()
CLAIMS = CertificateClaims(
    number="P0001150000012420000000",
    issued_at=datetime(2024, 6, 3, 1, 2, 3, tzinfo=UTC),
    expires_at=None,
    name="𠮷田·买买提",
    id_tail="012X",
    occupation_code="2-02-38-05",
    direction=1,
    grade=Grade.INTERMEDIATE,
    assessed_on=date(2024, 5, 20),
    status_index=7,
)

pytestmark = pytest.mark.skipif(
    not ORACLE_PYTHON.exists(), reason="the second implementation is not installed; `make test` installs it"
)


def sealed(claims: CertificateClaims) -> bytes:
    prepared = prepare(claims, kid_of(PUBLIC_KEY))
    return seal(prepared, KEY.sign(prepared.to_be_signed))


def run_oracle(envelope: bytes, folder: Path, *jwks: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    keys = folder / "jwks.json"
    keys.write_text(json.dumps({"keys": jwks}), encoding="utf-8")
    script = str(HERE / "verify_with_cwt.py")
    command = [str(ORACLE_PYTHON), "-I", "-X", "utf8", script, envelope.hex(), str(keys)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)


def test_it_reads_the_claims_that_we_signed(tmp_path: Path) -> None:
    run = run_oracle(sealed(CLAIMS), tmp_path, public_jwk(OTHER_PUBLIC_KEY), public_jwk(PUBLIC_KEY))
    assert run.returncode == 0, run.stderr
    body = {
        "1": CLAIMS.name,
        "2": CLAIMS.id_tail,
        "3": CLAIMS.occupation_code,
        "4": CLAIMS.direction,
        "5": CLAIMS.grade.digit,
        "6": 19863,  # days from 1970-01-01 to 2024-05-20
        "7": CLAIMS.status_index,
    }
    assert json.loads(run.stdout) == {
        "kid": public_jwk(PUBLIC_KEY)["kid"],
        "claims": {"6": 1717376523, "7": CLAIMS.number, "-65537": body},
    }


def test_it_reads_an_expiry_and_a_direction_in_words(tmp_path: Path) -> None:
    expires_at = datetime(2027, 6, 3, tzinfo=UTC)
    claims = CLAIMS._replace(expires_at=expires_at, direction="智能装备与产线应用")
    run = run_oracle(sealed(claims), tmp_path, public_jwk(PUBLIC_KEY))
    read = json.loads(run.stdout)["claims"]
    assert (read["4"], read["-65537"]["4"]) == (int(expires_at.timestamp()), "智能装备与产线应用")


def test_it_refuses_a_changed_certificate(tmp_path: Path) -> None:
    envelope = bytearray(sealed(CLAIMS))
    envelope[envelope.index(b"012X")] ^= 1
    run = run_oracle(bytes(envelope), tmp_path, public_jwk(PUBLIC_KEY))
    assert run.returncode == 1
    assert run.stdout == ""
    assert "signature does not pass" in run.stderr


def test_it_refuses_a_key_that_is_not_published(tmp_path: Path) -> None:
    run = run_oracle(sealed(CLAIMS), tmp_path, public_jwk(OTHER_PUBLIC_KEY))
    assert run.returncode == 1
    assert "no such key" in run.stderr


def test_it_refuses_another_key_under_the_same_id(tmp_path: Path) -> None:
    impostor = public_jwk(OTHER_PUBLIC_KEY) | {"kid": public_jwk(PUBLIC_KEY)["kid"]}
    assert "signature does not pass" in run_oracle(sealed(CLAIMS), tmp_path, impostor).stderr
