"""Keys of every algorithm: made, named, kept and used as their standards say, and none in the place of another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from certs.errors import KezhengError
from certs.signing_key import kid_of
from keys.key_algorithm import ED25519, ML_DSA_44, P256, KeyAlgorithm
from keys.key_record import KeyRecord, KeyRole, file_name
from keys.keystore import Keystore, open_keystore
from keys.signer import CosignatureSigner, FileCosignatureSigner

COSIGNER = "register.example.cn/cosigner"


def newest(keystore: Keystore, role: KeyRole) -> KeyRecord:
    record = keystore.newest(role)
    assert record is not None
    return record


@pytest.fixture
def opened(keys_folder: Path, passphrase: bytes) -> Keystore:
    return open_keystore(keys_folder, passphrase)


@pytest.mark.parametrize("algorithm", [ED25519, ML_DSA_44, P256], ids=lambda each: each.name)
def test_a_private_part_has_32_bytes_and_one_public_key(algorithm: KeyAlgorithm) -> None:
    made = [algorithm.generate() for _ in range(20)]
    assert {len(private) for private in made} == {32}
    assert len(set(made)) == 20
    public_key = algorithm.public_key(made[0])
    assert len(public_key) == algorithm.public_length
    assert algorithm.public_key(made[0]) == public_key
    assert algorithm.public_key(made[1]) != public_key


def test_kids(opened: Keystore) -> None:
    for record in opened.records():
        if record.public_key is None:
            continue
        digest = hashlib.sha256(record.public_key).digest()[:8]
        is_digest = record.role in (KeyRole.LOG_COSIGNATURE, KeyRole.DOCUMENT, KeyRole.DOCUMENT_CA)
        assert record.kid == (digest if is_digest else kid_of(record.public_key)), record.role


def test_cosignature_after_reopening(opened: Keystore) -> None:
    record = newest(opened, KeyRole.LOG_COSIGNATURE)
    signer: CosignatureSigner = opened.cosignature_signer(record, COSIGNER)
    signature = signer.sign(b"subtree/v1\n\0")
    assert (signer.name, signer.kid, signer.public_key) == (COSIGNER, record.kid, record.public_key)
    assert (len(signature), len(signer.public_key)) == (2420, 1312)
    verifier = MLDSA44PublicKey.from_public_bytes(signer.public_key)
    verifier.verify(signature, b"subtree/v1\n\0")
    with pytest.raises(InvalidSignature):
        verifier.verify(signature, b"subtree/v1\n\1")


def test_cosigner_shows_no_private_part() -> None:
    seed = bytes(range(32))
    assert repr(FileCosignatureSigner(seed, COSIGNER)).startswith(f"FileCosignatureSigner({COSIGNER}, ")
    assert seed.hex() not in repr(FileCosignatureSigner(seed, COSIGNER))
    with pytest.raises(ValueError, match="32 bytes"):
        FileCosignatureSigner(bytes(31), COSIGNER)


def test_document_keys(opened: Keystore) -> None:
    record = newest(opened, KeyRole.DOCUMENT)
    signature = opened.document_key(record).sign(b"page", ec.ECDSA(hashes.SHA256()))
    assert record.public_key is not None
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), record.public_key).verify(
        signature, b"page", ec.ECDSA(hashes.SHA256())
    )
    assert newest(opened, KeyRole.DOCUMENT_CA).public_key != record.public_key


def test_no_key_serves_another_algorithm(opened: Keystore) -> None:
    log, cosigner, document, data = (
        newest(opened, role)
        for role in (KeyRole.LOG, KeyRole.LOG_COSIGNATURE, KeyRole.DOCUMENT, KeyRole.BLIND_INDEX)
    )
    for wrong in (cosigner, document, data):
        with pytest.raises(KezhengError, match=r"^key_not_found"):
            opened.signer(wrong)
    for wrong in (log, document, data):
        with pytest.raises(KezhengError, match=r"^key_not_found"):
            opened.cosignature_signer(wrong, COSIGNER)
    for wrong in (log, cosigner, data):
        with pytest.raises(KezhengError, match=r"^key_not_found"):
            opened.document_key(wrong)
    with pytest.raises(ValueError, match="do not sign"):
        _ = KeyRole.BLIND_INDEX.algorithm


@pytest.mark.parametrize("role", [KeyRole.LOG_COSIGNATURE, KeyRole.DOCUMENT, KeyRole.RECEIPT])
def test_another_public_key_is_refused(
    keys_folder: Path, opened: Keystore, now: datetime, role: KeyRole
) -> None:
    """Neither half of one key can be joined with half of another, though both files are well made."""
    record, other = newest(opened, role), opened.generate_signing_key(role, None, now)
    content = (keys_folder / file_name(other)).read_text()
    open_part = (keys_folder / file_name(record)).read_text().split('"nonce"')[0]
    (keys_folder / file_name(record)).write_text(open_part + '"nonce"' + content.split('"nonce"')[1])
    open_it: dict[KeyRole, Callable[[], object]] = {
        KeyRole.LOG_COSIGNATURE: lambda: opened.cosignature_signer(record, COSIGNER),
        KeyRole.DOCUMENT: lambda: opened.document_key(record),
        KeyRole.RECEIPT: lambda: opened.signer(record),
    }
    with pytest.raises(KezhengError, match=r"^keystore_damaged$"):
        open_it[role]()
