"""Sealing: what is signed is what was prepared, and what was recorded can be taken up again."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator import Key, World

from certs import cose
from certs.certificate import decode_claims, encode_claims
from certs.envelope import Prepared, prepare, prepared_from_record, seal
from certs.errors import KezhengError
from certs.signing_key import verify_signature

WORLD = World()
CODE = WORLD.institution()
KEY = WORLD.keys[CODE]
CLAIMS = WORLD.claims(CODE)
PREPARED = prepare(CLAIMS, KEY.kid)


def test_an_envelope_holds_what_was_prepared_and_a_signature_over_it() -> None:
    envelope = seal(PREPARED, KEY.sign(PREPARED.to_be_signed))
    parts = cose.take_apart(envelope)
    assert (parts.kid, parts.payload, parts.to_be_signed) == PREPARED
    assert verify_signature(KEY.public_key, parts.signature, PREPARED.to_be_signed)
    assert decode_claims(parts.payload) == CLAIMS
    assert PREPARED.payload == encode_claims(CLAIMS)


def test_other_bytes_than_the_prepared_ones_are_not_sealed() -> None:
    other = encode_claims(CLAIMS._replace(name="王莉"))
    for changed in (
        PREPARED._replace(payload=other),
        PREPARED._replace(kid=Key("other").kid),
        PREPARED._replace(to_be_signed=cose.to_be_signed(PREPARED.kid, other)),
    ):
        with pytest.raises(KezhengError) as refused:
            seal(changed, bytes(64))
        assert refused.value.code == "sealed_other_bytes"


@pytest.mark.parametrize("length", [*range(30), *range(250, 262), 1023, 1024])
def test_a_payload_of_any_length_has_the_shortest_head(length: int) -> None:
    payload = bytes(length)
    envelope = cose.assemble(KEY.kid, payload, bytes(64))
    protected, unprotected, written, signature = cbor2.loads(envelope).value
    assert cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, written, signature])) == envelope
    assert cose.take_apart(envelope).payload == written == payload
    structure = cbor2.dumps(["Signature1", protected, b"", payload])
    assert cose.to_be_signed(KEY.kid, payload) == cose.take_apart(envelope).to_be_signed == structure


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_not_sealed(length: int) -> None:
    with pytest.raises(KezhengError):
        seal(PREPARED, bytes(length))


@given(st.binary(min_size=8, max_size=8), st.binary(max_size=1024))
def test_what_was_recorded_is_prepared_again(kid: bytes, payload: bytes) -> None:
    recorded = cose.to_be_signed(kid, payload)
    assert prepared_from_record(recorded) == Prepared(kid, payload, recorded)


@given(st.binary(max_size=120))
def test_a_record_of_other_bytes_is_refused(recorded: bytes) -> None:
    with pytest.raises(KezhengError) as refused:
        prepared_from_record(recorded)
    assert refused.value.code == "payload_malformed"


def test_a_record_with_any_byte_missing_or_added_is_refused() -> None:
    recorded = PREPARED.to_be_signed
    assert prepared_from_record(recorded) == PREPARED
    for place in range(len(recorded)):
        with pytest.raises(KezhengError):
            prepared_from_record(recorded[:place] + recorded[place + 1 :])
    with pytest.raises(KezhengError):
        prepared_from_record(recorded + b"\x00")


def test_what_is_signed_in_a_certificate_is_never_what_is_signed_in_a_file() -> None:
    """The structure begins with a CBOR array, a signed file with base64url: no bytes are both."""
    assert PREPARED.to_be_signed[0] == 0x84
    token = WORLD.trust_list()
    assert token[0] < 0x80
