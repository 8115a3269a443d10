"""Reads one Status List Token with other implementations: `python read_status_list.py TOKEN JWKS`.

Runs in the environment of the libraries `pyjwt`, `cwt` and `token-status-list`, apart from the project, and uses
nothing of it: the token (a file) and the published keys are all it gets. Prints the claims, the number of places and
those that are not valid, as JSON. Exit code 0: the signature passed; 1: it did not, or no such key.
"""

from __future__ import annotations

import json
import sys
import zlib
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import cbor2
import jwt
from cwt import COSE, COSEKey, VerifyError
from token_status_list import BitArray

PROTECTED_KID, PROTECTED_TYPE = 4, 16
KEY_TYPE, KEY_ID, ALGORITHM, CURVE, X = 1, 2, 3, -1, -2
OKP, EDDSA, ED25519 = 1, -8, 6
SUB, EXP, IAT, STATUS_LIST, TTL = 2, 4, 6, 65533, 65534


def find_jwk(jwks: dict[str, Any], kid: str) -> dict[str, str]:
    for jwk in jwks["keys"]:
        if jwk["kid"].rstrip("=") == kid:
            found: dict[str, str] = jwk
            return found
    sys.exit("no such key")


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_jwt(token: bytes, jwks: dict[str, Any]) -> tuple[str, dict[str, Any], BitArray[Any]]:
    """Type, claims and list; the clock of this machine does not count."""
    header = jwt.get_unverified_header(token)
    try:
        claims = jwt.decode(
            token,
            jwt.PyJWK(find_jwk(jwks, header["kid"])),
            algorithms=["EdDSA"],
            options={"verify_exp": False, "verify_iat": False, "require": ["sub", "iat", "exp"]},
        )
    except jwt.InvalidSignatureError as error:
        sys.exit(f"the signature does not pass: {error}")
    return header["typ"], claims, BitArray.load(claims.pop("status_list"))


def read_cwt(token: bytes, jwks: dict[str, Any]) -> tuple[str, dict[str, Any], BitArray[Any]]:
    """The same of a CWT, its claims under the names that the JWT has."""
    protected = cbor2.loads(cbor2.loads(token).value[0])
    by_kid = {"keys": [jwk | {"kid": from_base64url(jwk["kid"]).hex()} for jwk in jwks["keys"]]}
    jwk = find_jwk(by_kid, protected[PROTECTED_KID].hex())
    kid, x = protected[PROTECTED_KID], from_base64url(jwk["x"])
    key = COSEKey.new({KEY_TYPE: OKP, KEY_ID: kid, ALGORITHM: EDDSA, CURVE: ED25519, X: x})
    try:
        claims = cbor2.loads(COSE.new(verify_kid=True).decode(token, key))
    except VerifyError as error:
        sys.exit(f"the signature does not pass: {error}")
    names = {"sub": SUB, "iat": IAT, "exp": EXP, "ttl": TTL}
    carried = claims[STATUS_LIST]
    read = {name: claims[number] for name, number in names.items()}
    return protected[PROTECTED_TYPE], read, BitArray(carried["bits"], zlib.decompress(carried["lst"]))


def main(token_file: str, jwks_file: str) -> None:
    token, jwks = Path(token_file).read_bytes(), json.loads(Path(jwks_file).read_bytes())
    typ, claims, places = (read_cwt if token[:1] == b"\xd2" else read_jwt)(token, jwks)
    states = {place: places[place] for place in range(len(places)) if places[place]}
    json.dump({"typ": typ, "claims": claims, "size": len(places), "states": states}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
