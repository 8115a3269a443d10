"""The signature of a receipt PDF: what independent readers say of it, and that every change shows."""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from receipt_signing import BUNDLE, FACE, NOW, SigningRegistry, new_registry

from certs.errors import KezhengError
from certs.wording import words
from keys.document_certificates import LEAF_DAYS
from keys.document_keys import DocumentSigner
from keys.key_record import KeyRecord, KeyRole
from registry.receipts import pades
from registry.receipts.pades import check_pdf_signature, sign_pdf
from registry.rendering.receipt_pdf import ReceiptPrinter

SECOND = timedelta(seconds=1)
HALF = 4_000


def code_of(pdf: bytes, registry: SigningRegistry, *, at: timedelta = timedelta(0)) -> str:
    notice = check_pdf_signature(pdf, {registry.ca_digest}, NOW + at)
    assert words("notice", notice.code, **dict(notice.params)).zh
    return notice.code


def embedded(pdf: bytes) -> EmbeddedPdfSignature:
    found: list[EmbeddedPdfSignature] = PdfFileReader(BytesIO(pdf)).embedded_signatures
    (signature,) = found
    return signature


def gap_of(pdf: bytes) -> tuple[int, int]:
    """Where the hexadecimal signature stands, with its angle brackets."""
    _, before, after, _ = embedded(pdf).byte_range
    return before, after


def library_status(pdf: bytes, ca: bytes) -> PdfSignatureStatus:
    """pyHanko's own validator with its own defaults, under this CA alone."""
    (root,) = load_certs_from_pemder_data(ca)
    context = ValidationContext(trust_roots=[root], moment=NOW)
    usage = KeyUsageConstraints(key_usage={"digital_signature"})
    return validate_pdf_signature(embedded(pdf), context, key_usage_settings=usage)


def poppler(pdf: bytes, folder: Path) -> str:
    """What poppler's pdfsig prints."""
    path = folder / "receipt.pdf"
    path.write_bytes(pdf)
    command = ["pdfsig", "-nocert", str(path)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60).stdout


# --- what independent readers say


def test_pyhankos_own_validator_trusts_it(signed: bytes, registry: SigningRegistry) -> None:
    status = library_status(signed, registry.signer.ca_certificate)
    assert status.bottom_line
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.docmdp_ok
    assert status.validation_path is not None
    assert len(status.validation_path) == 2


def test_poppler_finds_it_valid_over_the_whole_file(signed: bytes, tmp_path: Path) -> None:
    said = poppler(signed, tmp_path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert "北疆登记 verify.example.cn" in said
    assert "Signing Time: Nov 20 2026 06:02:33" in said


def test_poppler_sees_a_changed_byte(signed: bytes, tmp_path: Path) -> None:
    said = poppler(flipped(signed, HALF), tmp_path)
    assert "Digest Mismatch" in said
    assert "Signature is Valid." not in said


def test_it_is_pades_baseline_b(signed: bytes, registry: SigningRegistry) -> None:
    """EN 319 142-1 §6.3: CAdES in the PDF, the certificate named in what is signed, no signing time in the CMS."""
    signature = embedded(signed)
    attributes = {attribute["type"].native for attribute in signature.signer_info["signed_attrs"]}
    assert attributes == {"content_type", "message_digest", "signing_certificate_v2"}
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.signer_info["digest_algorithm"]["algorithm"].native == "sha256"
    assert signature.self_reported_timestamp == NOW
    assert signature.signer_cert.dump() == registry.signer.certificate
    assert [each.dump() for each in signature.other_embedded_certs] == [registry.signer.ca_certificate]


def test_it_certifies_and_allows_no_change(signed: bytes) -> None:
    signature = embedded(signed)
    assert signature.docmdp_level is MDPPerm.NO_CHANGES
    assert PdfFileReader(BytesIO(signed)).root["/Perms"]["/DocMDP"] == signature.sig_object


def test_signing_adds_to_the_page_and_leaves_the_rest(signed: bytes, unsigned: bytes) -> None:
    assert signed.startswith(unsigned)
    added = signed[len(unsigned) :]
    assert b"/Subtype /XML" not in added
    assert b"/ModDate" not in added
    assert b"/Version" not in added
    assert b"<pdfaid:part>3</pdfaid:part>" in signed
    assert unsigned.startswith(b"%PDF-1.7")
    attachment = pypdfium2.PdfDocument(signed).get_attachment(0)
    assert attachment.get_name() == "receipt.json"
    assert bytes(attachment.get_data()) == BUNDLE


def test_the_longest_name_of_a_registry_fits(unsigned: bytes, tmp_path: Path) -> None:
    registry = new_registry(tmp_path / "keys", "名" * 64)
    assert code_of(sign_pdf(unsigned, registry.signer, NOW), registry) == "pdf_signature_ok"


# --- the time of the leaf


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (-SECOND, "pdf_signature_expired"),
        (timedelta(0), "pdf_signature_ok"),
        (SECOND, "pdf_signature_ok"),
        (timedelta(days=LEAF_DAYS) - SECOND, "pdf_signature_ok"),
        (timedelta(days=LEAF_DAYS), "pdf_signature_ok"),
        (timedelta(days=LEAF_DAYS) + SECOND, "pdf_signature_expired"),
        (timedelta(days=20_000), "pdf_signature_expired"),
    ],
)
def test_the_signature_counts_while_the_leaf_is_valid(
    signed: bytes, registry: SigningRegistry, at: timedelta, code: str
) -> None:
    assert code_of(signed, registry, at=at) == code


def test_a_leaf_outside_its_time_signs_nothing(unsigned: bytes, registry: SigningRegistry) -> None:
    for at in (NOW - SECOND, NOW + timedelta(days=LEAF_DAYS) + SECOND):
        with pytest.raises(KezhengError) as caught:
            sign_pdf(unsigned, registry.signer, at)
        assert caught.value.code == "document_key_not_in_force"


# --- who signed


def test_a_strangers_signature_is_foreign_at_any_time(
    unsigned: bytes, registry: SigningRegistry, stranger: SigningRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    """The stranger's certificates bear the registry's very name."""
    pdf = sign_pdf(unsigned, stranger.signer, NOW)
    for at in (timedelta(0), -SECOND, timedelta(days=20_000)):
        assert code_of(pdf, registry, at=at) == "pdf_signature_foreign"
    assert capfd.readouterr() == ("", "")


def test_any_of_several_delegated_cas_will_do(
    signed: bytes, registry: SigningRegistry, stranger: SigningRegistry
) -> None:
    assert check_pdf_signature(signed, [stranger.ca_digest, registry.ca_digest], NOW).code == "pdf_signature_ok"
    assert check_pdf_signature(signed, (), NOW).code == "pdf_signature_foreign"


def test_our_ca_embedded_beside_a_strangers_leaf_proves_nothing(
    unsigned: bytes, registry: SigningRegistry, stranger: SigningRegistry
) -> None:
    disguised = DocumentSigner(
        stranger.keystore.document_key(newest(stranger)),
        x509.load_der_x509_certificate(stranger.signer.certificate),
        x509.load_der_x509_certificate(registry.signer.ca_certificate),
    )
    assert code_of(sign_pdf(unsigned, disguised, NOW), registry) == "pdf_signature_foreign"


def test_our_leaf_named_over_a_strangers_signature_is_no_signature(
    unsigned: bytes, registry: SigningRegistry, stranger: SigningRegistry
) -> None:
    disguised = DocumentSigner(
        stranger.keystore.document_key(newest(stranger)),
        x509.load_der_x509_certificate(registry.signer.certificate),
        x509.load_der_x509_certificate(registry.signer.ca_certificate),
    )
    assert code_of(sign_pdf(unsigned, disguised, NOW), registry) == "pdf_signature_altered"


@pytest.mark.parametrize("purpose", ["1.3.6.1.5.5.7.3.4", None])
def test_a_certificate_for_another_purpose_does_not_sign_receipts(
    unsigned: bytes, registry: SigningRegistry, purpose: str | None
) -> None:
    ca = x509.load_der_x509_certificate(registry.signer.ca_certificate)
    ca_key = registry.keystore.document_key(newest(registry, KeyRole.DOCUMENT_CA))
    key = registry.keystore.document_key(newest(registry))
    builder = x509.CertificateBuilder(ca.issuer, ca.subject, key.public_key(), 7, NOW, NOW + timedelta(days=1))
    leaf = x509.load_der_x509_certificate(registry.signer.certificate)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    builder = builder.add_extension(usage, critical=True)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)]), critical=False)
    pdf = sign_pdf(unsigned, DocumentSigner(key, builder.sign(ca_key, SHA256()), ca), NOW)
    assert code_of(pdf, registry) == "pdf_signature_foreign"


def newest(of: SigningRegistry, role: KeyRole = KeyRole.DOCUMENT) -> KeyRecord:
    found: KeyRecord | None = of.keystore.newest(role)
    assert found is not None
    return found


# --- changes


def flipped(pdf: bytes, position: int) -> bytes:
    changed = bytearray(pdf)
    changed[position] ^= 1
    return bytes(changed)


def test_no_signed_byte_can_be_changed(signed: bytes, registry: SigningRegistry) -> None:
    before, after = gap_of(signed)
    signed_positions = [*range(before), *range(after, len(signed))]
    chosen = [*random.Random(1).sample(signed_positions, 80), *range(before - 40, before), *range(after, after + 40)]
    for position in [0, *chosen, len(signed) - 1]:
        assert code_of(flipped(signed, position), registry) in ("pdf_signature_altered", "pdf_signature_missing")


def test_bytes_of_the_signature_itself_break_it_or_mean_nothing(signed: bytes, registry: SigningRegistry) -> None:
    """CMS does not sign its own head (RFC 5652 §5.4); the certificates it carries are judged, not signed."""
    before, after = gap_of(signed)
    signature_value = len(signed[before:after].rstrip(b"0>")) - 4
    for position in range(signature_value - 120, signature_value):
        assert code_of(flipped(signed, before + position), registry) == "pdf_signature_altered"
    for position in random.Random(1).sample(range(before, after), 80):
        found = code_of(flipped(signed, position), registry)
        assert found in ("pdf_signature_ok", "pdf_signature_altered", "pdf_signature_foreign")


@given(length=st.integers(0, 10**6), tail=st.binary(max_size=40))
@settings(max_examples=60)
def test_a_torn_file_is_never_right(
    signed: bytes, registry: SigningRegistry, length: int, tail: bytes
) -> None:
    torn = signed[: length % len(signed)] + tail
    if torn != signed:
        assert code_of(torn, registry) in ("pdf_signature_altered", "pdf_signature_missing")


def with_update(pdf: bytes, bundle: bytes) -> bytes:
    """The bundle replaced by what PDF calls an incremental update: the signed bytes stay as they were."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    (specification,) = [
        each.get_object() for each in writer.root["/AF"] if each.get_object()["/F"] == "receipt.json"
    ]
    stream = generic.StreamObject(dict_data={generic.pdf_name("/Type"): generic.pdf_name("/EmbeddedFile")})
    stream._data = bundle
    reference = writer.add_object(stream)
    for name in ("/F", "/UF"):
        specification["/EF"][generic.pdf_name(name)] = reference
    writer.update_container(specification["/EF"])
    output = BytesIO()
    writer.write(output)  # type: ignore[no-untyped-call]
    return output.getvalue()


def test_an_incremental_update_is_a_change(signed: bytes, registry: SigningRegistry, tmp_path: Path) -> None:
    updated = with_update(signed, b'{"verdict":"forged"}')
    assert updated.startswith(signed)
    assert bytes(pypdfium2.PdfDocument(updated).get_attachment(0).get_data()) == b'{"verdict":"forged"}'
    assert code_of(updated, registry) == "pdf_signature_altered"
    assert "Total document signed" not in poppler(updated, tmp_path)


@pytest.mark.parametrize("added", [b"\n", b" ", b"%", b"%%EOF\n"])
def test_even_an_empty_line_at_the_end_is_a_change(signed: bytes, registry: SigningRegistry, added: bytes) -> None:
    assert code_of(signed + added, registry) == "pdf_signature_altered"


def test_a_signature_does_not_fit_another_receipt(
    signed: bytes, registry: SigningRegistry, receipts: ReceiptPrinter
) -> None:
    other = sign_pdf(receipts.render_pdf(FACE, BUNDLE.replace(b"valid", b"vaLid")), registry.signer, NOW)
    assert code_of(other, registry) == "pdf_signature_ok"
    (from_, to), (start, end) = gap_of(signed), gap_of(other)
    swapped = other[:start] + signed[from_:to] + other[end:]
    assert code_of(swapped, registry) == "pdf_signature_altered"


def test_a_second_signature_is_an_addition(
    signed: bytes, registry: SigningRegistry, stranger: SigningRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a field of its own, as a reader would add an approval."""
    monkeypatch.setattr(pades, "FIELD_NAME", "Another")
    doubled = sign_pdf(signed, stranger.signer, NOW)
    assert len(PdfFileReader(BytesIO(doubled)).embedded_signatures) == 2
    assert code_of(doubled, registry) == "pdf_signature_altered"
    assert code_of(doubled, stranger) == "pdf_signature_altered"


def test_the_gap_holds_the_signature_and_nothing_else(signed: bytes, registry: SigningRegistry) -> None:
    """The signature written shorter, as a literal string, leaves room for keys that nobody signed.

    pyHanko compares lengths alone and calls this the entire file.
    """
    start, end = gap_of(signed)
    value = bytes.fromhex(signed[start + 1 : end - 1].decode())
    literal = b"(" + re.sub(rb"([()\\\r\n])", rb"\\\1", value).replace(b"\\\r", b"\\r").replace(b"\\\n", b"\\n") + b")"
    room = end - start - len(literal)
    forged = signed[:start] + literal + b"/Reason(" + b"x" * (room - 9) + b")" + signed[end:]
    signature = embedded(forged)
    assert signature.evaluate_signature_coverage() == SignatureCoverageLevel.ENTIRE_FILE
    assert signature.sig_object["/Reason"].startswith("xxx")
    assert library_status(forged, registry.signer.ca_certificate).bottom_line
    assert code_of(forged, registry) == "pdf_signature_altered"


def test_nothing_hides_behind_the_signature_in_its_gap(signed: bytes, registry: SigningRegistry) -> None:
    _, end = gap_of(signed)
    assert signed[end - 9 : end] == b"00000000>"
    assert code_of(signed[: end - 3] + b"41>" + signed[end:], registry) == "pdf_signature_altered"


# --- what is no signed PDF


def test_an_unsigned_page_has_no_signature(unsigned: bytes, registry: SigningRegistry) -> None:
    for content in (unsigned, b"", b"not a PDF"):
        assert code_of(content, registry) == "pdf_signature_missing"


def test_what_only_looks_signed_is_no_error(unsigned: bytes, registry: SigningRegistry) -> None:
    assert code_of(b"/ByteRange", registry) == "pdf_signature_altered"
    assert code_of(unsigned + b"\n%/ByteRange", registry) == "pdf_signature_missing"
    assert code_of(b"%PDF-1.7\n/ByteRange" + bytes(17 * 1024 * 1024), registry) == "pdf_signature_altered"


def test_a_coroutine_is_told_that_it_may_not_ask(signed: bytes, registry: SigningRegistry) -> None:
    async def ask() -> str:
        return code_of(signed, registry)

    with pytest.raises(RuntimeError, match="thread of its own"):
        asyncio.run(ask())
