"""The signature of a receipt PDF: PAdES-B-B (ETSI EN 319 142-1), certifying, no later change allowed.

What a receipt says is judged by the bundle attached to it. This signature is for the signature panel of PDF readers,
and what is found of it is a notice beside the verdict, never a part of it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO

from asn1crypto import algos, parser, x509  # type: ignore[import-untyped]
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import SignatureObject
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs.finding import Notice
from keys.document_keys import DOCUMENT_SIGNING, DocumentSigner

FIELD_NAME = "KezhengReceipt"
_HASH = "sha256"
_RESERVED = 8_192
"""Hexadecimal digits kept free for the signature, enough with the longest name of a registry."""
_MOST_BYTES = 16 * 1024 * 1024
_USAGE = KeyUsageConstraints(key_usage={"digital_signature"}, extd_key_usage={DOCUMENT_SIGNING})

# The library reports each doubtful signature to the log as well; here the answer is the notice.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class _CmsSigner(Signer):
    """What pyHanko asks for, answered by a key that stays where it is."""

    def __init__(self, signer: DocumentSigner) -> None:
        self._signer = signer
        chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        chain.register(x509.Certificate.load(signer.ca_certificate))
        super().__init__(
            signing_cert=x509.Certificate.load(signer.certificate),
            cert_registry=chain,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            embed_roots=True,
        )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The DER signature over ``data``, whose digest is always SHA-256 here."""
        assert digest_algorithm == _HASH
        assert not dry_run
        return self._signer.sign(data)


class _PageWriter(IncrementalPdfFileWriter):
    """Adds the signature and nothing else: title, dates and PDF/A marks stay as the page was set."""

    def _prep_dom_for_writing(self) -> None:
        """Pass over the library's rewriting of the metadata, which would take the time from the machine."""


def sign_pdf(pdf: bytes, signer: DocumentSigner, signed_at: datetime) -> bytes:
    """The PDF with one invisible certifying signature, DocMDP 1, chain embedded, ``signed_at`` as declared time.

    Raises KezhengError ``document_key_not_in_force`` when the certificate does not cover ``signed_at``, RuntimeError
    inside a coroutine.
    """
    signer.require_in_force(signed_at)
    writer = _PageWriter(BytesIO(pdf))
    writer.register_extension(ESIC_EXTENSION_1)
    field = SigFieldSpec(FIELD_NAME)
    steps = PdfCMSEmbedder(new_field_spec=field).write_cms(field_name=FIELD_NAME, writer=writer)
    next(steps)
    placeholder = SignatureObject(timestamp=signed_at, subfilter=SigSeedSubFilter.PADES, bytes_reserved=_RESERVED)
    permissions = SigMDPSetup(md_algorithm=_HASH, certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
    steps.send(SigObjSetup(sig_placeholder=placeholder, mdp_setup=permissions))
    prepared, output = steps.send(SigIOSetup(md_algorithm=_HASH))
    signing = _CmsSigner(signer).async_sign(
        prepared.document_digest, _HASH, use_pades=True, signed_attr_settings=PdfCMSSignedAttributes()
    )
    steps.send(asyncio.run(signing))
    assert isinstance(output, BytesIO)
    return output.getvalue()


def check_pdf_signature(pdf: bytes, ca_digests: Collection[bytes], at: datetime) -> Notice:
    """What the signature of a receipt PDF is worth at an instant, as a notice.

    ``ca_digests`` are the SHA-256 of the document CAs that the root has delegated to. Codes: ``pdf_signature_ok``;
    ``pdf_signature_missing``; ``pdf_signature_altered`` (changed, or anything was added after signing);
    ``pdf_signature_foreign`` (signed, but not under such a CA); ``pdf_signature_expired`` (the certificate does not
    cover ``at``). Never raises for a bad PDF; RuntimeError inside a coroutine. Untrusted PDFs belong into a process
    with bounded memory and time.
    """
    _refuse_inside_coroutine()
    if b"/ByteRange" not in pdf:
        return Notice("pdf_signature_missing")
    if len(pdf) > _MOST_BYTES:
        return Notice("pdf_signature_altered")
    try:
        return Notice(_code(pdf, ca_digests, at))
    except Exception:
        # Strangers' bytes break the reader in more ways than it has names for; all of them mean one thing here.
        return Notice("pdf_signature_altered")


def _refuse_inside_coroutine() -> None:
    """The library starts an event loop of its own; were that refused later, it would look like a bad PDF."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("to be called from a thread of its own, not from a coroutine")


def _code(pdf: bytes, ca_digests: Collection[bytes], at: datetime) -> str:
    signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
    if not signatures:
        return "pdf_signature_missing"
    # A receipt has one signature, over all of its bytes: a second one is an addition like any other.
    if len(signatures) > 1 or not _covers_everything(pdf, signatures[0]):
        return "pdf_signature_altered"
    leaf = signatures[0].signer_cert
    covers_instant = leaf.not_valid_before <= at <= leaf.not_valid_after
    # Outside its time the chain is judged for an instant inside it: a stranger's certificate stays a stranger's.
    status = _validate(signatures[0], ca_digests, at if covers_instant else leaf.not_valid_before)
    if not (status.intact and status.valid):
        return "pdf_signature_altered"
    if not status.trusted:
        return "pdf_signature_foreign"
    return "pdf_signature_ok" if covers_instant else "pdf_signature_expired"


def _covers_everything(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether all but one hexadecimal string is signed, and that string is the signature that was read, then zeros.

    The library compares lengths alone, which leaves room for other bytes in the gap.
    """
    start, before, after, rest = (int(each) for each in signature.byte_range)
    gap, value = pdf[before:after], signature.pkcs7_content
    if start != 0 or after + rest != len(pdf) or not re.fullmatch(rb"<(?:[0-9A-Fa-f]{2})+>", gap):
        return False
    is_what_was_read = bytes.fromhex(gap[1:-1].decode("ascii")) == value
    return is_what_was_read and not any(value[parser.peek(value) :])


def _validate(signature: EmbeddedPdfSignature, ca_digests: Collection[bytes], at: datetime) -> PdfSignatureStatus:
    chain = signature.other_embedded_certs
    context = ValidationContext(
        trust_roots=[each for each in chain if sha256(each.dump()).digest() in ca_digests],
        moment=at,
        allow_fetching=False,
        time_tolerance=timedelta(0),
    )
    return validate_pdf_signature(signature, context, key_usage_settings=_USAGE, skip_diff=True)
