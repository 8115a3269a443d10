"""Signed files: one narrow form of JWS, each type under its own key, and a second implementation that agrees."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey
from simulator import Key, World

from certs.canonical import decode_json, encode_json
from certs.errors import KezhengError
from certs.jws import (
    DELEGATION_TYPE,
    MAX_BYTES,
    ROOT_CHAIN_TYPE,
    STATUS_TYPE,
    TRUST_LIST_TYPE,
    assemble,
    open_jws,
    signing_input,
    unverified_header,
)
from certs.signing_key import base64url, public_jwk

# RFC 9864 names the curve in the algorithm; the files of this format keep the name that readers know.
pytestmark = [
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864"),
    pytest.mark.filterwarnings('ignore:JWS algorithm "none" is deprecated'),
]

KEY = Key("a key")
PAYLOAD = {"a": 1, "名": ["字", None, True]}
TYPES = (DELEGATION_TYPE, TRUST_LIST_TYPE, STATUS_TYPE, ROOT_CHAIN_TYPE)
TOKEN = World.jws(STATUS_TYPE, KEY, PAYLOAD)
HEADER = {"alg": "EdDSA", "typ": STATUS_TYPE, "kid": base64url(KEY.kid)}


def refusal(token: bytes, typ: str = STATUS_TYPE, **options: Any) -> str:
    with pytest.raises(KezhengError) as refused:
        open_jws(token, typ, KEY.public_key, **options)
    return refused.value.code


def token_with(header: Any, payload: bytes = b"{}", sign: Callable[[bytes], bytes] = KEY.sign) -> bytes:
    """A token with any header and payload, properly signed unless told otherwise."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    signed = f"{base64url(raw)}.{base64url(payload)}".encode()
    return assemble(signed, sign(signed))


def test_a_token_is_read_as_it_was_written() -> None:
    opened = open_jws(TOKEN, STATUS_TYPE, KEY.public_key)
    assert (opened.header, opened.payload) == (HEADER, PAYLOAD)
    assert unverified_header(TOKEN) == HEADER


@pytest.mark.parametrize(("made", "expected"), list(permutations(TYPES, 2)))
def test_no_type_passes_as_another(made: str, expected: str) -> None:
    assert refusal(World.jws(made, KEY, PAYLOAD), expected) == "jws_type_wrong"
    member = {"delegation": "x"}
    token = World.jws(made, KEY, PAYLOAD, **member)
    assert refusal(token, expected, members=("delegation",)) == "jws_type_wrong"


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": True},
        {"jku": "https://example.org/jwks.json"},
        {"jwk": public_jwk(KEY.public_key)},
        {"x5u": "https://example.org/x"},
        {"x5c": ["AA"]},
        {"x5t#S256": "AA"},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"delegation": "x"},
        {"": 1},
    ],
    ids=lambda extra: "+".join(extra),
)
def test_a_header_holds_nothing_more(extra: dict[str, Any]) -> None:
    assert refusal(token_with(HEADER | extra)) == "jws_header_refused"


@pytest.mark.parametrize("missing", ["alg", "typ", "kid"])
def test_a_header_holds_nothing_less(missing: str) -> None:
    header = {name: value for name, value in HEADER.items() if name != missing}
    assert refusal(token_with(header)) == "jws_header_refused"
    assert refusal(TOKEN, members=("delegation",)) == "jws_header_refused"


ALGORITHMS = ["none", "None", "HS256", "ES256", "RS256", "Ed25519", "eddsa", "EdDSA ", "", None, ["EdDSA"]]
KIDS = ["", base64url(Key("other").kid), base64url(KEY.kid) + "=", base64url(KEY.kid)[:-1], None]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_algorithm_is_the_key_s_and_not_the_header_s(alg: Any) -> None:
    for sign in (KEY.sign, lambda _: b""):
        assert refusal(token_with(HEADER | {"alg": alg}, sign=sign)) == "jws_header_refused"


@pytest.mark.parametrize("kid", KIDS)
def test_the_kid_must_be_that_of_the_key(kid: Any) -> None:
    assert refusal(token_with(HEADER | {"kid": kid})) == "jws_signature_wrong"


@pytest.mark.parametrize("typ", ["", STATUS_TYPE.upper(), f"application/{STATUS_TYPE}", "JWT", None, [STATUS_TYPE]])
def test_a_type_is_written_in_one_way(typ: Any) -> None:
    assert refusal(token_with(HEADER | {"typ": typ})) == "jws_type_wrong"


def test_another_key_s_signature_fails_under_this_key_s_name() -> None:
    assert refusal(token_with(HEADER, sign=Key("other").sign)) == "jws_signature_wrong"
    assert refusal(token_with(HEADER, sign=lambda _: b"")) == "jws_signature_wrong"
    assert refusal(token_with(HEADER, sign=lambda _: bytes(64))) == "jws_signature_wrong"
    assert refusal(World.jws(STATUS_TYPE, Key("other"), PAYLOAD)) == "jws_signature_wrong"


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("nothing", b""),
        ("dots", b".."),
        ("two parts", TOKEN.rsplit(b".", 1)[0]),
        ("four parts", TOKEN + b".AA"),
        ("five parts", TOKEN + b".AA.AA"),
        ("trailing newline", TOKEN + b"\n"),
        ("leading space", b" " + TOKEN),
        ("padding", TOKEN + b"="),
        ("plain base64", TOKEN.replace(b"-", b"+").replace(b"_", b"/") + b"+"),
        ("beyond ASCII", TOKEN + "中".encode()),
        ("not UTF-8", TOKEN + b"\xff"),
        ("header is a list", token_with(["alg"])),
        ("header is no JSON", token_with(b"{")),
        ("header is not UTF-8", token_with(b'{"alg":"\xff"}')),
        ("JSON serialisation", json.dumps({"payload": "e30", "signatures": []}).encode()),
    ],
)
def test_any_other_serialisation_is_malformed(name: str, token: bytes) -> None:
    assert refusal(token) == "jws_malformed", name


@pytest.mark.parametrize("payload", [b"[]", b"null", b"1", b'"x"', b"", b"{", b"\xff", b"{}x"])
def test_a_payload_is_an_object(payload: bytes) -> None:
    assert refusal(token_with(HEADER, payload)) in ("jws_malformed", "json_malformed")


def test_a_file_past_the_bound_is_not_even_split() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return MAX_BYTES + 1

        def rsplit(self, *_: Any) -> Any:
            raise AssertionError("split")

    assert refusal(Huge(TOKEN)) == "jws_malformed"


def test_every_altered_character_is_refused() -> None:
    for place in range(len(TOKEN)):
        for other in (b"A", b"_", b".", b"="):
            altered = TOKEN[:place] + other + TOKEN[place + 1 :]
            if altered != TOKEN:
                with pytest.raises(KezhengError):
                    open_jws(altered, STATUS_TYPE, KEY.public_key)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=200), st.text("ab.-_=", max_size=60).map(str.encode)))
def test_any_bytes_end_in_a_code(token: bytes) -> None:
    assert refusal(token).startswith("jws_")


member_names = st.text("abcde", min_size=1, max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(member_names, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60)
@given(st.dictionaries(member_names, json_values, max_size=4))
def test_what_is_signed_is_read_again_by_us_and_by_a_second_implementation(payload: dict[str, Any]) -> None:
    token = World.jws(STATUS_TYPE, KEY, payload)
    assert open_jws(token, STATUS_TYPE, KEY.public_key).payload == payload
    theirs = joserfc_jws.deserialize_compact(token, THEIR_PUBLIC_KEY, algorithms=["EdDSA"])
    assert theirs.headers() == HEADER
    assert decode_json(theirs.payload) == payload


# --- a second implementation: it reads ours, and we read none of its forgeries

THEIR_PUBLIC_KEY = OKPKey.import_key({name: public_jwk(KEY.public_key)[name] for name in ("kty", "crv", "x")})
THEIR_OWN_KEY = OKPKey.import_key(
    {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode(),
        "x": base64url(bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")),
    }
)


def theirs(header: dict[str, Any], key: Any, payload: bytes = b"{}", algorithms: tuple[str, ...] = ("EdDSA",)) -> bytes:
    return joserfc_jws.serialize_compact(header, payload, key, algorithms=list(algorithms)).encode()


def test_the_second_implementation_refuses_what_we_refuse() -> None:
    signed, signature = TOKEN.rsplit(b".", 1)
    altered = signed + b"." + base64url(bytes(64)).encode()
    with pytest.raises(JoseError):
        joserfc_jws.deserialize_compact(altered, THEIR_PUBLIC_KEY, algorithms=["EdDSA"])
    assert refusal(altered) == "jws_signature_wrong"
    assert len(base64.urlsafe_b64decode(signature + b"==")) == 64


def test_a_file_that_the_second_implementation_signs_under_the_right_key_is_ours() -> None:
    """The same header and key: the serialisation is the standard's, not our own."""
    public_key = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
    header = decode_json(base64.urlsafe_b64decode(signing_input(STATUS_TYPE, public_key, {}).split(b".")[0] + b"=="))
    token = theirs(header, THEIR_OWN_KEY, encode_json(PAYLOAD))
    assert open_jws(token, STATUS_TYPE, public_key).payload == PAYLOAD


@pytest.mark.parametrize(
    ("header", "key", "algorithms"),
    [
        (HEADER, THEIR_OWN_KEY, ("EdDSA",)),
        (HEADER | {"alg": "HS256"}, OctKey.import_key(KEY.public_key), ("HS256",)),
        (HEADER | {"alg": "HS256"}, OctKey.import_key(base64url(KEY.public_key)), ("HS256",)),
        (HEADER | {"alg": "none"}, OctKey.import_key("any secret will do"), ("none",)),
        (HEADER | {"jwk": THEIR_OWN_KEY.as_dict(private=False)}, THEIR_OWN_KEY, ("EdDSA",)),
        ({"alg": "EdDSA"}, THEIR_OWN_KEY, ("EdDSA",)),
    ],
    ids=["their key, our kid", "HMAC with the public key", "HMAC with its text", "none", "key in the header", "bare"],
)
def test_no_forgery_of_the_second_implementation_is_read(header: dict[str, Any], key: Any, algorithms: Any) -> None:
    assert refusal(theirs(header, key, algorithms=algorithms)) in ("jws_header_refused", "jws_signature_wrong")


def test_the_published_files_of_a_register_are_read_by_the_second_implementation() -> None:
    world = World()
    world.institution()
    for token, key in (
        (world.trust_list(), world.list_key),
        (world.status_list(), world.status_key),
        (world.delegation(), world.root),
    ):
        jwk = {name: public_jwk(key.public_key)[name] for name in ("kty", "crv", "x")}
        registry = joserfc_jws.JWSRegistry(algorithms=["EdDSA"], strict_check_header=False)
        registry.max_payload_length = registry.max_header_length = len(token)
        read = joserfc_jws.deserialize_compact(token, OKPKey.import_key(jwk), registry=registry)
        assert read.headers()["alg"] == "EdDSA"
