"""A receipt for people: the signed PDF page with the receipt attached, and a picture of that page."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from io import BytesIO
from threading import Lock
from typing import Any

import pypdfium2

from certs.canonical import decode_json
from certs.errors import KezhengError
from certs.jws import unverified_payload
from certs.receipt_bundle import report_of_bundle
from certs.timestamps import instant_from_epoch
from keys.document_keys import DocumentSigner, certify_document_keys, document_signer
from registry.home import Home
from registry.receipts.pades import sign_pdf
from registry.rendering.receipt_face import ReceiptFace, ReceiptIssue, receipt_face
from registry.rendering.receipt_pdf import ReceiptPrinter

PICTURE_WIDTH = 1440
"""Pixels, as for the picture of a certificate."""
_GREYS_AND_TONES = 64
_PDFIUM = Lock()
"""PDFium may be used by one thread at a time."""


class ReceiptPaper:
    """Prints receipts of one open home; may be asked from several threads, not from a coroutine."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._printer = ReceiptPrinter()
        self._signer: DocumentSigner | None = None
        self._certifying = Lock()

    def pdf(self, document: bytes) -> bytes:
        """The page of a counter-signed receipt that this home made, with the receipt attached.

        Raises KezhengError ``document_key_not_in_force`` when no certificate covers the time of the check.
        """
        bundle = bundle_of(document)
        checked_at = instant_from_epoch(bundle["checked_at"])
        page = self._printer.render_pdf(self._face(bundle), document)
        return sign_pdf(page, self._signer_for(checked_at), checked_at)

    def picture(self, document: bytes) -> bytes:
        """The page as a PNG, 1440 pixels wide."""
        pdf = self.pdf(document)
        with _PDFIUM, closing(pypdfium2.PdfDocument(pdf)) as opened:
            page = opened[0]
            image = page.render(scale=PICTURE_WIDTH / page.get_width()).to_pil()
        buffer = BytesIO()
        image.quantize(_GREYS_AND_TONES).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _face(self, bundle: dict[str, Any]) -> ReceiptFace:
        settings, digest = self._home.settings, bundle["envelope_digest"]
        issue = ReceiptIssue(
            registry_name=settings.registry_name,
            public_url=settings.public_url,
            root_fingerprint=self._home.root_fingerprint,
            envelope_digest=None if digest is None else bytes.fromhex(digest),
            environment=settings.environment,
        )
        return receipt_face(report_of_bundle(bundle), issue)

    def _signer_for(self, at: datetime) -> DocumentSigner:
        """The document key in force; a leaf near its end is renewed first."""
        with self._certifying:
            if self._signer is None or not _covers(self._signer, at):
                keystore, settings = self._home.keystore, self._home.settings
                certify_document_keys(keystore, settings.keys_folder, settings.registry_name, at)
                self._signer = document_signer(keystore, settings.keys_folder)
            return self._signer


def bundle_of(document: bytes) -> dict[str, Any]:
    """The bundle of a counter-signed receipt that this home itself has made; nothing is checked."""
    members = decode_json(document)
    return unverified_payload(members["receipt"].encode("ascii"))


def _covers(signer: DocumentSigner, at: datetime) -> bool:
    try:
        signer.require_in_force(at)
    except KezhengError:
        return False
    return True
