"""Making receipts: the registry verifies by itself what it is asked about, and signs what it has found.

It takes the payload of a code and nothing else: no name, no file name, no time. Of that payload only the SHA-256 of the
envelope reaches what is signed, unless an institution's key has signed the content.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from certs.errors import KezhengError
from certs.jws import RECEIPT_TYPE, assemble, signing_input
from certs.qr import read_payload
from certs.receipt import receipt_document
from certs.receipt_bundle import CheckMade, Published, receipt_bundle
from certs.report import format_check_id
from certs.signing_key import kid_of
from certs.unavailable import Unavailable
from certs.verification import verify_payload
from registry.home import Home
from registry.receipts.register_evidence import PublishedEvidence, RegisterEvidence


class ReceiptMaker:
    """Makes receipts of one open home; may be asked from several threads."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._evidence = RegisterEvidence(home)

    def make(self, payload: str, now: datetime) -> bytes:
        """The counter-signed receipt of a check made now, as ``receipt.json``.

        Raises KezhengError ``receipt_unavailable`` as `certs.receipt_bundle.receipt_bundle` does, and when the home
        lacks the key that its own delegation names.
        """
        published = self._evidence.current()
        given = Published(published.files, self._home.log_file)
        bundle = receipt_bundle(check_payload(payload, published, now), given)
        return receipt_document(bundle, self._counter_signed(bundle, published, given.delegation), b"")

    def _counter_signed(self, bundle: dict[str, Any], published: PublishedEvidence, delegation: str) -> bytes:
        trust = published.evidence.trust
        assert not isinstance(trust, Unavailable)
        try:
            signer = self._home.keyring.signer_by_kid(kid_of(trust.delegation.receipt_key))
        except KezhengError as error:
            raise KezhengError("receipt_unavailable") from error
        signed = signing_input(RECEIPT_TYPE, signer.public_key, bundle, delegation=delegation)
        return assemble(signed, signer.sign(signed))


def check_payload(payload: str, published: PublishedEvidence, now: datetime) -> CheckMade:
    """A check of the payload part of a QR text, made now, in whole seconds."""
    at = now.replace(microsecond=0)
    verification = verify_payload(payload, published.evidence, at)
    return CheckMade(_envelope(payload), verification, published.evidence, format_check_id(secrets.token_bytes(8)), at)


def _envelope(payload: str) -> bytes | None:
    try:
        return read_payload(payload)
    except KezhengError:
        return None
