"""The one code in a file: what `kezheng verify` does with a PNG, JPEG or PDF."""

from __future__ import annotations

from base64 import b64decode
from typing import NamedTuple

from certs.errors import KezhengError
from certs.qr import read_qr_text
from registry.scanning.confinement import ask_child
from registry.scanning.scan_limits import MAX_FILE_BYTES

_CHILD = "registry.scanning.scan_child"


class ScanResult(NamedTuple):
    """What a file holds: a code, an attached certificate or both, of the same certificate; or a receipt alone."""

    qr_text: str | None
    attachment: bytes | None
    """The envelope attached to a certificate PDF."""
    receipt: bytes | None = None
    """The ``receipt.json`` attached to a receipt PDF."""


def scan_file(data: bytes) -> ScanResult:
    """The code in the bytes of a PNG, JPEG or PDF, read by a process with bounded memory and time.

    Raises KezhengError: ``file_unreadable`` (no such file, damaged, or it broke the reader), ``image_too_large``,
    ``no_code_found``, ``multiple_codes`` (distinct codes, a code and another attached certificate, or a receipt
    beside one of these: which one would be meant is not for a program to decide).
    """
    if len(data) > MAX_FILE_BYTES:
        raise KezhengError("image_too_large")
    answer = ask_child(_CHILD, data)
    if "error" in answer:
        raise KezhengError(answer["error"])
    texts: list[str] = answer["texts"]
    attachments = [b64decode(item) for item in answer["attachments"]]
    receipts = [b64decode(item) for item in answer["receipts"]]
    if not texts and not attachments and not receipts:
        raise KezhengError("no_code_found")
    if len(texts) > 1 or len(attachments) > 1 or len(receipts) > 1 or (receipts and (texts or attachments)):
        raise KezhengError("multiple_codes")
    if receipts:
        return ScanResult(None, None, receipts[0])
    result = ScanResult(texts[0] if texts else None, attachments[0] if attachments else None)
    _refuse_disagreement(result)
    return result


def _refuse_disagreement(result: ScanResult) -> None:
    if result.qr_text is None or result.attachment is None:
        return
    try:
        shown = read_qr_text(result.qr_text).envelope
    except KezhengError:
        shown = b""
    if shown != result.attachment:
        raise KezhengError("multiple_codes")
