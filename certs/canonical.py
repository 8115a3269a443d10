"""The two canonical encodings: deterministic CBOR for what is signed in a certificate, sorted JSON for signed files.

CBOR: RFC 8949 §4.2.1. For the integer keys in use, bytewise and length-first key order are the same bytes, which
a test shows. JSON: members sorted, no spaces, UTF-8; equal to RFC 8785 because no floats and only ASCII keys occur.
"""

from __future__ import annotations

from typing import Any

import cbor2
import orjson

from certs.errors import KezhengError

MAX_DEPTH = 3
"""Claims are a map with one map inside; nothing of ours nests deeper."""


def encode_cbor(value: Any) -> bytes:
    """CBOR of ints, text, byte strings and maps, every length the shortest.

    It is deterministic when each map is given in key order, as the claims are: having the library sort the keys
    costs as much as all the rest of reading a certificate.
    """
    return cbor2.dumps(value)


def decode_cbor(data: bytes) -> Any:
    """The value of CBOR without any freedom but the order of keys, which the caller checks: dicts keep it.

    The library alone accepts trailing bytes, long integers and tags; encoding again and comparing refuses all of
    them. Call this only on bytes whose signature has passed. Raises KezhengError ``claims_not_canonical``.
    """
    try:
        value = cbor2.loads(data, allow_indefinite=False, allow_duplicate_keys=False, max_depth=MAX_DEPTH)
        again = encode_cbor(value)
    except Exception as error:  # the decoder and the encoder raise many types on what is not ours
        raise KezhengError("claims_not_canonical") from error
    if again != data:
        raise KezhengError("claims_not_canonical")
    return value


def encode_json(value: Any) -> bytes:
    """Canonical JSON of dicts with ASCII keys, lists, text, ints, booleans and null."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def decode_json(data: bytes) -> Any:
    """The value of a JSON document. Raises KezhengError ``json_malformed``."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise KezhengError("json_malformed") from error
