"""Texts made to break readers, offered as a QR code: none crashes, none comes near being a certificate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from certs.cose import take_apart
from certs.errors import KezhengError
from certs.qr import base32, read_payload, read_qr_text

Files = Callable[[str], list[Path]]
REFUSALS = {"not_a_certificate_code", "payload_malformed", "payload_truncated", "payload_too_large"}


def disguises(text: str) -> Iterator[str]:
    """The text itself, behind our address, and as the bytes of a payload."""
    yield text
    yield f"HTTPS://VERIFY.EXAMPLE.CN/V/{text}"
    yield f"https://verify.example.cn/v/{base32(text.encode('utf-8', 'surrogateescape'))}"


def outcome(text: str) -> str:
    try:
        take_apart(read_qr_text(text).envelope)
    except KezhengError as error:
        return error.code
    return "taken for an envelope"


def outcome_of_payload(text: str) -> str:
    try:
        take_apart(read_payload(text))
    except KezhengError as error:
        return error.code
    return "taken for an envelope"


def assert_refused(texts: list[str]) -> None:
    for text in texts:
        for disguised in disguises(text):
            assert outcome(disguised) in REFUSALS, disguised[:200]
        assert outcome_of_payload(text) in REFUSALS, text[:200]


def test_naughty_strings_are_refused(vector_files: Files) -> None:
    [path] = vector_files("strings/blns.json")
    texts = json.loads(path.read_bytes())
    assert len(texts) > 500
    assert_refused(texts)


def test_codes_of_the_european_certificate_are_refused(vector_files: Files) -> None:
    """Real COSE_Sign1 in QR codes, of another issuer and purpose, among them broken ones."""
    [path] = vector_files("dcc/dcc-testdata.json")
    cases = json.loads(path.read_bytes())["cases"]
    assert len(cases) == 84
    texts = [
        case[stage] for case in cases for stage in ("prefix", "base45", "compressed", "cose") if case[stage]
    ]
    assert_refused(texts)
    for case in cases:
        envelope = bytes.fromhex(case["cose"] or "")
        assert outcome(f"https://verify.example.cn/v/{base32(envelope)}") in REFUSALS, case["file"]


def test_broken_json_is_refused(vector_files: Files) -> None:
    files = vector_files("json/test_parsing/*.json")
    assert_refused([path.read_bytes().decode("utf-8", "surrogateescape") for path in files])
