"""The document CA and its leaf: profile, renewal, interruptions, and certificates that were swapped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.errors import KezhengError
from keys.document_certificates import (
    CA_DAYS,
    DOCUMENT_SIGNING,
    LEAF_DAYS,
    is_issued_by,
    make_ca_certificate,
    make_leaf_certificate,
)
from keys.document_keys import (
    RENEWAL_DAYS,
    certify_document_keys,
    document_ca_certificate,
    document_signer,
    renew_document_leaf,
    replace_document_ca,
)
from keys.key_record import KeyRole
from keys.keystore import Keystore, open_keystore

NAME = "北疆登记 verify.example.cn"
NOW = datetime(2026, 11, 20, 2, 0, 0, 500_000, tzinfo=UTC)
START = NOW.replace(microsecond=0)
SECOND = timedelta(seconds=1)
Folder = tuple[Path, Keystore]


@pytest.fixture(scope="module")
def certified(finished_ceremony: Path, passphrase: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of a ceremony with their certificates, to be copied."""
    folder = tmp_path_factory.mktemp("documents") / "keys"
    shutil.copytree(finished_ceremony, folder)
    certify_document_keys(open_keystore(folder, passphrase), folder, NAME, NOW)
    return folder


@pytest.fixture
def documents(certified: Path, passphrase: bytes, tmp_path: Path) -> Folder:
    """A copy that a test may damage, and the open keystore of it."""
    copy = tmp_path / "keys"
    shutil.copytree(certified, copy)
    return copy, open_keystore(copy, passphrase)


def ca_of(folder: Path) -> x509.Certificate:
    return x509.load_der_x509_certificate(document_ca_certificate(folder))


def leaf_of(folder: Path, keystore: Keystore) -> x509.Certificate:
    return x509.load_der_x509_certificate(document_signer(keystore, folder).certificate)


def files(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(KezhengError) as caught:
        call()
    assert caught.value.code == code


# --- what the certificates say


def test_the_ca_signs_certificates_and_nothing_else(documents: Folder) -> None:
    ca = ca_of(documents[0])
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert allowed(usage.value) == {"key_cert_sign"}
    assert ca.subject == ca.issuer
    ca.verify_directly_issued_by(ca)
    assert (ca.not_valid_before_utc, ca.not_valid_after_utc) == (START, START + timedelta(days=CA_DAYS))


def test_the_leaf_signs_documents_and_names_the_registry(documents: Folder) -> None:
    folder, keystore = documents
    leaf, ca = leaf_of(folder, keystore), ca_of(folder)
    leaf.verify_directly_issued_by(ca)
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert not constraints.value.ca
    assert allowed(leaf.extensions.get_extension_for_class(x509.KeyUsage).value) == {"digital_signature"}
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [purpose.dotted_string for purpose in purposes] == [DOCUMENT_SIGNING]
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        assert [attribute.value for attribute in leaf.subject.get_attributes_for_oid(oid)] == [NAME]
    assert (leaf.not_valid_before_utc, leaf.not_valid_after_utc) == (START, START + timedelta(days=LEAF_DAYS))


def test_both_keys_are_on_p_256_and_identified(documents: Folder) -> None:
    folder, keystore = documents
    leaf, ca = leaf_of(folder, keystore), ca_of(folder)
    for certificate in (leaf, ca):
        public_key = certificate.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        assert public_key.curve.name == "secp256r1"
        assert isinstance(certificate.signature_hash_algorithm, SHA256)
    issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    subject = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert issuer.key_identifier == subject.digest
    assert leaf.serial_number != ca.serial_number


def test_a_leaf_ends_no_later_than_its_ca() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ca = make_ca_certificate(key, NAME, NOW)
    late = START + timedelta(days=CA_DAYS - LEAF_DAYS)
    for shift in (-SECOND, timedelta(0), SECOND):
        leaf = make_leaf_certificate(key.public_key(), key, ca, NAME, late + shift)
        assert leaf.not_valid_after_utc == min(late + shift + timedelta(days=LEAF_DAYS), ca.not_valid_after_utc)


@pytest.mark.parametrize(("name", "shown"), [("名" * 21, "名" * 21), ("名" * 64, "名" * 21), ("a" * 64, "a" * 64)])
def test_a_long_name_is_whole_in_the_organisation(name: str, shown: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = make_leaf_certificate(key.public_key(), key, make_ca_certificate(key, name, NOW), name, NOW).subject
    assert [attribute.value for attribute in subject] == [name, shown]


@pytest.mark.parametrize("name", ["", "名" * 65, "𪻐", "登记\n", "\x00"])
def test_a_name_that_certificates_cannot_carry(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        make_ca_certificate(ec.generate_private_key(ec.SECP256R1()), name, NOW)


def allowed(usage: x509.KeyUsage) -> set[str]:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage, name)}


# --- signing


def test_signatures_verify_and_repeat(documents: Folder) -> None:
    folder, keystore = documents
    signer = document_signer(keystore, folder)
    signature = signer.sign(b"receipt")
    public_key = leaf_of(folder, keystore).public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    public_key.verify(signature, b"receipt", ec.ECDSA(SHA256()))
    assert signer.sign(b"receipt") == signature
    with pytest.raises(InvalidSignature):
        public_key.verify(signature, b"another", ec.ECDSA(SHA256()))
    assert signer.ca_certificate == document_ca_certificate(folder)


def test_a_leaf_is_in_force_from_its_first_to_its_last_second(documents: Folder) -> None:
    signer = document_signer(documents[1], documents[0])
    end = START + timedelta(days=LEAF_DAYS)
    for at in (START, START + SECOND, end - SECOND, end):
        signer.require_in_force(at)
    for at in (START - SECOND, end + SECOND):
        refused("document_key_not_in_force", partial(signer.require_in_force, at))


def test_private_keys_lie_sealed_and_nobody_else_reads_the_folder(documents: Folder) -> None:
    folder, keystore = documents
    for role in (KeyRole.DOCUMENT_CA, KeyRole.DOCUMENT):
        record = keystore.newest(role)
        assert record is not None
        scalar = keystore.document_key(record).private_numbers().private_value.to_bytes(32, "big")
        for content in files(folder, "*.*").values():
            assert scalar not in content
            assert scalar.hex().encode() not in content.lower()
    assert {path.stat().st_mode & 0o777 for path in folder.glob("document*")} == {0o600}
    assert repr(document_signer(keystore, folder)).startswith("DocumentSigner(")


# --- the first day, a year later, and interruptions


def test_certifying_again_changes_nothing(documents: Folder) -> None:
    folder, keystore = documents
    before = files(folder, "document*")
    assert len(before) == 4
    certify_document_keys(keystore, folder, NAME, NOW + timedelta(days=1))
    assert files(folder, "document*") == before


@pytest.mark.parametrize("lost", ["document-*.cert.pem", "document_ca-*.cert.pem", "document*.cert.pem"])
def test_an_interruption_before_a_certificate_is_made_good_with_the_same_key(documents: Folder, lost: str) -> None:
    folder, keystore = documents
    keys = files(folder, "document*.key.json")
    for path in folder.glob(lost):
        path.unlink()
    certify_document_keys(keystore, folder, NAME, NOW)
    assert files(folder, "document*.key.json") == keys
    assert is_issued_by(leaf_of(folder, keystore), ca_of(folder))


def test_before_the_certificates_there_is_no_signer(
    finished_ceremony: Path, passphrase: bytes, documents: Folder
) -> None:
    keystore = open_keystore(finished_ceremony, passphrase)
    refused("document_certificate_missing", lambda: document_ca_certificate(finished_ceremony))
    refused("document_certificate_missing", lambda: document_signer(keystore, finished_ceremony))
    for path in documents[0].glob("document*"):
        path.unlink()
    refused("document_certificate_missing", lambda: document_ca_certificate(documents[0]))


def test_the_leaf_is_renewed_thirty_days_before_its_end(documents: Folder) -> None:
    folder, keystore = documents
    first = leaf_of(folder, keystore)
    near = first.not_valid_after_utc - timedelta(days=RENEWAL_DAYS)
    for at in (near - SECOND, near):
        certify_document_keys(keystore, folder, NAME, at)
        assert leaf_of(folder, keystore) == first
    certify_document_keys(keystore, folder, "新登记", near + SECOND)
    renewed = leaf_of(folder, keystore)
    assert renewed.public_key() != first.public_key()
    assert renewed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "新登记"
    assert is_issued_by(renewed, ca_of(folder))
    assert len(files(folder, "document-*.cert.pem")) == 2


def test_an_interrupted_renewal_signs_with_the_old_leaf_until_it_is_finished(documents: Folder) -> None:
    folder, keystore = documents
    first = leaf_of(folder, keystore)
    keystore.generate_signing_key(KeyRole.DOCUMENT, None, NOW + SECOND)
    assert leaf_of(folder, keystore) == first
    certify_document_keys(keystore, folder, NAME, NOW + SECOND)
    assert leaf_of(folder, keystore) != first
    assert len(files(folder, "document-*.key.json")) == 2


def test_a_ca_without_the_renewal_time_left_issues_nothing(documents: Folder) -> None:
    folder, keystore = documents
    last = ca_of(folder).not_valid_after_utc - timedelta(days=RENEWAL_DAYS)
    refused("document_ca_ended", lambda: renew_document_leaf(keystore, folder, NAME, last + SECOND))
    assert len(files(folder, "document-*.key.json")) == 1
    for at in (last - SECOND, last):
        renew_document_leaf(keystore, folder, NAME, at)
    assert leaf_of(folder, keystore).not_valid_after_utc == ca_of(folder).not_valid_after_utc


def test_a_replaced_ca_has_a_leaf_of_its_own(documents: Folder) -> None:
    folder, keystore = documents
    old_ca, old_leaf = ca_of(folder), leaf_of(folder, keystore)
    replace_document_ca(keystore, folder, NAME, NOW + SECOND)
    assert ca_of(folder) != old_ca
    assert is_issued_by(leaf_of(folder, keystore), ca_of(folder))
    assert not is_issued_by(old_leaf, ca_of(folder))


def test_an_interrupted_replacement_of_the_ca_is_finished(documents: Folder) -> None:
    folder, keystore = documents
    replace_document_ca(keystore, folder, NAME, NOW + SECOND)
    newest = keystore.newest(KeyRole.DOCUMENT)
    assert newest is not None
    for path in folder.glob(f"document-*{newest.kid.hex()}*"):
        path.unlink()
    refused("keystore_damaged", lambda: document_signer(keystore, folder))
    certify_document_keys(keystore, folder, NAME, NOW + SECOND)
    assert is_issued_by(leaf_of(folder, keystore), ca_of(folder))


# --- files that are not what they should be


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def stranger() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, make_ca_certificate(key, NAME, NOW)


def test_a_certificate_of_another_key_is_refused(documents: Folder) -> None:
    folder, keystore = documents
    only(folder, "document_ca-*.pem").write_bytes(stranger()[1].public_bytes(Encoding.PEM))
    refused("keystore_damaged", lambda: document_ca_certificate(folder))
    refused("keystore_damaged", lambda: document_signer(keystore, folder))


def test_a_ca_certificate_that_somebody_else_signed_is_refused(documents: Folder) -> None:
    folder, _ = documents
    key, foreign_ca = stranger()
    public_key = ca_of(folder).public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    forged = make_leaf_certificate(public_key, key, foreign_ca, NAME, NOW)
    only(folder, "document_ca-*.pem").write_bytes(forged.public_bytes(Encoding.PEM))
    refused("keystore_damaged", lambda: document_ca_certificate(folder))


def test_a_leaf_of_another_ca_is_refused(documents: Folder) -> None:
    folder, keystore = documents
    key, foreign_ca = stranger()
    public_key = leaf_of(folder, keystore).public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    forged = make_leaf_certificate(public_key, key, foreign_ca, NAME, NOW)
    only(folder, "document-*.pem").write_bytes(forged.public_bytes(Encoding.PEM))
    refused("keystore_damaged", lambda: document_signer(keystore, folder))


def test_what_is_no_certificate_or_of_another_kind_of_key_is_refused(documents: Folder) -> None:
    folder, _ = documents
    rsa_key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    builder = x509.CertificateBuilder(name, name, rsa_key.public_key(), 1, START, START + timedelta(days=1))
    of_rsa = builder.sign(rsa_key, SHA256()).public_bytes(Encoding.PEM)
    for content in (b"", b"no certificate", of_rsa):
        only(folder, "document_ca-*.pem").write_bytes(content)
        refused("keystore_damaged", lambda: document_ca_certificate(folder))


def test_a_certificate_file_open_to_others_is_refused(documents: Folder) -> None:
    folder, _ = documents
    only(folder, "document_ca-*.pem").chmod(0o644)
    refused("keystore_permissions", lambda: document_ca_certificate(folder))
