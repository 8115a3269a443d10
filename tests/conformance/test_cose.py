"""The public COSE examples (cose-wg) against our one byte layout.

Ours is far narrower than COSE: tag 18, EdDSA and an 8-byte kid both in the protected header, nothing
unprotected. No public example is written so (they keep the kid in the unprotected header), hence all must be
refused, valid or not, web tokens of RFC 8392 among them. What the valid Ed25519 example does show is that our
bytes to be signed are those of RFC 9052.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest

from certs.cose import take_apart, to_be_signed
from certs.errors import KezhengError
from certs.signing_key import verify_signature

Files = Callable[[str], list[Path]]


def examples(files: list[Path]) -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_bytes()) for path in files}


def test_every_public_example_has_another_layout_and_is_refused(vector_files: Files) -> None:
    found = examples(vector_files("cose/*/*.json"))
    assert len(found) >= 19
    for name, example in found.items():
        with pytest.raises(KezhengError) as refused:
            take_apart(bytes.fromhex(example["output"]["cbor"]))
        assert refused.value.code == "payload_malformed", name


def test_the_bytes_to_be_signed_are_those_of_the_standard(vector_files: Files) -> None:
    [example] = examples(vector_files("cose/eddsa-examples/eddsa-sig-01.json")).values()
    their_protected, _, payload, signature = cbor2.loads(bytes.fromhex(example["output"]["cbor"])).value
    theirs = bytes.fromhex(example["intermediates"]["ToBeSign_hex"])
    public_key = bytes.fromhex(example["input"]["sign0"]["key"]["x_hex"])
    assert verify_signature(public_key, signature, theirs)

    kid = bytes(range(8))
    our_protected = cbor2.dumps({1: -8, 4: kid})
    same_but_for_the_header = theirs.replace(cbor2.dumps(their_protected), cbor2.dumps(our_protected))
    assert to_be_signed(kid, payload) == same_but_for_the_header
