"""Sealing and opening certificates: claims in COSE under an institution's key."""

from __future__ import annotations

from typing import NamedTuple

from certs import cose
from certs.certificate import CertificateClaims
from certs.claims_writer import write_claims
from certs.errors import KezhengError


class Prepared(NamedTuple):
    """What will be signed, recorded before any signature exists."""

    kid: bytes
    payload: bytes
    to_be_signed: bytes


def prepare(claims: CertificateClaims, kid: bytes) -> Prepared:
    """The to-be-signed bytes of claims under a key."""
    payload = write_claims(claims)
    return Prepared(kid, payload, cose.to_be_signed(kid, payload))


def seal(prepared: Prepared, signature: bytes) -> bytes:
    """The envelope of prepared bytes and their signature.

    What the envelope holds is compared with what was prepared, byte for byte.
    Raises KezhengError ``sealed_other_bytes``.
    """
    envelope = cose.assemble(prepared.kid, prepared.payload, signature)
    if cose.take_apart(envelope).to_be_signed != prepared.to_be_signed:
        raise KezhengError("sealed_other_bytes")
    return envelope


def prepared_from_record(recorded: bytes) -> Prepared:
    """What was recorded before a stop, to be signed and sealed now. Raises KezhengError ``payload_malformed``."""
    kid, payload = cose.read_to_be_signed(recorded)
    return Prepared(kid, payload, recorded)
