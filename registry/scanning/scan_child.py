"""The process that looks into one file: bytes on stdin, a JSON answer on stdout, nothing else.

``{"texts": [...], "attachments": [base64, ...], "receipts": [base64, ...]}`` or ``{"error": code}``. Decoders of
pictures and PDFs are large programs in C; a file that breaks one of them breaks this process, which holds nothing and
can do nothing.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from certs.errors import KezhengError
from registry.scanning.confinement import confine
from registry.scanning.image_codes import texts_in_image
from registry.scanning.pdf_codes import attached_envelopes, attached_receipts, open_pdf, texts_in_pdf
from registry.scanning.scan_limits import MAX_PIXELS

_KINDS = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"%PDF-", "PDF"))
_PDF_HEADER_WITHIN = 1024


def main() -> None:
    """Answer for the file on stdin within this process's limits."""
    confine()
    try:
        answer = look_into(sys.stdin.buffer.read())
    except KezhengError as error:
        answer = {"error": error.code}
    except MemoryError:
        answer = {"error": "image_too_large"}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()


def look_into(data: bytes) -> dict[str, list[str] | str]:
    """The texts of all codes, the attached certificates and receipts of one PNG, JPEG or PDF file.

    Raises KezhengError ``file_unreadable``, ``image_too_large``.
    """
    kind = _kind(data)
    if kind == "PDF":
        document = open_pdf(data)
        attached = {"attachments": attached_envelopes(document), "receipts": attached_receipts(document)}
        encoded = {name: [b64encode(item).decode() for item in sorted(items)] for name, items in attached.items()}
        return {"texts": sorted(texts_in_pdf(document)), **encoded}
    return {"texts": sorted(texts_in_image(_open_image(data, kind))), "attachments": [], "receipts": []}


def _kind(data: bytes) -> str:
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        return "PDF"
    raise KezhengError("file_unreadable")


def _open_image(data: bytes, kind: str) -> Image.Image:
    """The picture, decoded only when its size, read from its head, is within the limit."""
    Image.MAX_IMAGE_PIXELS = None  # ours is asked before decoding
    try:
        image = Image.open(BytesIO(data), formats=[kind])
        if image.width * image.height > MAX_PIXELS:
            raise KezhengError("image_too_large")
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        # What Pillow raises for damaged files, by its plugins' own accounts.
        raise KezhengError("file_unreadable") from None
    return image


if __name__ == "__main__":
    main()
