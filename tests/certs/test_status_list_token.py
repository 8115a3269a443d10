"""Status List Tokens: one form of JWT and one of CWT under the status key, and nothing else is read."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import Key, World

from certs import jws
from certs.errors import KezhengError
from certs.jws import STATUS_TYPE
from certs.signing_key import base64url
from certs.status_array import compress, pack
from certs.status_list import LIST_SIZE
from certs.status_list_token import (
    CWT_TYPE,
    JWT_TYPE,
    MAX_CWT_BYTES,
    assemble_cwt,
    cwt_claims,
    cwt_signing_input,
    jwt_claims,
    jwt_signing_input,
    open_status_list_cwt,
    open_status_list_jwt,
)
from certs.token_status_list import ARRAY_LENGTH, Period, TokenState, TokenStatusList, read_token_list

KEY, OTHER = Key("status"), Key("list")
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
IAT, EXP = 1795154400, 1795413600
PERIOD = Period(NOW, NOW + timedelta(hours=72), timedelta(minutes=5))
URI = "https://verify.example.cn/published/status/lists/3.jwt"
ARRAY = pack({0: 1, 5: 2, LIST_SIZE - 1: 1}, LIST_SIZE, 2)
LIST = read_token_list(URI, PERIOD, compress(ARRAY))


def jwt_of(made: TokenStatusList, key: Key = KEY) -> bytes:
    signed = jwt_signing_input(made, key.public_key)
    return jws.assemble(signed, key.sign(signed))


def cwt_of(made: TokenStatusList, key: Key = KEY) -> bytes:
    return assemble_cwt(made, key.public_key, key.sign(cwt_signing_input(made, key.public_key)))


def cwt_with(claims: Any, key: Key = KEY, protected: Any = None, unprotected: Any = None) -> bytes:
    """A CWT of any content, properly signed, made by the CBOR library."""
    header = {1: -8, 4: key.kid, 16: CWT_TYPE} if protected is None else protected
    protected_bytes = header if isinstance(header, bytes) else cbor2.dumps(header)
    payload = claims if isinstance(claims, bytes) else cbor2.dumps(claims)
    signature = key.sign(cbor2.dumps(["Signature1", protected_bytes, b"", payload]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected_bytes, unprotected or {}, payload, signature]))


def refusal(open_token: Callable[[bytes, bytes], TokenStatusList], token: bytes, key: Key = KEY) -> str:
    with pytest.raises(KezhengError) as refused:
        open_token(token, key.public_key)
    return refused.value.code


def test_both_are_read_as_they_were_written() -> None:
    for found in (
        open_status_list_jwt(jwt_of(LIST), KEY.public_key),
        open_status_list_cwt(cwt_of(LIST), KEY.public_key),
    ):
        assert found == LIST
        assert [found.state(place) for place in (0, 5, 6, LIST_SIZE - 1)] == [1, 2, 0, 1]
        assert found.state(5) is TokenState.SUSPENDED


def test_the_jwt_has_the_members_of_the_draft() -> None:
    token = jwt_of(LIST)
    assert jws.unverified_header(token) == {"alg": "EdDSA", "typ": "statuslist+jwt", "kid": base64url(KEY.kid)}
    assert jws.open_jws(token, JWT_TYPE, KEY.public_key).payload == {
        "sub": URI,
        "iat": IAT,
        "exp": EXP,
        "ttl": 300,
        "status_list": {"bits": 2, "lst": base64url(compress(ARRAY))},
    }


def test_the_cwt_has_the_members_of_the_draft() -> None:
    token = cbor2.loads(cwt_of(LIST))
    assert token.tag == 18
    protected, unprotected, payload, signature = token.value
    assert cbor2.loads(protected) == {1: -8, 4: KEY.kid, 16: "application/statuslist+cwt"}
    assert unprotected == {}
    status_list = {"bits": 2, "lst": compress(ARRAY)}
    assert cbor2.loads(payload) == {2: URI, 4: EXP, 6: IAT, 65534: 300, 65533: status_list}
    assert len(signature) == 64


def test_the_cwt_is_deterministic_and_what_a_general_library_makes() -> None:
    protected, _, payload, _ = cbor2.loads(cwt_of(LIST)).value
    for part in (protected, payload):
        assert cbor2.dumps(cbor2.loads(part), canonical=True) == part
    assert cwt_with(cwt_claims(LIST)) == cwt_of(LIST)


@settings(max_examples=40)
@given(st.dictionaries(st.integers(0, LIST_SIZE - 1), st.sampled_from([1, 2]), max_size=50), st.text(max_size=300))
def test_any_list_survives_both(values: dict[int, int], uri: str) -> None:
    made = read_token_list(uri, PERIOD, compress(pack(values, LIST_SIZE, 2)))
    assert open_status_list_jwt(jwt_of(made), KEY.public_key) == made
    assert open_status_list_cwt(cwt_of(made), KEY.public_key) == made


def test_a_list_that_cannot_be_compressed_survives_both() -> None:
    draw = random.Random(5)
    made = read_token_list(
        URI, PERIOD, compress(pack({place: draw.randrange(3) for place in range(LIST_SIZE)}, LIST_SIZE, 2))
    )
    assert len(cwt_of(made)) < ARRAY_LENGTH + 1024
    assert open_status_list_cwt(cwt_of(made), KEY.public_key) == made
    assert open_status_list_jwt(jwt_of(made), KEY.public_key) == made


def test_only_the_status_key_signs() -> None:
    assert refusal(open_status_list_jwt, jwt_of(LIST, OTHER)) == "jws_signature_wrong"
    assert refusal(open_status_list_cwt, cwt_of(LIST, OTHER)) == "status_token_signature_wrong"
    their_kid_our_key = cwt_with(cwt_claims(LIST), OTHER, protected={1: -8, 4: KEY.kid, 16: CWT_TYPE})
    assert refusal(open_status_list_cwt, their_kid_our_key) == "status_token_signature_wrong"
    our_key_their_kid = cwt_with(cwt_claims(LIST), KEY, protected={1: -8, 4: OTHER.kid, 16: CWT_TYPE})
    assert refusal(open_status_list_cwt, our_key_their_kid) == "status_token_signature_wrong"


def test_no_other_file_of_the_status_key_passes_as_a_list() -> None:
    assert refusal(open_status_list_jwt, World.jws(STATUS_TYPE, KEY, jwt_claims(LIST))) == "jws_type_wrong"
    with pytest.raises(KezhengError, match="jws_type_wrong"):
        jws.open_jws(jwt_of(LIST), STATUS_TYPE, KEY.public_key)
    assert refusal(open_status_list_jwt, cwt_of(LIST)) == "jws_malformed"
    assert refusal(open_status_list_cwt, jwt_of(LIST)) == "status_token_malformed"


PROTECTED: list[tuple[str, Any]] = [
    ("another algorithm", {1: -19, 4: KEY.kid, 16: CWT_TYPE}),
    ("no algorithm", {4: KEY.kid, 16: CWT_TYPE}),
    ("no type", {1: -8, 4: KEY.kid}),
    ("the type of a JWT", {1: -8, 4: KEY.kid, 16: JWT_TYPE}),
    ("no kid", {1: -8, 16: CWT_TYPE}),
    ("a longer kid", {1: -8, 4: KEY.kid + b"\0", 16: CWT_TYPE}),
    ("another order", {16: CWT_TYPE, 4: KEY.kid, 1: -8}),
    ("crit", {1: -8, 2: [16], 4: KEY.kid, 16: CWT_TYPE}),
    ("content type", {1: -8, 3: "application/cwt", 4: KEY.kid, 16: CWT_TYPE}),
    ("an X.509 chain", {1: -8, 4: KEY.kid, 16: CWT_TYPE, 33: b"x"}),
    ("empty", b""),
]


@pytest.mark.parametrize("protected", [made for _, made in PROTECTED], ids=[name for name, _ in PROTECTED])
def test_a_protected_header_has_one_form(protected: Any) -> None:
    assert refusal(open_status_list_cwt, cwt_with(cwt_claims(LIST), protected=protected)) == "status_token_malformed"


def test_nothing_stands_outside_the_signature() -> None:
    token = cwt_with(cwt_claims(LIST), unprotected={4: KEY.kid})
    assert refusal(open_status_list_cwt, token) == "status_token_malformed"


TOKEN = cwt_of(LIST)


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("nothing", b""),
        ("its start alone", TOKEN[:60]),
        ("no payload between start and signature", TOKEN[: TOKEN.index(b"\xa0\x58") + 1] + TOKEN[-66:]),
        ("cut short", TOKEN[:-1]),
        ("a byte more", TOKEN + b"\0"),
        ("untagged", TOKEN[1:]),
        ("a CWT tag around it", b"\xd8\x3d" + TOKEN),
        ("a MAC", b"\xd1" + TOKEN[1:]),
        ("hexadecimal", TOKEN.hex().encode()),
        ("beyond the bound", TOKEN[:-66] + bytes(MAX_CWT_BYTES) + TOKEN[-66:]),
    ],
)
def test_another_form_is_malformed(name: str, token: bytes) -> None:
    assert refusal(open_status_list_cwt, token) == "status_token_malformed", name


def test_every_altered_byte_is_refused() -> None:
    for place in range(len(TOKEN)):
        altered = TOKEN[:place] + bytes([TOKEN[place] ^ 1]) + TOKEN[place + 1 :]
        assert refusal(open_status_list_cwt, altered) in ("status_token_malformed", "status_token_signature_wrong")


@settings(max_examples=150)
@given(st.binary(max_size=200), st.integers(0, len(TOKEN)))
def test_any_bytes_end_in_a_code(noise: bytes, kept: int) -> None:
    assert refusal(open_status_list_cwt, noise).startswith("status_token_")
    assert refusal(open_status_list_cwt, TOKEN[:kept] + noise + b"\0").startswith("status_token_")


def small(bits: int) -> bytes:
    """An array of another width with the same number of places."""
    return compress(bytes(LIST_SIZE * bits // 8))


JWT_CHANGES: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("no subject", lambda c: c.pop("sub")),
    ("a subject that is no text", lambda c: c.update(sub=7)),
    ("no issue time", lambda c: c.pop("iat")),
    ("no end", lambda c: c.pop("exp")),
    ("an end as text", lambda c: c.update(exp="1795413600")),
    ("an end with a fraction", lambda c: c.update(exp=EXP + 0.5)),
    ("an end written as a fraction", lambda c: c.update(exp=float(EXP))),
    ("an end past the calendar", lambda c: c.update(exp=10**18)),
    ("no time to live", lambda c: c.pop("ttl")),
    ("a time to live past all counting", lambda c: c.update(ttl=10**18)),
    ("a time to live that is true", lambda c: c.update(ttl=True)),
    ("another claim", lambda c: c.update(iss="https://example.org")),
    ("no list", lambda c: c.pop("status_list")),
    ("a list that is a list", lambda c: c.update(status_list=[])),
    ("no bits", lambda c: c["status_list"].pop("bits")),
    ("one bit", lambda c: c["status_list"].update(bits=1, lst=base64url(small(1)))),
    ("one bit over two", lambda c: c["status_list"].update(bits=1)),
    ("eight bits", lambda c: c["status_list"].update(bits=8, lst=base64url(small(8)))),
    ("an aggregation", lambda c: c["status_list"].update(aggregation_uri="https://example.org")),
    ("no array", lambda c: c["status_list"].pop("lst")),
    ("an array that is no text", lambda c: c["status_list"].update(lst=[1])),
    ("an array in plain base64", lambda c: c["status_list"].update(lst="+/")),
    ("an array beyond ASCII", lambda c: c["status_list"].update(lst="名")),
    ("an array that is not compressed", lambda c: c["status_list"].update(lst=base64url(ARRAY))),
]


@pytest.mark.parametrize("change", [change for _, change in JWT_CHANGES], ids=[name for name, _ in JWT_CHANGES])
def test_a_jwt_of_another_shape_is_malformed(change: Callable[[dict[str, Any]], Any]) -> None:
    claims = jwt_claims(LIST)
    change(claims)
    assert refusal(open_status_list_jwt, World.jws(JWT_TYPE, KEY, claims)) == "status_token_malformed"


CWT_CHANGES: list[tuple[str, Callable[[dict[int, Any]], Any]]] = [
    ("no subject", lambda c: c.pop(2)),
    ("a subject of bytes", lambda c: c.update({2: b"x"})),
    ("no end", lambda c: c.pop(4)),
    ("an end with a fraction", lambda c: c.update({4: EXP + 0.5})),
    ("an end that is no number", lambda c: c.update({4: float("nan")})),
    ("an end far past the calendar", lambda c: c.update({4: 2**70})),
    ("no issue time", lambda c: c.pop(6)),
    ("no time to live", lambda c: c.pop(65534)),
    ("another claim", lambda c: c.update({7: b"x"})),
    ("another order", lambda c: c.update({2: c.pop(2)})),
    ("no list", lambda c: c.pop(65533)),
    ("a list of text", lambda c: c.update({65533: "x"})),
    ("the claims of draft 2", lambda c: c.update({65534: cbor2.dumps(c.pop(65533))})),
    ("eight bits", lambda c: c[65533].update(bits=8, lst=small(8))),
    ("an array of text", lambda c: c[65533].update(lst=base64url(compress(ARRAY)))),
    ("no array", lambda c: c[65533].pop("lst")),
]


@pytest.mark.parametrize("change", [change for _, change in CWT_CHANGES], ids=[name for name, _ in CWT_CHANGES])
def test_a_cwt_of_another_shape_is_malformed(change: Callable[[dict[int, Any]], Any]) -> None:
    claims = cwt_claims(LIST)
    change(claims)
    assert refusal(open_status_list_cwt, cwt_with(claims)) == "status_token_malformed"


@pytest.mark.parametrize("claims", [[], {}, 5, "x", b"\xff", b"", cbor2.dumps(cwt_claims(LIST)) + b"\0", [1] * 10])
def test_a_signed_payload_that_is_no_claims_set_is_malformed(claims: Any) -> None:
    assert refusal(open_status_list_cwt, cwt_with(claims)) == "status_token_malformed"
    if not isinstance(claims, bytes):
        code = refusal(open_status_list_jwt, World.jws(JWT_TYPE, KEY, claims))
        assert code == ("status_token_malformed" if claims == {} else "jws_malformed")
