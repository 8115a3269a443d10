"""One keystore of two: signing keys in a hardware module where there is one, everything else in files.

New Ed25519 keys are made inside the module; keys that were made in files before stay usable there. Data keys, the key
of the checkpoint's second line and document keys stay in files.
"""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from keys.key_algorithm import ED25519
from keys.key_record import KeyRecord, KeyRole
from keys.keystore import Keystore
from keys.pkcs11_keys import HsmKeystore
from keys.signer import CosignatureSigner, Signer


class Keystores:
    """Files and a hardware module, asked as one keystore."""

    def __init__(self, files: Keystore, hsm: HsmKeystore) -> None:
        self._files = files
        self._hsm = hsm

    def records(self) -> list[KeyRecord]:
        """The open part of every key, oldest first."""
        found = [*self._files.records(), *self._hsm.records()]
        return sorted(found, key=lambda record: (record.created_at, record.kid))

    def newest(self, role: KeyRole, owner: str | None = None) -> KeyRecord | None:
        """The youngest key of a role and owner, or None."""
        found = [record for store in (self._files, self._hsm) if (record := store.newest(role, owner)) is not None]
        return max(found, key=lambda record: (record.created_at, record.kid), default=None)

    def generate_signing_key(self, role: KeyRole, owner: str | None, created_at: datetime) -> KeyRecord:
        """A new key, inside the module where it has the algorithm."""
        store = self._hsm if role.algorithm is ED25519 else self._files
        return store.generate_signing_key(role, owner, created_at)

    def generate_secret(self, role: KeyRole, created_at: datetime) -> KeyRecord:
        """A new data key, in a file."""
        return self._files.generate_secret(role, created_at)

    def signer(self, record: KeyRecord) -> Signer:
        """The signer of a key that is listed, wherever it lies."""
        if any(known.kid == record.kid for known in self._files.records()):
            return self._files.signer(record)
        return self._hsm.signer(record)

    def cosignature_signer(self, record: KeyRecord, name: str) -> CosignatureSigner:
        """The key of a checkpoint's second line."""
        return self._files.cosignature_signer(record, name)

    def document_key(self, record: KeyRecord) -> EllipticCurvePrivateKey:
        """A key that signs PDFs, or certificates for such keys."""
        return self._files.document_key(record)

    def secret(self, record: KeyRecord) -> bytes:
        """The bytes of a data key."""
        return self._files.secret(record)


AnyKeystore = Keystore | Keystores
