"""The one code in a file: what `kezheng verify` does with a PNG, JPEG or PDF."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, Any, NamedTuple

from certs.errors import KezhengError
from certs.qr import read_qr_text
from registry.scanning.scan_limits import MAX_FILE_BYTES, MAX_OUTPUT_BYTES, WALL_SECONDS

# -I: no environment and no folder of the caller decides what is imported.
_COMMAND = (sys.executable, "-I", "-m", "registry.scanning.scan_child")


class ScanResult(NamedTuple):
    """What a file holds: at least one of the two, and both of the same certificate."""

    qr_text: str | None
    attachment: bytes | None
    """The envelope attached to a certificate PDF."""


def scan_file(data: bytes) -> ScanResult:
    """The code in the bytes of a PNG, JPEG or PDF, read by a process with bounded memory and time.

    Raises KezhengError: ``file_unreadable`` (no such file, damaged, or it broke the reader), ``image_too_large``,
    ``no_code_found``, ``multiple_codes`` (distinct codes, or a code and another attached certificate: which one
    would be meant is not for a program to decide).
    """
    if len(data) > MAX_FILE_BYTES:
        raise KezhengError("image_too_large")
    answer = _ask_child(data)
    if "error" in answer:
        raise KezhengError(answer["error"])
    texts: list[str] = answer["texts"]
    attachments = [b64decode(item) for item in answer["attachments"]]
    if not texts and not attachments:
        raise KezhengError("no_code_found")
    if len(texts) > 1 or len(attachments) > 1:
        raise KezhengError("multiple_codes")
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


def _ask_child(data: bytes) -> dict[str, Any]:
    with TemporaryFile() as upload:
        upload.write(data)
        upload.seek(0)
        with subprocess.Popen(
            _COMMAND, stdin=upload, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
        ) as child:
            output = _read_in_time(child)
    if child.returncode or len(output) > MAX_OUTPUT_BYTES:
        raise KezhengError("file_unreadable")
    try:
        answer = json.loads(output)
    except ValueError:
        raise KezhengError("file_unreadable") from None
    if not isinstance(answer, dict):
        raise KezhengError("file_unreadable")
    return answer


def _read_in_time(child: subprocess.Popen[bytes]) -> bytes:
    """What the child writes, up to one byte too many; it is killed when its time is over."""
    assert child.stdout is not None
    stdout: IO[bytes] = child.stdout
    alarm = Timer(WALL_SECONDS, child.kill)
    alarm.start()
    try:
        output = stdout.read(MAX_OUTPUT_BYTES + 1)
        if len(output) > MAX_OUTPUT_BYTES:
            child.kill()
        child.wait()
    finally:
        alarm.cancel()
    return output
