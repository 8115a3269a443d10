"""Issuing in memory, from lints to our own verifier on the QR text; beside a bare signature.

The same request always gives the same envelope, so the register of the sample holds beforehand what is sealed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.rounds import Benchmark, Side
from bench.sample import NOW, PUBLIC_URL, sample_requests
from bench.sample_texts import sealed, sealed_certificates
from certs.issuance import check_sealed, prepare_certificate

PIECE = 200


@contextmanager
def prepared() -> Iterator[Benchmark]:
    registry, _ = sealed_certificates(PIECE)
    requests = sample_requests(PIECE)
    private = registry.institution_key
    messages = [prepare_certificate(request, registry.context).to_be_signed for request in requests]

    def issue() -> int:
        for request in requests:
            check_sealed(sealed(registry, request), PUBLIC_URL, registry.evidence, NOW)
        return PIECE

    def sign() -> int:
        for message in messages:
            private.sign(message)
        return PIECE

    yield Benchmark(
        "certificates", Side("prepare, sign, seal, own verifier", issue), Side("bare Ed25519 sign", sign)
    )
