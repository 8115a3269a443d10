"""Issuing in memory, from lints to our own verifier on the QR text; beside a bare signature."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.rounds import Benchmark, Side
from bench.sample import NOW, PUBLIC_URL, sample_registry, sample_requests
from certs.envelope import seal
from certs.issuance import check_sealed, prepare_certificate

PIECE = 200


@contextmanager
def prepared() -> Iterator[Benchmark]:
    registry = sample_registry()
    requests = sample_requests(PIECE)
    private = registry.institution_key
    messages = [prepare_certificate(request, registry.context).to_be_signed for request in requests]

    def issue() -> int:
        for request in requests:
            ready = prepare_certificate(request, registry.context)
            envelope = seal(ready, private.sign(ready.to_be_signed))
            check_sealed(envelope, PUBLIC_URL, registry.evidence, NOW)
        return PIECE

    def sign() -> int:
        for message in messages:
            private.sign(message)
        return PIECE

    yield Benchmark(
        "certificates", Side("prepare, sign, seal, own verifier", issue), Side("bare Ed25519 sign", sign)
    )
