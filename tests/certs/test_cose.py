"""The one byte layout of an envelope: everything else is refused, each with its code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs import cose
from certs.errors import KezhengError

KID, SIGNATURE = bytes(range(8)), bytes(range(64))
PAYLOAD = b"\xa3" + bytes(80)
ENVELOPE = cose.assemble(KID, PAYLOAD, SIGNATURE)


def code_of(envelope: bytes) -> str:
    with pytest.raises(KezhengError) as refused:
        cose.take_apart(envelope)
    return refused.value.code


@given(
    kid=st.binary(min_size=8, max_size=8),
    payload=st.binary(max_size=1024),
    signature=st.binary(min_size=64, max_size=64),
)
def test_what_is_assembled_is_taken_apart_again(kid: bytes, payload: bytes, signature: bytes) -> None:
    parts = cose.take_apart(cose.assemble(kid, payload, signature))
    assert (parts.kid, parts.payload, parts.signature) == (kid, payload, signature)
    assert parts.to_be_signed == cose.to_be_signed(kid, payload)


def test_the_layout_is_the_documented_one() -> None:
    head = bytes.fromhex("d2844da201270448") + KID + b"\xa0" + bytes([0x58, len(PAYLOAD)]) + PAYLOAD
    assert head + b"\x58\x40" + SIGNATURE == ENVELOPE


@pytest.mark.parametrize(
    ("name", "envelope"),
    [
        ("no tag 18", ENVELOPE[1:]),
        ("tag 61 before", b"\xd8\x3d" + ENVELOPE),
        ("array of five", b"\xd2\x85" + ENVELOPE[2:] + b"\xa0"),
        ("kid unprotected", b"\xd2\x84\x43\xa1\x01\x27\xa1\x04\x48" + KID + ENVELOPE[17:]),
        ("algorithm twice", ENVELOPE[:3] + b"\xa3\x01\x27\x01\x27\x04\x48" + ENVELOPE[8:]),
        ("algorithm -7", ENVELOPE[:5] + b"\x26" + ENVELOPE[6:]),
        ("crit in protected", ENVELOPE[:2] + b"\x50\xa3\x01\x27\x02\x80\x04\x48" + ENVELOPE[8:]),
        ("counter-signature unprotected", ENVELOPE[:16] + b"\xa1\x0b\x40" + ENVELOPE[17:]),
        ("long head of the payload", ENVELOPE[:17] + b"\x59\x00" + ENVELOPE[18:]),
        ("indefinite payload", ENVELOPE[:17] + b"\x5f" + ENVELOPE[17:] + b"\xff"),
        ("detached payload", ENVELOPE[:17] + b"\xf6" + ENVELOPE[-66:]),
        ("text payload", ENVELOPE[:17] + b"\x78" + ENVELOPE[18:]),
        ("long head of the signature", ENVELOPE[:-66] + b"\x59\x00\x40" + SIGNATURE),
        ("trailing byte", ENVELOPE + b"\x00"),
        ("trailing copy", ENVELOPE + ENVELOPE),
        ("other bytes", b"\x00" * len(ENVELOPE)),
    ],
)
def test_any_other_layout_is_malformed(name: str, envelope: bytes) -> None:
    assert code_of(envelope) == "payload_malformed", name


def test_every_shorter_envelope_is_truncated() -> None:
    assert {code_of(ENVELOPE[:length]) for length in range(len(ENVELOPE))} == {"payload_truncated"}


def test_a_payload_over_the_bound_is_too_large() -> None:
    assert code_of(cose.assemble(KID, bytes(1025), SIGNATURE)) == "payload_too_large"


@given(st.binary(max_size=300))
def test_arbitrary_bytes_end_in_a_code(envelope: bytes) -> None:
    try:
        parts = cose.take_apart(envelope)
    except KezhengError as error:
        assert error.code in {"payload_truncated", "payload_malformed", "payload_too_large"}
    else:
        assert cose.assemble(parts.kid, parts.payload, parts.signature) == envelope


@given(st.data())
def test_what_is_taken_apart_is_what_its_parts_make(data: st.DataObject) -> None:
    """Any bytes anywhere, at every length that a certificate has: taken apart as assembled, or not at all."""
    envelope = cose.assemble(KID, bytes(data.draw(st.integers(0, 300))), SIGNATURE)
    place = data.draw(st.integers(0, len(envelope)))
    cut = data.draw(st.integers(0, 4))
    changed = envelope[:place] + data.draw(st.binary(max_size=4)) + envelope[place + cut :]
    try:
        parts = cose.take_apart(changed)
    except KezhengError as error:
        assert error.code in ("payload_truncated", "payload_malformed", "payload_too_large")
    else:
        assert cose.assemble(parts.kid, parts.payload, parts.signature) == changed
        assert parts.to_be_signed == cose.to_be_signed(parts.kid, parts.payload)
