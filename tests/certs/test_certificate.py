"""Claims: the exact bytes, exact types, and the refusal of every other encoding."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.canonical import encode_cbor
from certs.certificate import CertificateClaims, decode_claims, encode_claims, peek_issued_at
from certs.errors import KezhengError
from certs.grades import Grade

CLAIMS = CertificateClaims(
    number="P000115000001262000123M",
    issued_at=datetime(2026, 11, 20, 6, 2, 33, tzinfo=UTC),
    expires_at=None,
    name="张小明",
    id_tail="123X",
    occupation_code="2-02-38-05",
    direction=2,
    grade=Grade.INTERMEDIATE,
    assessed_on=date(2026, 10, 20),
    status_index=131_073,
)
texts = st.text(alphabet="张王小明·abcXYZ", min_size=1, max_size=25)
instants = st.datetimes(datetime(2021, 1, 1), datetime(2100, 1, 1)).map(lambda d: d.replace(microsecond=0, tzinfo=UTC))


def members() -> dict[int, Any]:
    loaded: dict[int, Any] = cbor2.loads(encode_claims(CLAIMS))
    return loaded


def code_of(payload: bytes) -> str:
    with pytest.raises(KezhengError) as refused:
        decode_claims(payload)
    return refused.value.code


@given(
    st.builds(
        CertificateClaims,
        number=st.just(CLAIMS.number),
        issued_at=instants,
        expires_at=st.none() | instants,
        name=texts,
        id_tail=st.just("123X"),
        occupation_code=st.just("2-02-38-05"),
        direction=st.none() | st.integers(0, 65536) | texts,
        grade=st.sampled_from(Grade),
        assessed_on=st.dates(date(2021, 1, 1), date(2100, 1, 1)),
        status_index=st.integers(0, 2**40),
    )
)
def test_claims_survive_their_encoding(claims: CertificateClaims) -> None:
    payload = encode_claims(claims)
    assert decode_claims(payload) == claims
    assert peek_issued_at(payload) == int(claims.issued_at.timestamp())


def test_integer_keys_sort_the_same_bytewise_and_length_first() -> None:
    bytewise = sorted((encode_cbor(key) for key in members()), key=lambda key: key)
    length_first = sorted((encode_cbor(key) for key in members()), key=lambda key: (len(key), key))
    assert bytewise == length_first


@pytest.mark.parametrize("changes", [{}, {"direction": None}, {"expires_at": CLAIMS.issued_at}, {"direction": "方向"}])
def test_the_bytes_are_those_of_the_library_s_canonical_encoding(changes: dict[str, Any]) -> None:
    payload = encode_claims(CLAIMS._replace(**changes))
    assert cbor2.dumps(cbor2.loads(payload), canonical=True) == payload


def test_cti_is_a_byte_string_and_the_body_stands_under_the_private_claim() -> None:
    assert members()[7] == CLAIMS.number.encode()
    assert set(members()) == {6, 7, -65537}
    assert members()[-65537] == {1: "张小明", 2: "123X", 3: "2-02-38-05", 4: 2, 5: 2, 6: 20746, 7: 131073}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("trailing byte", encode_claims(CLAIMS) + b"\x00"),
        ("indefinite map", b"\xbf" + encode_claims(CLAIMS)[1:] + b"\xff"),
        ("long integer", encode_claims(CLAIMS).replace(b"\x06\x1a", b"\x06\x1b\x00\x00\x00\x00", 1)),
        ("other key order", cbor2.dumps(dict(reversed(members().items())))),
        ("duplicate key", b"\xa4" + encode_claims(CLAIMS)[1:] + b"\x06\x01"),
        ("tagged number", encode_claims(CLAIMS).replace(b"\x06\x1a", b"\x06\xc1\x1a", 1)),
        ("a regular expression", cbor2.dumps(cbor2.CBORTag(35, "(a+)+$"))),
        ("a huge decimal", bytes.fromhex("c4821a3b9ac9ff01")),
        ("a list that holds itself", bytes.fromhex("d81c81d81d00")),
        ("deep nesting", b"\x81" * 500 + b"\x00"),
        ("nothing", b""),
        ("cut", encode_claims(CLAIMS)[:-1]),
        ("a lone break", b"\xff"),
    ],
)
def test_encodings_that_are_not_deterministic_are_refused(name: str, payload: bytes) -> None:
    assert code_of(payload) in {"claims_not_canonical", "claims_malformed"}, name


def changed(path: tuple[int, ...], value: Any) -> bytes:
    whole = members()
    target = whole
    for key in path[:-1]:
        target = target[key]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return cbor2.dumps(whole, canonical=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((6,), None),
        ((6,), 1.5),
        ((6,), True),
        ((6,), Decimal(5)),
        ((6,), -1),
        ((6,), 253_402_300_800),
        ((7,), None),
        ((7,), "P000115000001262000123M"),
        ((7,), b""),
        ((7,), b"\xff\xfe"),
        ((4,), 1.0),
        ((1,), "issuer"),
        ((-65537,), {}),
        ((-65537,), [1]),
        ((-65537, 1), None),
        ((-65537, 1), b"abc"),
        ((-65537, 1), ""),
        ((-65537, 1), "a" * 61),
        ((-65537, 1), "e\u0301"),
        ((-65537, 2), "12345"),
        ((-65537, 3), 5),
        ((-65537, 4), True),
        ((-65537, 4), -1),
        ((-65537, 4), ""),
        ((-65537, 5), 0),
        ((-65537, 5), 4),
        ((-65537, 5), True),
        ((-65537, 6), -1),
        ((-65537, 6), "2026-10-20"),
        ((-65537, 7), 2**40 + 1),
        ((-65537, 8), 1),
    ],
)
def test_members_of_another_kind_are_malformed(path: tuple[int, ...], value: Any) -> None:
    short_float = isinstance(value, float)
    assert code_of(changed(path, value)) == ("claims_not_canonical" if short_float else "claims_malformed")


def test_another_format_version_is_named() -> None:
    other = members()
    other[-65538] = other.pop(-65537)
    assert code_of(cbor2.dumps(other, canonical=True)) == "envelope_version_unsupported"


def test_something_that_is_no_map_is_malformed() -> None:
    assert code_of(encode_cbor([1, 2])) == "claims_malformed"


@given(st.binary(max_size=120))
def test_arbitrary_signed_bytes_end_in_a_code(payload: bytes) -> None:
    assert code_of(payload) in {"claims_not_canonical", "claims_malformed", "envelope_version_unsupported"}


@given(st.binary(max_size=40))
def test_the_issue_time_of_strangers_is_read_by_position_only(payload: bytes) -> None:
    seconds = peek_issued_at(payload)
    assert seconds is None or payload[payload.index(seconds.to_bytes(4, "big")) - 2 :][:2] == b"\x06\x1a"
