"""A thief's tools against a register on disk, and the strangers who must not be deceived.

The thief signs whatever a stolen key can sign; strangers verify with a root of their own.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from register_desk import Desk

from certs.certificate import CertificateClaims, decode_claims, encode_claims
from certs.certificate_number import format_number
from certs.cose import assemble, take_apart, to_be_signed
from certs.evidence import Evidence
from certs.finding import Verification
from certs.qr import qr_text
from certs.root_chain import RootKey
from certs.verification import verify_qr_text
from keys.key_record import KeyRole
from registry.home import read_pinned_root
from registry.publishing.documents import published_files
from registry.publishing.static_files import write_published
from registry.settings import load_settings
from registry.store.certificate_store import CertificateRecord
from registry.verifying import evidence_of_folder, evidence_of_home

ASSESSOR, OTHER = "P000115000001", "P000215000002"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FALSE_NAME = "贾伪"


@dataclass(frozen=True)
class Verifier:
    """Somebody with a folder of published files and a root of one's own."""

    home: Path
    folder: Path

    def evidence(self) -> Evidence:
        return evidence_of_folder(load_settings(self.home, {}), self.folder, self.home / "root.jwk")

    def ask(self, text: str, at: datetime) -> Verification:
        return verify_qr_text(text, self.evidence(), at)


def publish(desk: Desk, folder: Path) -> Path:
    """What the register publishes now, the clock entry and signed lists that are due among it."""
    with desk.home.recording() as tx:
        desk.home.publish_if_needed(tx, desk.now)
    with desk.home.store.reading() as tx:
        files = published_files(tx)
    write_published(folder, files, desk.home.settings.log_folder)
    return folder


def verifier(desk: Desk, tmp_path: Path) -> Verifier:
    """A stranger who pinned the root by other means and copies what is published."""
    home = tmp_path / "stranger"
    home.mkdir(exist_ok=True)
    shutil.copy(desk.home.settings.pinned_root_file, home / "root.jwk")
    return Verifier(home, publish(desk, tmp_path / "published"))


def at_the_site(desk: Desk, text: str) -> Verification:
    """What the register's own site says."""
    return verify_qr_text(text, evidence_of_home(desk.home.settings), desk.now)


def found(made: Verification) -> tuple[str, str]:
    return made.verdict.value, made.deciding.code


def pinned_root(desk: Desk) -> RootKey:
    """The register's root."""
    root = read_pinned_root(desk.home.settings.pinned_root_file)
    assert root is not None
    return root


def envelope_of(certificate: CertificateRecord) -> bytes:
    """The envelope of a certificate that is issued."""
    assert certificate.envelope is not None
    return certificate.envelope


def text_of(desk: Desk, number: str) -> str:
    """What the code of a certificate holds."""
    return qr_text(desk.home.settings.public_url, envelope_of(desk.certificate(number)))


def sealed_by_thief(desk: Desk, claims: CertificateClaims) -> bytes:
    """Any claims, signed with the stolen key of an institution."""
    signer = desk.home.keyring.signer(KeyRole.INSTITUTION, ASSESSOR)
    payload = encode_claims(claims)
    return assemble(signer.kid, payload, signer.sign(to_be_signed(signer.kid, payload)))


def forged(desk: Desk, genuine: CertificateRecord, issued_at: datetime) -> str:
    """A certificate that a thief of the institution's key signs, as perfect as he likes."""
    claims = decode_claims(take_apart(envelope_of(genuine)).payload)
    number = format_number(
        desk.home.layout, institution_code=ASSESSOR, issued_year=issued_at.year, grade=claims.grade, serial=4711
    )
    claims = claims._replace(number=number, name=FALSE_NAME, issued_at=issued_at, status_index=77)
    return qr_text(desk.home.settings.public_url, sealed_by_thief(desk, claims))
