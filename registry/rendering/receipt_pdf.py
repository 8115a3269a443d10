"""A receipt as one A4 page, PDF/A-3b, with the bundle that it rests on attached; not signed yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typst

from certs.errors import KezhengError
from registry.rendering import receipt_face as form
from registry.rendering.receipt_face import ReceiptFace
from registry.rendering.typst_page import PageCompiler, bytes_expression, moment_values, values_expression

_FORMS_FOLDER = Path(__file__).parent


class ReceiptPrinter:
    """Renders receipts; keep one per process, its compiler remembers the fonts."""

    def __init__(self) -> None:
        """Raises KezhengError ``fonts_missing``."""
        self._compiler = PageCompiler(_FORMS_FOLDER)

    def render_pdf(self, face: ReceiptFace, bundle: bytes) -> bytes:
        """The page with ``bundle``, a JSON document, attached as ``receipt.json``.

        The same face and bundle give the same bytes. Raises KezhengError ``receipt_not_rendered``.
        """
        source = (
            '#import "receipt_form/receipt.typ": receipt\n'
            f"#receipt({values_expression(_page_values(face))}, {bytes_expression(bundle)})"
        )
        try:
            return self._compiler.pdf_a(source, face.checked_at)
        except typst.TypstError as error:
            raise KezhengError("receipt_not_rendered", detail=error.message) from error


def _page_values(face: ReceiptFace) -> dict[str, Any]:
    """Everything that the form prints, as JSON values; the names are those of the .typ file."""
    signature_zh, signature_en = form.signature_lines(face)
    return {
        "title_zh": form.TITLE_ZH,
        "title_en": form.TITLE_EN,
        "tone": face.tone,
        "headline": face.headline,
        "summary": face.summary,
        "check_id": face.check_id,
        "checked_at": form.moment_text(face.checked_at),
        "facts": [line._asdict() for line in face.facts],
        "checks": [check._asdict() for check in face.checks],
        "notices": face.notices,
        "foot": form.foot_lines(face),
        "technical": form.technical_lines(face),
        "signature_zh": signature_zh,
        "signature_en": signature_en,
        "issuer": face.issue.registry_name,
        "demo": form.demo_words(face),
        "attachment_name": form.ATTACHMENT_NAME,
        "attachment": form.ATTACHMENT_NOTE,
        "checked_utc": moment_values(face.checked_at),
    }
