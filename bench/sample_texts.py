"""Issued certificates as verifiers meet them: QR texts."""

from __future__ import annotations

from typing import NamedTuple

from bench.sample import NOW, PUBLIC_URL, SampleRegistry, sample_registry, sample_requests
from certs.envelope import seal
from certs.issuance import IssueRequest, check_sealed, prepare_certificate


class Sealed(NamedTuple):
    """A sealed certificate and the text of its QR code."""

    envelope: bytes
    qr_text: str


def sealed_certificates(count: int) -> tuple[SampleRegistry, list[Sealed]]:
    """A registry and certificates that it has issued and logged."""
    empty = sample_registry()
    envelopes = [sealed(empty, request) for request in sample_requests(count)]
    registry = sample_registry(envelopes)
    texts = [check_sealed(envelope, PUBLIC_URL, registry.evidence, NOW) for envelope in envelopes]
    return registry, [Sealed(envelope, text) for envelope, text in zip(envelopes, texts, strict=True)]


def sealed(registry: SampleRegistry, request: IssueRequest) -> bytes:
    """One envelope; the same request always gives the same bytes."""
    ready = prepare_certificate(request, registry.context)
    return seal(ready, registry.institution_key.sign(ready.to_be_signed))
