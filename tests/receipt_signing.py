"""A registry that signs receipts, for tests: its keys, its signer, and the page of one receipt."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from keys import keystore as keystore_module
from keys.document_keys import DocumentSigner, certify_document_keys, document_signer
from keys.keystore import Keystore, create_keystore
from registry.rendering.receipt_face import ReceiptCheck, ReceiptFace, ReceiptIssue

NOW = datetime(2026, 11, 20, 6, 2, 33, tzinfo=UTC)
BUNDLE = b'{"format":1,"verdict":"valid"}'
FACE = ReceiptFace(
    tone="ok",
    headline=("证书有效", "Valid"),
    summary=("查验通过", "All checks passed"),
    check_id="7K3F-92QD",
    checked_at=NOW,
    facts=(),
    checks=(ReceiptCheck("passed", "证书格式", "Form and number", "通过", "passed", "格式正确", "Well formed"),),
    notices=(),
    issue=ReceiptIssue("北疆登记", "https://verify.example.cn", " ".join(["3f2a9c01"] * 8), bytes(32)),
)


class SigningRegistry(NamedTuple):
    """Whoever signs: its open keystore, its signer, and the SHA-256 of its document CA."""

    folder: Path
    keystore: Keystore
    signer: DocumentSigner
    ca_digest: bytes


def new_registry(folder: Path, name: str = "北疆登记 verify.example.cn", now: datetime = NOW) -> SigningRegistry:
    """Keys made just now, under a passphrase that costs nothing since they protect nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_module, "SCRYPT_N", 2**10)
        keystore = create_keystore(folder, b"passphrase")
    certify_document_keys(keystore, folder, name, now)
    signer = document_signer(keystore, folder)
    return SigningRegistry(folder, keystore, signer, sha256(signer.ca_certificate).digest())
