"""The examples of RFC 8949 appendix A against our reading of deterministic CBOR."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certs.canonical import decode_cbor, encode_cbor
from certs.certificate import claims_from_members
from certs.errors import KezhengError

Files = Callable[[str], list[Path]]

NOT_OURS = {
    "f818": "simple value 24 in two bytes, which RFC 8949 §3.3 says is not well-formed",
    "c11a514b67b0": "a tagged time is read as a calendar value and written back as text",
    "c1fb41d452d9ec200000": "a tagged time is read as a calendar value and written back as text",
}
"""Examples that any reader may return and ours refuses, and why: dates in certificates are plain integers."""
SHORT_FLOATS = ("f9", "fa")
"""First bytes of floating-point numbers in two and four bytes: nothing that is signed holds one, see the last test."""


@pytest.fixture
def examples(vector_files: Files) -> list[dict[str, Any]]:
    [path] = vector_files("cbor/rfc8949_appendix_a.json")
    found: list[dict[str, Any]] = json.loads(path.read_bytes())
    assert len(found) == 82
    return found


def test_deterministic_examples_are_read_and_all_others_refused(examples: list[dict[str, Any]]) -> None:
    for example in examples:
        data = bytes.fromhex(example["hex"])
        if example["hex"].startswith(SHORT_FLOATS):
            continue
        if example["roundtrip"] and example["hex"] not in NOT_OURS:
            value = decode_cbor(data)
            assert encode_cbor(value) == data
            assert "decoded" not in example or value == example["decoded"]
        else:
            with pytest.raises(KezhengError, match="claims_not_canonical"):
                decode_cbor(data)


def test_a_byte_after_an_example_or_one_missing_is_refused(examples: list[dict[str, Any]]) -> None:
    for example in examples:
        data = bytes.fromhex(example["hex"])
        for altered in (data + b"\x00", data[:-1]):
            with pytest.raises(KezhengError, match="claims_not_canonical"):
                decode_cbor(altered)


def test_no_example_is_the_claims_of_a_certificate(examples: list[dict[str, Any]]) -> None:
    for example in examples:
        with pytest.raises(KezhengError):
            claims_from_members(decode_cbor(bytes.fromhex(example["hex"])))
