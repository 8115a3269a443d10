"""The keys of a home by what they are for. Each is read from the keystore once and kept for the life of the process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from certs.errors import KezhengError
from certs.signing_key import kid_of
from keys.data_protection import BlindIndex, FieldCipher, StatusIndexPermutation
from keys.key_record import KeyRecord, KeyRole
from keys.keystores import AnyKeystore
from keys.signer import CosignatureSigner, Signer


class Keyring:
    """Signers and data keys of one keystore."""

    def __init__(self, keystore: AnyKeystore) -> None:
        self._keystore = keystore
        self._signers: dict[bytes, Signer] = {}
        self._cosigners: dict[bytes, CosignatureSigner] = {}

    def signer(self, role: KeyRole, owner: str | None = None) -> Signer:
        """The newest signer of a role. Raises KezhengError ``key_not_found``."""
        return self._signer(self._newest(role, owner))

    def signer_of(self, public_key: bytes) -> Signer:
        """The signer of a key that a delegation names: the newest one in the keystore may not be delegated yet."""
        return self.signer_by_kid(kid_of(public_key))

    def newest_cosigner_key(self) -> bytes:
        """The public key that is to sign the checkpoint's second line. Raises KezhengError ``key_not_found``."""
        record = self._newest(KeyRole.LOG_COSIGNATURE, None)
        assert record.public_key is not None
        return record.public_key

    def cosigner(self, name: str, public_key: bytes) -> CosignatureSigner:
        """What signs the checkpoint's second line, under its name. Raises KezhengError ``key_not_found``."""
        if public_key not in self._cosigners:
            record = next((each for each in self._keystore.records() if each.public_key == public_key), None)
            if record is None:
                raise KezhengError("key_not_found", kid=name)
            self._cosigners[public_key] = self._keystore.cosignature_signer(record, name)
        return self._cosigners[public_key]

    def signer_by_kid(self, kid: bytes) -> Signer:
        """The signer of a key that recorded bytes name. Raises KezhengError ``key_not_found``."""
        if kid not in self._signers:
            record = next((record for record in self._keystore.records() if record.kid == kid), None)
            if record is None:
                raise KezhengError("key_not_found", kid=kid.hex())
            return self._signer(record)
        return self._signers[kid]

    def new_institution_signer(self, code: str, now: datetime) -> Signer:
        """A new key for an institution."""
        return self._signer(self._keystore.generate_signing_key(KeyRole.INSTITUTION, code, now))

    @cached_property
    def cipher(self) -> FieldCipher:
        """What seals personal data; older keys still open what they sealed."""
        return FieldCipher(self._data_keys(), self._newest(KeyRole.DATA_ENCRYPTION, None).kid, self._data_keys)

    def _data_keys(self) -> dict[bytes, bytes]:
        records = [record for record in self._keystore.records() if record.role is KeyRole.DATA_ENCRYPTION]
        return {record.kid: self._keystore.secret(record) for record in records}

    @cached_property
    def blind_index(self) -> BlindIndex:
        """What finds a person without storing the number."""
        return BlindIndex(self._keystore.secret(self._newest(KeyRole.BLIND_INDEX, None)))

    def status_indices(self, counters: Iterable[int]) -> list[int]:
        """The status indices of counter values."""
        return [self._places.index(counter) for counter in counters]

    @cached_property
    def _places(self) -> StatusIndexPermutation:
        return StatusIndexPermutation(self._keystore.secret(self._newest(KeyRole.STATUS_INDEX, None)))

    def _newest(self, role: KeyRole, owner: str | None) -> KeyRecord:
        record = self._keystore.newest(role, owner)
        if record is None:
            raise KezhengError("key_not_found", kid=f"{role.value} {owner or ''}".strip())
        return record

    def _signer(self, record: KeyRecord) -> Signer:
        if record.kid not in self._signers:
            self._signers[record.kid] = self._keystore.signer(record)
        return self._signers[record.kid]
