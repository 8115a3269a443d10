"""The document CA and the key that signs receipt PDFs, as the keystore's folder holds them.

Private keys are sealed like all others; beside each lies its certificate in PEM. The root's delegation names the CA
by the SHA-256 of its DER: the leaf is renewed without the root, the CA is not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.errors import KezhengError
from keys.document_certificates import DOCUMENT_SIGNING, is_issued_by, make_ca_certificate, make_leaf_certificate
from keys.key_record import KEY_FILE_SUFFIX, KeyRecord, KeyRole, file_name
from keys.keystore import key_records
from keys.keystores import AnyKeystore
from keys.private_files import read_private, write_new_private

__all__ = [
    "DOCUMENT_SIGNING",
    "RENEWAL_DAYS",
    "DocumentSigner",
    "certify_document_keys",
    "document_ca_certificate",
    "document_signer",
    "renew_document_leaf",
    "replace_document_ca",
]

RENEWAL_DAYS = 30
"""How long before its end a leaf is renewed."""
_CERTIFICATE_SUFFIX = ".cert.pem"


class DocumentSigner:
    """What signs PDFs: a P-256 key with its certificates (DER)."""

    __slots__ = ("_key", "_leaf", "ca_certificate", "certificate")

    def __init__(self, key: ec.EllipticCurvePrivateKey, leaf: x509.Certificate, ca: x509.Certificate) -> None:
        """Use ``document_signer``."""
        self._key = key
        self._leaf = leaf
        self.certificate = leaf.public_bytes(Encoding.DER)
        self.ca_certificate = ca.public_bytes(Encoding.DER)

    def sign(self, message: bytes) -> bytes:
        """The ECDSA signature with SHA-256 in DER; the same for the same message (RFC 6979)."""
        return self._key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))

    def require_in_force(self, at: datetime) -> None:
        """Raise KezhengError ``document_key_not_in_force`` unless the leaf covers this instant."""
        if not self._leaf.not_valid_before_utc <= at <= self._leaf.not_valid_after_utc:
            raise KezhengError("document_key_not_in_force")

    def __repr__(self) -> str:
        return f"DocumentSigner({self._leaf.serial_number:x})"


def certify_document_keys(keystore: AnyKeystore, keys_folder: Path, registry_name: str, now: datetime) -> None:
    """Make what is missing of CA certificate and leaf, and a new leaf when the last one ends within 30 days.

    ``keystore`` is the open one of ``keys_folder``. After an interruption it goes on where it stopped. Raises
    KezhengError as `document_ca_certificate` and `renew_document_leaf` do; ValueError for a name that is empty or
    longer than 64 characters.
    """
    ca_record = keystore.newest(KeyRole.DOCUMENT_CA) or keystore.generate_signing_key(KeyRole.DOCUMENT_CA, None, now)
    if not _path(keys_folder, ca_record).is_file():
        _certify_ca(keystore, keys_folder, ca_record, registry_name, now)
    record = keystore.newest(KeyRole.DOCUMENT)
    if record is not None and not _path(keys_folder, record).is_file():
        _certify_leaf(keystore, keys_folder, record, registry_name, now)
    elif record is None or _is_spent(_read(keys_folder, record), _ca(keys_folder)[1], now):
        renew_document_leaf(keystore, keys_folder, registry_name, now)


def renew_document_leaf(keystore: AnyKeystore, keys_folder: Path, registry_name: str, now: datetime) -> KeyRecord:
    """A new key and certificate to sign with from now on; what older ones signed keeps its own chain.

    Raises KezhengError ``document_ca_ended`` when the CA has not the renewal time left, and as
    `document_ca_certificate`.
    """
    _require_time_left(_ca(keys_folder)[1], now)
    record = keystore.generate_signing_key(KeyRole.DOCUMENT, None, now)
    _certify_leaf(keystore, keys_folder, record, registry_name, now)
    return record


def replace_document_ca(keystore: AnyKeystore, keys_folder: Path, registry_name: str, now: datetime) -> KeyRecord:
    """A new CA and a leaf under it. To be followed by a delegation that names it: until then readers of PDFs trust
    neither.
    """
    record = keystore.generate_signing_key(KeyRole.DOCUMENT_CA, None, now)
    _certify_ca(keystore, keys_folder, record, registry_name, now)
    renew_document_leaf(keystore, keys_folder, registry_name, now)
    return record


def document_ca_certificate(keys_folder: Path) -> bytes:
    """The CA's certificate in DER, for the delegation; needs no passphrase.

    Raises KezhengError ``document_certificate_missing`` before `certify_document_keys`, ``keystore_damaged``.
    """
    return _ca(keys_folder)[1].public_bytes(Encoding.DER)


def document_signer(keystore: AnyKeystore, keys_folder: Path) -> DocumentSigner:
    """The newest leaf that has its certificate.

    Raises KezhengError ``document_certificate_missing``; ``keystore_damaged`` for a certificate of another key, or
    one that the CA did not issue.
    """
    records = [each for each in keystore.records() if each.role is KeyRole.DOCUMENT]
    certified = [each for each in records if _path(keys_folder, each).is_file()]
    if not certified:
        raise KezhengError("document_certificate_missing")
    leaf, (_, ca) = _read(keys_folder, certified[-1]), _ca(keys_folder)
    if not is_issued_by(leaf, ca):
        raise KezhengError("keystore_damaged")
    return DocumentSigner(keystore.document_key(certified[-1]), leaf, ca)


def _certify_ca(keystore: AnyKeystore, keys_folder: Path, record: KeyRecord, registry_name: str, now: datetime) -> None:
    _write(keys_folder, record, make_ca_certificate(keystore.document_key(record), registry_name, now))


def _certify_leaf(
    keystore: AnyKeystore, keys_folder: Path, record: KeyRecord, registry_name: str, now: datetime
) -> None:
    ca_record, ca = _ca(keys_folder)
    _require_time_left(ca, now)
    public_key = keystore.document_key(record).public_key()
    leaf = make_leaf_certificate(public_key, keystore.document_key(ca_record), ca, registry_name, now)
    _write(keys_folder, record, leaf)


def _is_spent(leaf: x509.Certificate, ca: x509.Certificate, now: datetime) -> bool:
    """Whether the leaf is near its end, or of a CA that was replaced."""
    return leaf.not_valid_after_utc < now + timedelta(days=RENEWAL_DAYS) or not is_issued_by(leaf, ca)


def _require_time_left(ca: x509.Certificate, now: datetime) -> None:
    if ca.not_valid_after_utc < now + timedelta(days=RENEWAL_DAYS):
        raise KezhengError("document_ca_ended")


def _ca(keys_folder: Path) -> tuple[KeyRecord, x509.Certificate]:
    records = [each for each in key_records(keys_folder) if each.role is KeyRole.DOCUMENT_CA]
    if not records:
        raise KezhengError("document_certificate_missing")
    certificate = _read(keys_folder, records[-1])
    if not is_issued_by(certificate, certificate):
        raise KezhengError("keystore_damaged")
    return records[-1], certificate


def _path(keys_folder: Path, record: KeyRecord) -> Path:
    return keys_folder / (file_name(record).removesuffix(KEY_FILE_SUFFIX) + _CERTIFICATE_SUFFIX)


def _write(keys_folder: Path, record: KeyRecord, certificate: x509.Certificate) -> None:
    write_new_private(_path(keys_folder, record), certificate.public_bytes(Encoding.PEM))


def _read(keys_folder: Path, record: KeyRecord) -> x509.Certificate:
    """The certificate beside a key; it must be of that key."""
    path = _path(keys_folder, record)
    if not path.is_file():
        raise KezhengError("document_certificate_missing")
    try:
        certificate = x509.load_pem_x509_certificate(read_private(path))
        public_key = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    except ValueError as error:
        raise KezhengError("keystore_damaged") from error
    if public_key != record.public_key:
        raise KezhengError("keystore_damaged")
    return certificate
