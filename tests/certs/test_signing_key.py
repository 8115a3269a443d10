"""Public keys: their names and forms, against the examples of the standards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator import Key

from certs.errors import KezhengError
from certs.signing_key import (
    base64url,
    from_base64url,
    kid_of,
    public_jwk,
    public_key_of,
    thumbprint,
    verify_signature,
)

RFC_8037 = from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
"""The key of RFC 8037 appendix A.2."""


def test_the_thumbprint_is_that_of_the_standard_s_example() -> None:
    assert base64url(thumbprint(RFC_8037)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert kid_of(RFC_8037).hex() == "90facafea9b15566"


def test_the_signature_of_the_standard_s_example_passes() -> None:
    """RFC 8037 appendix A.4."""
    signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = from_base64url(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    assert verify_signature(RFC_8037, signature, signed)
    assert not verify_signature(RFC_8037, signature, signed + b".")
    assert not verify_signature(Key("other").public_key, signature, signed)


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64])
def test_no_other_bytes_are_a_signature(signature: bytes) -> None:
    assert not verify_signature(RFC_8037, signature, b"")


@pytest.mark.parametrize("public_key", [b"\xff" * 32, b"\x02" + bytes(31)])
def test_bytes_that_are_no_point_sign_nothing(public_key: bytes) -> None:
    assert not verify_signature(public_key, bytes(64), b"")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_survives_its_jwk(public_key: bytes) -> None:
    jwk = public_jwk(public_key, next="x")
    assert public_key_of(jwk) == public_key
    assert jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64url(public_key),
        "alg": "EdDSA",
        "use": "sig",
        "kid": base64url(kid_of(public_key)),
        "next": "x",
    }


JWK = public_jwk(RFC_8037)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        JWK | {"kty": "EC"},
        JWK | {"crv": "X25519"},
        JWK | {"d": "AA"},
        JWK | {"x": ""},
        JWK | {"x": JWK["x"] + "="},
        JWK | {"x": JWK["x"][:-1] + "p"},
        JWK | {"x": "AAAA"},
        JWK | {"x": JWK["x"] + "AAAA"},
        JWK | {"x": 5},
        JWK | {"x": None},
        JWK | {"x": "钥" * 43},
        {"kty": "OKP", "crv": "Ed25519"},
        [],
        "key",
        None,
    ],
)
def test_anything_but_a_public_ed25519_key_is_refused(jwk: Any) -> None:
    with pytest.raises(KezhengError) as refused:
        public_key_of(jwk)
    assert refused.value.code == "key_malformed"


@given(st.binary(max_size=40))
def test_base64url_has_one_form(data: bytes) -> None:
    text = base64url(data)
    assert from_base64url(text) == data
    for other in (text + "=", text + "\n", " " + text, text + "A", text.replace("_", "/") + "+"):
        if other != text:
            try:
                assert base64url(from_base64url(other)) == other
            except ValueError:
                continue


@pytest.mark.parametrize("alias", ["AB", "AAB", "A", "AA==", "A-B", "AA\n", "A A", "AA+/", "ＡＡ"])
def test_aliases_of_base64url_are_refused(alias: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_base64url(alias)
