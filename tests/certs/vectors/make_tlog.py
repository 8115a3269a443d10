"""Writes tlog.json: trees, tiles, signed checkpoints and a proof file, made from the texts of RFC 6962 and C2SP alone.

Run from the root of the project: ``python tests/certs/vectors/make_tlog.py``. Nothing is shared with the program; only
Ed25519 and ML-DSA come from a library. ML-DSA signatures differ from run to run, so those in the file are kept for as
long as they verify over what is to be signed. The keys are those of seeds and sign nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

TARGET = Path(__file__).with_name("tlog.json")
ORIGIN = "register.example/2026"
COSIGNER = "register.example/2026/cosigner"
WITNESS = "witness.example/w1"
MADE = 1_795_068_000  # 2026-11-19T06:00:00Z
ENTRIES = 66_000
SIZES = (1, 2, 3, 6, 7, 8, 255, 256, 257, 600)


def entry(index: int) -> bytes:
    return f"entry {index}".encode()


@cache
def mth(start: int, stop: int) -> bytes:
    """RFC 6962 §2.1 over the entries from one index up to another."""
    if start == stop:
        return hashlib.sha256(b"").digest()
    if stop - start == 1:
        return hashlib.sha256(b"\x00" + entry(start)).digest()
    middle = start + split(stop - start)
    return hashlib.sha256(b"\x01" + mth(start, middle) + mth(middle, stop)).digest()


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def path(m: int, start: int, stop: int) -> list[bytes]:
    """RFC 6962 §2.1.1."""
    if stop - start == 1:
        return []
    middle = start + split(stop - start)
    if m < middle:
        return [*path(m, start, middle), mth(middle, stop)]
    return [*path(m, middle, stop), mth(start, middle)]


def subproof(m: int, start: int, stop: int, whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2."""
    if m == stop:
        return [] if whole else [mth(start, stop)]
    middle = start + split(stop - start)
    if m <= middle:
        return [*subproof(m, start, middle, whole), mth(middle, stop)]
    return [*subproof(m, middle, stop, False), mth(start, middle)]


def trees() -> list[dict[str, Any]]:
    return [
        {
            "size": size,
            "root": mth(0, size).hex(),
            "inclusion": {m: [h.hex() for h in path(m, 0, size)] for m in sorted({0, size // 2, size - 1})},
            "consistency": {
                m: [h.hex() for h in subproof(m, 0, size, True)] for m in sorted({1, size // 2, size - 1, size} - {0})
            },
        }
        for size in SIZES
    ]


def tiles() -> dict[str, str]:
    """SHA-256 of the first and last tile at each level of a tree, and of the last bundle, by path."""
    found = {}
    for level in range(3):
        unit = 256**level
        count = ENTRIES // unit
        for tile in {0, (count - 1) // 256}:
            stop = min(count, tile * 256 + 256)
            hashes = b"".join(mth(i * unit, (i + 1) * unit) for i in range(tile * 256, stop))
            partial = "" if stop - tile * 256 == 256 else f".p/{stop - tile * 256}"
            found[f"tile/{level}/{tile:03d}{partial}"] = hashlib.sha256(hashes).hexdigest()
    last = ENTRIES // 256
    bundle = b"".join(struct.pack(">H", len(entry(i))) + entry(i) for i in range(last * 256, ENTRIES))
    found[f"tile/entries/{last:03d}.p/{ENTRIES % 256}"] = hashlib.sha256(bundle).hexdigest()
    return found


class Key:
    """A key of a note: its name, its type byte, its public key, its id."""

    def __init__(self, name: str, kind: int, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        self.name, self.private = name, private
        self.public = bytes([kind]) + private.public_key().public_bytes_raw()
        self.id = hashlib.sha256(name.encode() + b"\n" + self.public).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(self.public).decode()}"

    def line(self, signature: bytes) -> str:
        return f"\u2014 {self.name} {base64.b64encode(self.id + signature).decode()}\n"


def ed25519(name: str, kind: int, seed: int) -> Key:
    return Key(name, kind, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


class Kept:
    """ML-DSA signatures by the SHA-256 of what they sign: those made before, where they verify."""

    def __init__(self) -> None:
        self._before = json.loads(TARGET.read_text("utf-8"))["ml_dsa_signatures"] if TARGET.exists() else {}
        self.made: dict[str, str] = {}

    def signature(self, message: bytes) -> bytes:
        name = hashlib.sha256(message).hexdigest()
        made = base64.b64decode(self._before.get(name, ""))
        try:
            SECOND.private.public_key().verify(made, message)
        except InvalidSignature:
            made = SECOND.private.sign(message)
            self._before[name] = base64.b64encode(made).decode()
        self.made[name] = base64.b64encode(made).decode()
        return made


LOG = ed25519(ORIGIN, 0x01, 21)
STRANGER = ed25519(ORIGIN, 0x01, 22)
W1 = ed25519(WITNESS, 0x04, 23)
SECOND = Key(COSIGNER, 0x06, MLDSA44PrivateKey.from_seed_bytes(bytes([24]) * 32))


def body(size: int, *extensions: str) -> str:
    root = base64.b64encode(mth(0, size)).decode()
    return "".join(f"{line}\n" for line in (ORIGIN, size, root, *extensions))


def signed(key: Key, text: str) -> str:
    return key.line(key.private.sign(text.encode()))


def cosigned_04(text: str, at: int) -> str:
    message = f"cosignature/v1\ntime {at}\n{text}"
    return W1.line(struct.pack(">Q", at) + W1.private.sign(message.encode()))


def cosigned_06(kept: Kept, size: int, at: int, *, start: int = 0, name: str = COSIGNER) -> str:
    """tlog-cosignature, ``cosigned_message``."""
    cosigner, origin = (bytes([len(n)]) + n.encode() for n in (name, ORIGIN))
    message = b"subtree/v1\n\x00" + cosigner + struct.pack(">Q", at) + origin
    message += struct.pack(">QQ", start, size) + mth(start, size)
    return SECOND.line(struct.pack(">Q", at) + kept.signature(message))


def accepted(kept: Kept) -> list[dict[str, Any]]:
    """Notes that are to be opened, and who cosigned them when."""
    plain, extended = body(600), body(600, "an extension")
    two, three = [COSIGNER, MADE], [WITNESS, MADE + 1]
    return [
        note("the log's line alone", plain, [signed(LOG, plain)], []),
        note("both lines of the log", plain, [signed(LOG, plain), cosigned_06(kept, 600, MADE)], [two]),
        note(
            "a witness too",
            plain,
            [cosigned_04(plain, MADE + 1), signed(LOG, plain), cosigned_06(kept, 600, MADE)],
            [three, two],
        ),
        note("an extension line", extended, [signed(LOG, extended), cosigned_04(extended, MADE + 1)], [three]),
        note("another key with the log's name", plain, [signed(STRANGER, plain), signed(LOG, plain)], []),
        note("the first second", plain, [signed(LOG, plain), cosigned_04(plain, 1)], [[WITNESS, 1]]),
        note("the last second", plain, [signed(LOG, plain), cosigned_04(plain, 2**63 - 1)], [[WITNESS, 2**63 - 1]]),
    ]


def refused(kept: Kept) -> list[dict[str, Any]]:
    """Notes that are not to be opened."""
    plain, other = body(600), body(257)
    own = signed(LOG, plain)
    false_04 = cosigned_04(other, MADE)
    return [
        note("no line of the log", plain, [cosigned_06(kept, 600, MADE)]),
        note("a stranger with the log's name", plain, [signed(STRANGER, plain)]),
        note("the log's line of another tree", plain, [signed(LOG, other)]),
        note("a good line and a false one of the log", plain, [own, signed(LOG, other)]),
        note("a false line and a good one of the log", plain, [signed(LOG, other), own]),
        note("a witness's line of another tree", plain, [own, false_04]),
        note("0x06 of another size", plain, [own, cosigned_06(kept, 257, MADE)]),
        note("0x06 that starts at 1", plain, [own, cosigned_06(kept, 600, MADE, start=1)]),
        note("0x06 under another name", plain, [own, cosigned_06(kept, 600, MADE, name=WITNESS)]),
        note("0x06 of time 0", plain, [own, cosigned_06(kept, 600, 0)]),
        note("0x04 of time 0", plain, [own, cosigned_04(plain, 0)]),
        note("0x04 of a time too late", plain, [own, cosigned_04(plain, 2**63)]),
        note("a cosignature without signature", plain, [own, W1.line(struct.pack(">Q", MADE))]),
        note("another origin", plain.replace("2026", "2027"), [signed(LOG, plain.replace("2026", "2027"))]),
        note("seventeen lines", plain, [own, *(W1.line(bytes(65)) for _ in range(16))]),
    ]


def note(name: str, text: str, lines: list[str], cosigned: list[list[Any]] | None = None) -> dict[str, Any]:
    made = {"name": name, "note": f"{text}\n{''.join(lines)}"}
    return made if cosigned is None else made | {"cosigned": cosigned}


def proof_file(checkpoint: str) -> dict[str, Any]:
    """tlog-proof, with extra data."""
    extra = entry(511)
    hashes = [base64.b64encode(h).decode() for h in path(511, 0, 600)]
    lines = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(extra).decode()}", "index 511", *hashes, "", ""]
    return {"index": 511, "extra": extra.hex(), "text": "\n".join(lines) + checkpoint}


def main() -> None:
    kept = Kept()
    opened = accepted(kept)
    made = {
        "keys": {"log": LOG.vkey, "cosigner": SECOND.vkey, "witness": W1.vkey},
        "trees": trees(),
        "tiles": {"size": ENTRIES, "root": mth(0, ENTRIES).hex(), "sha256": tiles()},
        "accepted": opened,
        "refused": refused(kept),
        "proof": proof_file(opened[1]["note"]),
    }
    made["ml_dsa_signatures"] = kept.made
    TARGET.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
