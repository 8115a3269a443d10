"""The two canonical encodings, against the rules of their standards."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import World

from certs.canonical import decode_cbor, decode_json, encode_cbor, encode_json
from certs.certificate import decode_claims, encode_claims
from certs.errors import KezhengError

CLAIMS = World().claims("P000115000001")


def refusal(data: bytes) -> str:
    with pytest.raises(KezhengError) as refused:
        decode_cbor(data)
    return refused.value.code


scalars = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=40) | st.binary(max_size=40)
members = st.dictionaries(st.integers(-70_000, 70_000), scalars, max_size=6)


def in_key_order(value: dict[int, Any]) -> dict[int, Any]:
    return dict(sorted(value.items(), key=lambda item: cbor2.dumps(item[0])))


@given(members)
def test_what_is_given_in_key_order_is_encoded_as_the_library_does_canonically(value: dict[int, Any]) -> None:
    """Ours keeps the order given; for keys of one length, and for all of ours, that is RFC 8949 §4.2.1."""
    by_length = dict(sorted(value.items(), key=lambda item: (len(cbor2.dumps(item[0])), cbor2.dumps(item[0]))))
    assert encode_cbor(by_length) == cbor2.dumps(value, canonical=True)
    assert decode_cbor(encode_cbor(in_key_order(value))) == value


def test_our_own_keys_sort_the_same_by_bytes_and_by_length_first() -> None:
    whole = cbor2.loads(encode_claims(CLAIMS._replace(expires_at=CLAIMS.issued_at)))
    for keys in (list(whole), list(whole[-65537])):
        encoded = [cbor2.dumps(key) for key in keys]
        assert encoded == sorted(encoded) == sorted(encoded, key=lambda key: (len(key), key))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", ""),
        ("trailing byte", "0000"),
        ("two items", "0101"),
        ("integer longer than need be", "1800"),
        ("integer in eight bytes", "1b0000000000000001"),
        ("negative longer than need be", "3800"),
        ("bignum for a small integer", "c24101"),
        ("length of a text longer than need be", "780161"),
        ("length of bytes longer than need be", "580100"),
        ("indefinite bytes", "5f4100ff"),
        ("indefinite text", "7f6161ff"),
        ("indefinite array", "9fff"),
        ("indefinite map", "bfff"),
        ("duplicate key", "a200010002"),
        ("half a float", "f93e00"),
        ("single float", "fa3fc00000"),
        ("text that is not UTF-8", "61ff"),
        ("cut", "a106"),
        ("reserved", "1c"),
        ("lone break", "ff"),
        ("time as a tag", "c11a00000000"),
        ("a regular expression", "d8236128"),
        ("a shared value that holds itself", "d81c81d81d00"),
        ("nested deeper than ours", "818181818100"),
    ],
)
def test_any_other_encoding_is_refused(name: str, data: str) -> None:
    assert refusal(bytes.fromhex(data)) == "claims_not_canonical", name


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_what_is_read_is_written_again_byte_for_byte(data: bytes) -> None:
    try:
        value = decode_cbor(data)
    except KezhengError:
        assert refusal(data) == "claims_not_canonical"
    else:
        assert encode_cbor(value) == data


def swapped(data: bytes) -> bytes:
    """The claims with two members of the outer map in the other order, which the length of the map allows."""
    whole = cbor2.loads(data)
    return cbor2.dumps({7: whole[7], 6: whole[6], -65537: whole[-65537]})


def with_keys(outer: Any = lambda key: key, inner: Any = lambda key: key) -> bytes:
    whole = cbor2.loads(encode_claims(CLAIMS))
    body = {inner(key): value for key, value in whole[-65537].items()}
    return cbor2.dumps({outer(key): body if key == -65537 else value for key, value in whole.items()})


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("members in another order", swapped(encode_claims(CLAIMS))),
        ("a key as a float", with_keys(outer=lambda key: float(key) if key == 6 else key)),
        ("the private key as a float", with_keys(outer=lambda key: float(key) if key < 0 else key)),
        ("the first key as true", with_keys(inner=lambda key: True if key == 1 else key)),
        ("a key of the body as a float", with_keys(inner=lambda key: 5.0 if key == 5 else key)),
        ("keys as text", with_keys(inner=str)),
    ],
)
def test_claims_have_one_encoding(name: str, payload: bytes) -> None:
    """A number equal to a key is not the key: else one certificate would have several readings of its bytes."""
    with pytest.raises(KezhengError) as refused:
        decode_claims(payload)
    assert refused.value.code in ("claims_malformed", "claims_not_canonical"), name
    assert decode_claims(with_keys()) == CLAIMS


# --- JSON

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcXYZ_09", max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_is_sorted_tight_and_utf8(value: Any) -> None:
    written = encode_json(value)
    assert decode_json(written) == value
    assert json.loads(written) == value
    assert encode_json(decode_json(written)) == written
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert len(plain) >= len(written) or "\\u" in written.decode()


NO_JSON = [b"", b"{", b"nan", b"NaN", b"Infinity", b"\xff", b"{}{}", b"'x'", b"[1,]", b"01", b"[" * 5000]


@pytest.mark.parametrize("data", NO_JSON)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(KezhengError) as refused:
        decode_json(data)
    assert refused.value.code == "json_malformed"
