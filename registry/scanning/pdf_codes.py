"""QR codes on the pages of a PDF, and the signed certificate or receipt that is attached to ours."""

from __future__ import annotations

import pypdfium2
import pypdfium2.raw as pdfium

from certs.errors import KezhengError
from registry.rendering.certificate_face import ATTACHMENT_NAME as CERTIFICATE_NAME
from registry.rendering.receipt_face import ATTACHMENT_NAME as RECEIPT_NAME
from registry.scanning.image_codes import texts_in_image
from registry.scanning.scan_limits import (
    MAX_ATTACHMENTS,
    MAX_ENVELOPE_BYTES,
    MAX_PAGE_OBJECTS,
    MAX_PAGE_PIXELS,
    MAX_PAGES,
    MAX_RECEIPT_BYTES,
)

_POINTS_PER_INCH = 72
_RESOLUTIONS = (200, 350)
"""Dots per inch; a code of 35 mm has four dots per module at the first, for smaller ones there is the second."""


def open_pdf(data: bytes) -> pypdfium2.PdfDocument:
    """Raises KezhengError ``file_unreadable`` (also for a password), ``image_too_large`` for too many pages."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        raise KezhengError("file_unreadable") from None
    if len(document) > MAX_PAGES:
        raise KezhengError("image_too_large")
    return document


def texts_in_pdf(document: pypdfium2.PdfDocument) -> set[str]:
    """The texts of the QR codes on all pages, as they are seen; errors as `open_pdf` and `texts_in_image`."""
    try:
        return set().union(*(_texts_on_page(page) for page in document))
    except pypdfium2.PdfiumError:
        raise KezhengError("file_unreadable") from None


def attached_envelopes(document: pypdfium2.PdfDocument) -> set[bytes]:
    """The distinct attachments under the name of ours that have the size of an envelope."""
    return _attached(document, CERTIFICATE_NAME, MAX_ENVELOPE_BYTES)


def attached_receipts(document: pypdfium2.PdfDocument) -> set[bytes]:
    """The distinct attachments under the name of a receipt."""
    return _attached(document, RECEIPT_NAME, MAX_RECEIPT_BYTES)


def _attached(document: pypdfium2.PdfDocument, name: str, most_bytes: int) -> set[bytes]:
    count = document.count_attachments()
    if count > MAX_ATTACHMENTS:
        raise KezhengError("image_too_large")
    attachments = (document.get_attachment(index) for index in range(count))
    try:
        contents = {bytes(item.get_data()) for item in attachments if item.get_name() == name}
    except pypdfium2.PdfiumError:
        raise KezhengError("file_unreadable") from None
    return {content for content in contents if 0 < len(content) <= most_bytes}


def _texts_on_page(page: pypdfium2.PdfPage) -> set[str]:
    if pdfium.FPDFPage_CountObjects(page) > MAX_PAGE_OBJECTS:
        raise KezhengError("image_too_large")
    width, height = page.get_size()
    if not width > 0 or not height > 0:
        return set()
    fitting = (MAX_PAGE_PIXELS / (width * height)) ** 0.5
    for resolution in _RESOLUTIONS:
        scale = min(resolution / _POINTS_PER_INCH, fitting)
        found = texts_in_image(page.render(scale=scale, grayscale=True).to_pil())
        if found:
            return found
    return set()
