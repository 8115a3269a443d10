"""Our one check of a signature against the vectors of Wycheproof: what must pass and what must not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from certs.signing_key import public_key_of, verify_signature

Files = Callable[[str], list[Path]]


def test_signatures_pass_exactly_when_the_vectors_say_so(vector_files: Files) -> None:
    [path] = vector_files("wycheproof/ed25519_test.json")
    outcomes: Counter[str] = Counter()
    for group in json.loads(path.read_bytes())["testGroups"]:
        public_key = bytes.fromhex(group["publicKey"]["pk"])
        assert public_key_of(group["publicKeyJwk"]) == public_key
        for case in group["tests"]:
            passed = verify_signature(public_key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert passed == (case["result"] == "valid"), case
            outcomes[case["result"]] += 1
    assert outcomes == {"valid": 88, "invalid": 63}
