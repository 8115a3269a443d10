"""JWS compact serialisation (RFC 7515) for signed files, in the narrow form this registry uses.

Each kind of file has its own ``typ`` and is signed by a key with exactly that role. The verifier brings type and
key; the header may hold ``alg``, ``typ``, ``kid`` and members that the kind names, nothing else: ``crit``, ``jku``,
``jwk``, ``x5u``, ``x5c`` and ``b64`` are thereby refused.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from certs.canonical import decode_json, encode_json
from certs.errors import KezhengError
from certs.signing_key import ALGORITHM, base64url, from_base64url, kid_of, verify_signature

DELEGATION_TYPE = "kz-delegation+jws"
TRUST_LIST_TYPE = "kz-trust-list+jws"
STATUS_TYPE = "kz-status+jws"
ROOT_CHAIN_TYPE = "kz-root-chain+jws"
RECEIPT_TYPE = "kz-receipt+jws"
MAX_BYTES = 256 * 1024 * 1024


class Jws(NamedTuple):
    """A JWS whose signature, type and header have been checked."""

    header: dict[str, Any]
    payload: dict[str, Any]


def signing_input(typ: str, public_key: bytes, payload: Any, **members: str) -> bytes:
    """The bytes a signer signs (RFC 7515 §5.1)."""
    header = {"alg": ALGORITHM, "typ": typ, "kid": base64url(kid_of(public_key))} | members
    return f"{base64url(encode_json(header))}.{base64url(encode_json(payload))}".encode("ascii")


def assemble(signed: bytes, signature: bytes) -> bytes:
    """The compact serialisation of a signing input and its signature."""
    return signed + b"." + base64url(signature).encode("ascii")


def open_jws(token: bytes, typ: str, public_key: bytes, members: Collection[str] = ()) -> Jws:
    """The checked content of a token. ``members`` names further header members that this type carries.

    Raises KezhengError: ``jws_malformed``, ``jws_header_refused``, ``jws_type_wrong``, ``jws_signature_wrong``.
    """
    signed, header, payload, signature = _split(token)
    if header.keys() != {"alg", "typ", "kid", *members} or header["alg"] != ALGORITHM:
        raise KezhengError("jws_header_refused")
    if header["typ"] != typ:
        raise KezhengError("jws_type_wrong", expected=typ)
    if header["kid"] != base64url(kid_of(public_key)) or not verify_signature(public_key, signature, signed):
        raise KezhengError("jws_signature_wrong")
    content = decode_json(payload)
    if not isinstance(content, dict):
        raise KezhengError("jws_malformed")
    return Jws(header, content)


def unverified_header(token: bytes) -> dict[str, Any]:
    """The header before any check: only to find the delegation, whose own signature is then checked."""
    return _split(token)[1]


def unverified_payload(token: bytes) -> dict[str, Any]:
    """The payload before any check: only to find the key that a token presents, under which it is then opened."""
    content = decode_json(_split(token)[2])
    if not isinstance(content, dict):
        raise KezhengError("jws_malformed")
    return content


def _split(token: bytes) -> tuple[bytes, dict[str, Any], bytes, bytes]:
    try:
        if len(token) > MAX_BYTES:
            raise ValueError("too large")
        signed, signature = token.rsplit(b".", 1)
        first, second = signed.decode("ascii").split(".")
        header = decode_json(from_base64url(first))
        parts = signed, header, from_base64url(second), from_base64url(signature.decode("ascii"))
    except (KezhengError, ValueError) as error:
        raise KezhengError("jws_malformed") from error
    if not isinstance(header, dict):
        raise KezhengError("jws_malformed")
    return parts
