"""Verifies one envelope with another implementation: `python verify_with_cwt.py ENVELOPE JWKS`.

Runs in the environment of the library `cwt`, apart from the project, and uses nothing of it: the envelope (a
file, or its bytes in hex) and the published keys are all it gets. Prints ``{"kid", "claims"}`` as JSON; byte
strings of the claims are printed as text. Exit code 0: the signature passed; 1: it did not, or no such key.
"""

from __future__ import annotations

import json
import sys
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import cbor2
from cwt import COSE, COSEKey, VerifyError

PROTECTED_KID = 4
KEY_TYPE, KEY_ID, ALGORITHM, CURVE, X = 1, 2, 3, -1, -2
OKP, EDDSA, ED25519 = 1, -8, 6


def envelope_bytes(argument: str) -> bytes:
    try:
        return bytes.fromhex(argument)
    except ValueError:
        return Path(argument).read_bytes()


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def kid_of(envelope: bytes) -> bytes:
    """The key id in the protected header; in a JWK set it is written in base64url."""
    kid: bytes = cbor2.loads(cbor2.loads(envelope).value[0])[PROTECTED_KID]
    return kid


def find_jwk(jwks: dict[str, Any], kid: bytes) -> dict[str, str]:
    for jwk in jwks["keys"]:
        if (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519") and from_base64url(jwk["kid"]) == kid:
            found: dict[str, str] = jwk
            return found
    sys.exit("no such key")


def printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): printable(each) for key, each in value.items()}
    return value.decode("utf-8") if isinstance(value, bytes) else value


def main(envelope_argument: str, jwks_file: str) -> None:
    envelope = envelope_bytes(envelope_argument)
    kid = kid_of(envelope)
    jwk = find_jwk(json.loads(Path(jwks_file).read_bytes()), kid)
    key = {KEY_TYPE: OKP, KEY_ID: kid, ALGORITHM: EDDSA, CURVE: ED25519, X: from_base64url(jwk["x"])}
    try:
        payload = COSE.new(verify_kid=True).decode(envelope, COSEKey.new(key))
    except VerifyError as error:
        sys.exit(f"the signature does not pass: {error}")
    json.dump({"kid": jwk["kid"], "claims": printable(cbor2.loads(payload))}, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
