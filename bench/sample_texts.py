"""Issued certificates as verifiers meet them: QR texts."""

from __future__ import annotations

from typing import NamedTuple

from bench.sample import NOW, PUBLIC_URL, SampleRegistry, sample_requests
from certs.envelope import seal
from certs.issuance import check_sealed, prepare_certificate


class Sealed(NamedTuple):
    """A sealed certificate and the text of its QR code."""

    envelope: bytes
    qr_text: str


def sealed_certificates(registry: SampleRegistry, count: int) -> list[Sealed]:
    """Certificates issued in memory by the sample registry."""
    sealed = []
    for request in sample_requests(count):
        ready = prepare_certificate(request, registry.context)
        envelope = seal(ready, registry.institution_key.sign(ready.to_be_signed))
        sealed.append(Sealed(envelope, check_sealed(envelope, PUBLIC_URL, registry.evidence, NOW)))
    return sealed
