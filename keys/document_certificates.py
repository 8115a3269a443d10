"""The two X.509 certificates behind signed PDFs: a document CA with path length 0, and the leaf that signs.

Profile of RFC 5280 and, for the leaf's purpose, RFC 9336; keys are P-256, signatures ECDSA with SHA-256. The CA may
sign certificates and nothing else, the leaf may sign documents and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from stringprep import in_table_a1, in_table_c21_c22

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.x509.oid import NameOID

DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"
"""id-kp-documentSigning."""
CA_DAYS = 3653
LEAF_DAYS = 400
LONGEST_NAME = 64
"""Characters; ub-organization-name of RFC 5280."""
_LONGEST_COMMON_NAME = 64
"""Bytes in UTF-8, as the library counts ub-common-name; a longer name is cut there and whole in the organisation."""
_CA_COMMON_NAME = "Document CA"
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def make_ca_certificate(key: EllipticCurvePrivateKey, registry_name: str, now: datetime) -> x509.Certificate:
    """The self-signed certificate of the document CA, for ten years from ``now``."""
    name = _name(registry_name, _CA_COMMON_NAME)
    start = now.replace(microsecond=0)
    builder = _builder(name, name, key.public_key(), start, start + timedelta(days=CA_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign"), critical=True)
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def make_leaf_certificate(
    public_key: EllipticCurvePublicKey,
    ca_key: EllipticCurvePrivateKey,
    ca: x509.Certificate,
    registry_name: str,
    now: datetime,
) -> x509.Certificate:
    """The certificate that signs receipts: names the registry, for 400 days but no longer than its CA."""
    start = now.replace(microsecond=0)
    end = min(start + timedelta(days=LEAF_DAYS), ca.not_valid_after_utc)
    builder = _builder(_name(registry_name, registry_name), ca.subject, public_key, start, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage("digital_signature"), critical=True)
    purpose = x509.ExtendedKeyUsage([x509.ObjectIdentifier(DOCUMENT_SIGNING)])
    builder = builder.add_extension(purpose, critical=False)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(issuer_key, critical=False)
    return builder.sign(ca_key, hashes.SHA256(), ecdsa_deterministic=True)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether names and signature say so; for a self-signed one, with itself."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    key_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(key_id, critical=False)
    )


def _name(registry_name: str, common_name: str) -> x509.Name:
    if not 0 < len(registry_name) <= LONGEST_NAME or not all(map(_can_be_compared, registry_name)):
        raise ValueError("a registry's name in a certificate has 1 to 64 characters, all of Unicode 3.2")
    shown = common_name.encode()[:_LONGEST_COMMON_NAME].decode(errors="ignore")
    attributes = ((NameOID.ORGANIZATION_NAME, registry_name), (NameOID.COMMON_NAME, shown))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def _can_be_compared(character: str) -> bool:
    """RFC 5280 §7.1 compares names by RFC 4518, which refuses what Unicode 3.2 had not assigned, and controls."""
    return not in_table_a1(character) and not in_table_c21_c22(character)


def _usage(only: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage == only for usage in _USAGES})
