"""Writes certificates.json: certificates and signed files whose every byte is made here, by the standards alone.

Run from the root of the project: ``python tests/certs/vectors/make_certificates.py``. CBOR, COSE, JWS, base32, key
ids, the Merkle tree (RFC 6962) and the register's notes (C2SP) are written out from their texts and share nothing with
the program; only Ed25519 and ML-DSA come from a library. The keys are those of seeds 1, 2 … and sign nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

ADDRESS = "HTTPS://VERIFY.EXAMPLE.CN/V/"
ISSUED = 1_795_068_000  # 2026-11-19T06:00:00Z
NUMBER = "P000115000001262000001B"


def cbor(value: Any) -> bytes:
    """RFC 8949 §4.2.1 for integers, text, byte strings and maps."""
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    members = sorted((cbor(key), cbor(member)) for key, member in value.items())
    return head(5, len(members)) + b"".join(key + member for key, member in members)


def head(major: int, argument: int) -> bytes:
    """RFC 8949 §3: the shortest argument."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | extra]) + argument.to_bytes(size, "big")
    raise ValueError("too large")


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Signer:
    """An Ed25519 key of a seed, with its RFC 7638 key id."""

    def __init__(self, seed: int) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = self.private.public_key().public_bytes_raw()
        self.x = base64url(self.public)
        members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": self.x}, separators=(",", ":"))
        self.kid = hashlib.sha256(members.encode()).digest()[:8]


def envelope(payload: bytes, signer: Signer) -> tuple[bytes, bytes]:
    """The Sig_structure (RFC 9052 §4.4) and the COSE_Sign1 with tag 18."""
    protected = cbor({1: -8, 4: signer.kid})
    signed = cbor(["Signature1", protected, b"", payload])
    return signed, b"\xd2" + cbor([protected, {}, payload, signer.private.sign(signed)])


def jws(typ: str, payload: dict[str, Any], signer: Signer, **members: str) -> str:
    """RFC 7515 compact, header and payload with sorted members."""
    header = {"alg": "EdDSA", "typ": typ, "kid": base64url(signer.kid)} | members
    parts = [json.dumps(p, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for p in (header, payload)]
    signed = ".".join(base64url(part.encode()) for part in parts)
    return f"{signed}.{base64url(signer.private.sign(signed.encode()))}"


BODY = {1: "张小明", 2: "012X", 3: "2-02-38-05", 4: 2, 5: 2, 6: 20746, 7: 7919}
CERTIFICATES: dict[str, dict[int, Any]] = {
    "typical": {6: ISSUED, 7: NUMBER.encode(), -65537: BODY},
    "with an end": {4: ISSUED + 31_536_000, 6: ISSUED, 7: NUMBER.encode(), -65537: BODY},
    "without a direction": {
        6: ISSUED,
        7: NUMBER.encode(),
        -65537: {key: value for key, value in BODY.items() if key != 4},
    },
    "direction in words": {6: ISSUED, 7: NUMBER.encode(), -65537: BODY | {4: "智能装备与产线应用"}},
    "rare characters and a long name": {6: ISSUED, 7: NUMBER.encode(), -65537: BODY | {1: "𠮷田·阿卜杜热合曼·买买提"}},
    "large status index": {6: ISSUED, 7: NUMBER.encode(), -65537: BODY | {7: 2**33}},
}


def certificate(name: str, claims: dict[int, Any], signer: Signer) -> dict[str, Any]:
    payload = cbor(claims)
    signed, sealed = envelope(payload, signer)
    text = ADDRESS + base64.b32encode(sealed).decode().rstrip("=")
    made = {"payload": payload.hex(), "to_be_signed": signed.hex(), "envelope": sealed.hex(), "qr": text}
    return {"name": name, "claims": readable(claims)} | made


def readable(claims: dict[int, Any]) -> dict[str, Any]:
    body = {str(key): value for key, value in claims[-65537].items()}
    whole = {"4": claims.get(4), "6": claims[6], "7": claims[7].decode(), "-65537": body}
    return {key: value for key, value in whole.items() if value is not None}


def jwk(signer: Signer) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": signer.x}


ORIGIN = "verify.example.cn/2026"
LISTED = 1_704_067_200
SCOPE = {
    "occupation": "2-02-38-05",
    "directions": None,
    "grades": ["junior", "intermediate", "senior"],
    "regions": None,
    "valid_from": "2024-01-01",
    "valid_to": "2027-12-31",
    "batch": None,
    "document": None,
}


def vkey(name: str, kind: int, public: bytes) -> str:
    """C2SP signed-note: a verifier key."""
    key = bytes([kind]) + public
    return f"{name}+{note_key_id(name, key).hex()}+{base64.b64encode(key).decode()}"


def note_key_id(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def entry(kind: int, seconds: int, body: bytes) -> bytes:
    return bytes([kind]) + (seconds * 1000).to_bytes(8, "big") + body


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def tree(entries: list[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written there."""
    if not entries:
        return sha256(b"")
    if len(entries) == 1:
        return sha256(b"\0" + entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\1" + tree(entries[:split]) + tree(entries[split:]))


def checkpoint(entries: list[bytes], log_key: Signer) -> str:
    """C2SP tlog-checkpoint with the log's own line."""
    text = f"{ORIGIN}\n{len(entries)}\n{base64.b64encode(tree(entries)).decode()}\n"
    key_id = note_key_id(ORIGIN, b"\x01" + log_key.public)
    line = base64.b64encode(key_id + log_key.private.sign(text.encode())).decode()
    return f"{text}\n\u2014 {ORIGIN} {line}\n"


def first_entries(institution: Signer, envelopes: list[bytes]) -> list[bytes]:
    """The register before its trust list: the clock, the listing, the key, the certificates in their order."""
    listed = b"\1" + b"P000115000001" + sha256(canonical(SCOPE))
    added = b"\1" + (LISTED * 1000).to_bytes(8, "big") + sha256(institution.public)
    certificates = [entry(1, ISSUED + 5, institution.kid + sha256(each)) for each in envelopes]
    return [entry(0, LISTED, b""), entry(3, LISTED, listed), entry(4, LISTED, added), *certificates]


def signed_files(
    root: Signer, list_key: Signer, status_key: Signer, institution: Signer, envelopes: list[bytes]
) -> dict[str, str]:
    log_key, receipt_key = Signer(9), Signer(10)
    cosigner = MLDSA44PrivateKey.from_seed_bytes(bytes([11]) * 32).public_key().public_bytes_raw()
    delegation = jws(
        "kz-delegation+jws",
        {
            "epoch": 1,
            "iat": ISSUED - 86_400,
            "exp": ISSUED + 30_000_000,
            "keys": {"list": jwk(list_key), "status": jwk(status_key), "receipt": jwk(receipt_key)},
            "log": {
                "origin": ORIGIN,
                "keys": [{"vkey": vkey(ORIGIN, 1, log_key.public), "final": None}],
                "cosigner": vkey(ORIGIN + "/cosigner", 6, cosigner),
                "witnesses": [],
                "quorum": 0,
            },
            "document_ca": "00" * 32,
        },
        root,
    )
    entries = first_entries(institution, envelopes)
    listed = {
        "format": 1,
        "version": 1,
        "environment": "production",
        "iat": ISSUED + 80_000,
        "exp": ISSUED + 2_600_000,
        "run_off_days": 60,
        "assessment_window_days": 180,
        "log_delay_hours": 24,
        "log": {"size": len(entries), "root": tree(entries).hex()},
        "public_urls": ["https://verify.example.cn"],
        "files": {},
        "institutions": [record(institution)],
    }
    event = {
        "state": "revoked",
        "from": ISSUED + 3600,
        "until": None,
        "reason": "false_documents",
        "void_from_start": True,
        "successor": None,
        "recorded_at": ISSUED + 7200,
    }
    status = {
        "format": 1,
        "version": 1,
        "iat": ISSUED + 80_000,
        "exp": ISSUED + 300_000,
        "entries": {str(2**33): {"events": [event], "facts": {}}},
    }
    trust_list = jws("kz-trust-list+jws", listed, list_key, delegation=delegation)
    entries.append(entry(5, ISSUED + 80_000, sha256(trust_list.encode())))
    bundle = b"".join(len(each).to_bytes(2, "big") + each for each in entries)
    return {
        "trust-list.jws": trust_list,
        "status/events.jws": jws("kz-status+jws", status, status_key),
        "log/checkpoint": checkpoint(entries, log_key),
        f"log/tile/entries/000.p/{len(entries)}": base64.b64encode(bundle).decode(),
    }


def record(institution: Signer) -> dict[str, Any]:
    return {
        "code": "P000115000001",
        "kind": "assessment",
        "credit_code": "12150000MB0012343X",
        "province": "15",
        "names": [{"name": "北疆数字技术评价中心", "valid_from": "2024-01-01"}],
        "scopes": [SCOPE | {"granted_at_ms": LISTED * 1000, "log_index": 1}],
        "sites": [],
        "events": [],
        "keys": [
            {
                "x": institution.x,
                "not_before": LISTED,
                "log_index": 2,
                "retired_at": None,
                "retired_log_index": None,
                "compromised_at_ms": None,
                "compromised_log_index": None,
            }
        ],
        "successor": None,
    }


def main() -> None:
    institution, root, list_key, status_key = (Signer(seed) for seed in (1, 2, 3, 4))
    certificates = [certificate(name, claims, institution) for name, claims in CERTIFICATES.items()]
    envelopes = [bytes.fromhex(each["envelope"]) for each in certificates]
    made = {
        "institution_key": {"x": institution.x, "kid": institution.kid.hex()},
        "root_key": jwk(root),
        "files": signed_files(root, list_key, status_key, institution, envelopes),
        "certificates": certificates,
    }
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    Path(__file__).with_name("certificates.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
