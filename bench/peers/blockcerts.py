"""Blockcerts' cert-issuer: a batch is checked, normalised, hashed into a Merkle tree and given its proofs; no chain."""

from __future__ import annotations

import argparse
import json
from typing import Any
from uuid import uuid4

import cert_issuer.config
from cert_core import Chain
from cert_issuer.certificate_handlers import CertificateBatchWebHandler, CertificateWebV3Handler
from cert_issuer.merkle_tree_generator import MerkleTreeGenerator
from rates import tell

BATCH = 100
DID = "did:example:institution"
CONFIG = argparse.Namespace(
    verification_method=f"{DID}#1", issuance_timezone="UTC", context_urls=None, context_file_paths=None
)
# Its own reader of settings would look at our command line.
cert_issuer.config.CONFIG = CONFIG


def unsigned() -> dict[str, Any]:
    """A credential that says as much as one of our certificates."""
    subject = {
        "id": f"urn:uuid:{uuid4()}",
        "number": "P00011500000126200001M",
        "holder": "张小明",
        "occupation": "2-02-38-05",
        "grade": "intermediate",
        "assessedOn": "2026-05-18",
    }
    return {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            {"@vocab": "urn:kezheng:bench:"},
            "https://w3id.org/blockcerts/v3.2",
        ],
        "id": f"urn:uuid:{uuid4()}",
        "type": ["VerifiableCredential", "BlockcertsCredential"],
        "issuer": DID,
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": subject,
    }


def issue() -> int:
    """One batch, as its web handler issues it."""
    handler = CertificateBatchWebHandler(
        secret_manager=None,
        certificate_handler=CertificateWebV3Handler(CONFIG),
        merkle_tree=MerkleTreeGenerator(),
        config=CONFIG,
    )
    handler.set_certificates_in_batch([unsigned() for _ in range(BATCH)])
    handler.prepare_batch()
    handler.finish_batch("0" * 64, Chain.mockchain)
    if len(json.dumps(handler.proof)) < BATCH * 100:
        raise RuntimeError("a sample batch was not issued")
    return BATCH


tell("cert-issuer", "issue", issue)
