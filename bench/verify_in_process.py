"""Verifying in one process, from QR text to verdict and to report; beside a bare check of the signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bench.rounds import Benchmark, Side
from bench.sample import NOW, SampleRegistry
from bench.sample_proofs import shown_with_proofs
from bench.sample_texts import sealed_certificates
from certs.canonical import encode_json
from certs.cose import take_apart
from certs.finding import Verdict
from certs.qr import read_qr_text
from certs.report import ReportContext, report_json
from certs.verification import verify_qr_text

PIECE = 200
REPORT_CONTEXT = ReportContext("7K3F-92QD", NOW)


@contextmanager
def verdicts() -> Iterator[Benchmark]:
    """QR text → verdict with all its checks."""
    registry, sealed = sealed_certificates(PIECE)

    def verify() -> int:
        for each in sealed:
            if verify_qr_text(each.qr_text, registry.evidence, NOW).verdict is not Verdict.VALID:
                raise AssertionError("a sample certificate is not valid")
        return PIECE

    limit = bare_verify(registry, [each.envelope for each in sealed])
    yield Benchmark("certificates", Side("QR text to verdict", verify), limit)


@contextmanager
def proofs() -> Iterator[Benchmark]:
    """QR text and the proof file that came with it → verdict; the proof leads through twenty hashes to a checkpoint.

    The checkpoint's own signature is checked once. Of each proof file everything is read and computed anew.
    """
    registry, texts = shown_with_proofs(PIECE)

    def verify() -> int:
        for text in texts:
            if verify_qr_text(text, registry.evidence, NOW).verdict is not Verdict.VALID:
                raise AssertionError("a sample certificate with its proof is not valid")
        return PIECE

    envelopes = [read_qr_text(text).envelope for text in texts]
    yield Benchmark("certificates", Side("QR text and proof to verdict", verify), bare_verify(registry, envelopes))


@contextmanager
def reports() -> Iterator[Benchmark]:
    """QR text → the bytes of the JSON report."""
    registry, sealed = sealed_certificates(PIECE)

    def report() -> int:
        for each in sealed:
            encode_json(report_json(verify_qr_text(each.qr_text, registry.evidence, NOW), REPORT_CONTEXT))
        return PIECE

    limit = bare_verify(registry, [each.envelope for each in sealed])
    yield Benchmark("certificates", Side("QR text to JSON report", report), limit)


def bare_verify(registry: SampleRegistry, envelopes: list[bytes]) -> Side:
    """The limit: the library's own check of the same signatures under a key that is already loaded."""
    public_key: Ed25519PublicKey = registry.institution_key.public_key()
    verify: Callable[[bytes, bytes], None] = public_key.verify
    parts = [take_apart(envelope) for envelope in envelopes]
    signed = [(part.signature, part.to_be_signed) for part in parts]

    def work() -> int:
        for signature, message in signed:
            verify(signature, message)
        return len(signed)

    return Side("bare Ed25519 verify", work)
