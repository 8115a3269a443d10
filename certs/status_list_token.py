"""Status List Tokens: a list signed by the status key, as a JWT and as a CWT (draft-ietf-oauth-status-list §5).

Both have one form here. The CWT is a tagged COSE_Sign1 with algorithm, kid and type in the protected header alone; all
of it but kid, payload and signature is known beforehand, so that nothing is parsed before its signature has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from certs import jws
from certs.canonical import decode_cbor, encode_cbor, encode_json
from certs.errors import KezhengError
from certs.signing_key import KID_LENGTH, SIGNATURE_LENGTH, base64url, from_base64url, kid_of, verify_signature
from certs.timestamps import epoch_seconds, instant_from_epoch
from certs.token_status_list import BITS, Period, TokenStatusList, read_token_list

JWT_TYPE = "statuslist+jwt"
CWT_TYPE = "application/statuslist+cwt"
MAX_CWT_BYTES = 65_536
"""An array that cannot be compressed takes 32,784."""

_ALG, _KID, _TYP = 1, 4, 16
_EDDSA = -8
_SUB, _EXP, _IAT = 2, 4, 6
_STATUS_LIST, _TTL = 65533, 65534
_TAGGED_SIGN1 = b"\xd2\x84"
_EMPTY_UNPROTECTED = b"\xa0"
_EMPTY_EXTERNAL_AAD = b"\x40"
_BEFORE_SIGNATURE = b"\x58\x40"
_SIG_STRUCTURE_START = b"\x84" + encode_cbor("Signature1")
Read = TypeVar("Read")
_FOLDER = "status/lists"


def jwt_file(number: int) -> str:
    """The published name of a list as a JWT."""
    return f"{_FOLDER}/{number}.jwt"


def cwt_file(number: int) -> str:
    """The published name of a list as a CWT."""
    return f"{_FOLDER}/{number}.cwt"


def jwt_claims(status_list: TokenStatusList) -> dict[str, Any]:
    """The claims set of the JWT (§5.1)."""
    return {
        "sub": status_list.uri,
        "iat": epoch_seconds(status_list.issued_at),
        "exp": epoch_seconds(status_list.expires_at),
        "ttl": _seconds(status_list.ttl),
        "status_list": {"bits": BITS, "lst": base64url(status_list.compressed)},
    }


def cwt_claims(status_list: TokenStatusList) -> dict[int, Any]:
    """The claims set of the CWT (§5.2), keys in the order of deterministic CBOR."""
    return {
        _SUB: status_list.uri,
        _EXP: epoch_seconds(status_list.expires_at),
        _IAT: epoch_seconds(status_list.issued_at),
        _STATUS_LIST: {"lst": status_list.compressed, "bits": BITS},
        _TTL: _seconds(status_list.ttl),
    }


def jwt_signing_input(status_list: TokenStatusList, status_key: bytes) -> bytes:
    """The bytes that the status key signs for the JWT; `certs.jws.assemble` makes the token."""
    return jws.signing_input(JWT_TYPE, status_key, jwt_claims(status_list))


def cwt_signing_input(status_list: TokenStatusList, status_key: bytes) -> bytes:
    """The Sig_structure (RFC 9052 §4.4) that the status key signs for the CWT."""
    return _to_be_signed(kid_of(status_key), encode_cbor(encode_cbor(cwt_claims(status_list))))


def assemble_cwt(status_list: TokenStatusList, status_key: bytes, signature: bytes) -> bytes:
    """The CWT of a list and the signature over its signing input."""
    payload = encode_cbor(encode_cbor(cwt_claims(status_list)))
    return _start(kid_of(status_key)) + payload + _BEFORE_SIGNATURE + signature


def open_status_list_jwt(token: bytes, status_key: bytes) -> TokenStatusList:
    """The list in a JWT under the delegated status key; its address and its period are judged by the caller.

    Raises KezhengError as `certs.jws.open_jws` does, and ``status_token_malformed``.
    """
    claims = jws.open_jws(token, JWT_TYPE, status_key).payload
    found = _read(lambda: _list_of_jwt(claims))
    if encode_json(jwt_claims(found)) != encode_json(claims):
        raise KezhengError("status_token_malformed")
    return found


def open_status_list_cwt(token: bytes, status_key: bytes) -> TokenStatusList:
    """The list in a CWT under the delegated status key; its address and its period are judged by the caller.

    Raises KezhengError ``status_token_malformed``, ``status_token_signature_wrong``.
    """
    kid, payload, signature = _take_apart(token)
    if kid != kid_of(status_key) or not verify_signature(status_key, signature, _to_be_signed(kid, payload)):
        raise KezhengError("status_token_signature_wrong")
    claims = _read(lambda: decode_cbor(decode_cbor(payload)))
    found = _read(lambda: _list_of_cwt(claims))
    if encode_cbor(cwt_claims(found)) != encode_cbor(claims):
        raise KezhengError("status_token_malformed")
    return found


def _list_of_jwt(claims: dict[str, Any]) -> TokenStatusList:
    period = _period(claims["iat"], claims["exp"], claims["ttl"])
    return read_token_list(claims["sub"], period, from_base64url(claims["status_list"]["lst"]))


def _list_of_cwt(claims: dict[int, Any]) -> TokenStatusList:
    period = _period(claims[_IAT], claims[_EXP], claims[_TTL])
    return read_token_list(claims[_SUB], period, claims[_STATUS_LIST]["lst"])


def _period(issued_at: Any, expires_at: Any, ttl: Any) -> Period:
    return Period(instant_from_epoch(issued_at), instant_from_epoch(expires_at), timedelta(seconds=ttl))


def _read(read: Callable[[], Read]) -> Read:
    """What ``read`` makes of signed content; whatever shape it trips over is malformed."""
    try:
        return read()
    except (KezhengError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise KezhengError("status_token_malformed") from error


def _take_apart(token: bytes) -> tuple[bytes, bytes, bytes]:
    """Kid, payload with its length head, and signature of a CWT in our one form."""
    start = _start(bytes(KID_LENGTH))
    kid_at = start.index(bytes(KID_LENGTH))
    kid = token[kid_at : kid_at + KID_LENGTH]
    end = len(token) - SIGNATURE_LENGTH - len(_BEFORE_SIGNATURE)
    ends_well = len(start) < end and token[end:-SIGNATURE_LENGTH] == _BEFORE_SIGNATURE
    if len(token) > MAX_CWT_BYTES or not token.startswith(_start(kid)) or not ends_well:
        raise KezhengError("status_token_malformed")
    return kid, token[len(start) : end], token[-SIGNATURE_LENGTH:]


def _protected(kid: bytes) -> bytes:
    """The protected header as a byte string."""
    return encode_cbor(encode_cbor({_ALG: _EDDSA, _KID: kid, _TYP: CWT_TYPE}))


def _start(kid: bytes) -> bytes:
    return _TAGGED_SIGN1 + _protected(kid) + _EMPTY_UNPROTECTED


def _to_be_signed(kid: bytes, payload: bytes) -> bytes:
    return _SIG_STRUCTURE_START + _protected(kid) + _EMPTY_EXTERNAL_AAD + payload


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)
