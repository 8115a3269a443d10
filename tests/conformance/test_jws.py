"""The JSON web signatures of project Wycheproof, offered as signed files: all are refused, valid or broken.

None is of our algorithm, type and key, and many show classic faults: other algorithm, no algorithm, key in
the header, detached or damaged parts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from certs.errors import KezhengError
from certs.jws import STATUS_TYPE, open_jws, unverified_header

Files = Callable[[str], list[Path]]
PUBLIC_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def refusal(token: bytes) -> str:
    try:
        open_jws(token, STATUS_TYPE, PUBLIC_KEY)
    except KezhengError as error:
        return error.code
    return "accepted"


def header_or_refusal(token: bytes) -> object:
    try:
        return unverified_header(token)
    except KezhengError as error:
        return error.code


def test_every_token_is_refused(vector_files: Files) -> None:
    [path] = vector_files("wycheproof/json_web_signature_test.json")
    cases = [case for group in json.loads(path.read_bytes())["testGroups"] for case in group["tests"]]
    tokens = [case["jws"].encode("utf-8") for case in cases if isinstance(case["jws"], str)]
    assert len(tokens) > 350
    assert {refusal(token) for token in tokens} <= {"jws_malformed", "jws_header_refused"}
    assert {type(header_or_refusal(token)) for token in tokens} <= {dict, str}
