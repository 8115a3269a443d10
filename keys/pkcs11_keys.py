"""Ed25519 keys inside a hardware module (PKCS#11): made there, used there, never outside.

A module is believed in nothing that can be checked: what it says of a key, that it holds the private half of the
public key that it shows, and that each signature is one.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from pkcs11 import Mechanism
from pkcs11.types import Session, SignMixin

from certs.errors import KezhengError
from certs.signing_key import SIGNATURE_LENGTH, kid_of, verify_signature
from keys.key_admission import CHALLENGE_LENGTH, prove_possession, require_sound_key
from keys.key_algorithm import ED25519
from keys.key_record import KeyRecord, KeyRole, by_age, newest_of, require_owner
from keys.pkcs11_connection import TokenConnection, connect
from keys.pkcs11_objects import KeyPlace, generate_pair, is_kept_inside, label_of, new_place, read_halves, signing_half


class HsmSigner:
    """A signer whose key never leaves its module. Each signature is checked before it is given out."""

    __slots__ = ("_connection", "_key", "_place", "_session", "kid", "public_key")

    def __init__(self, connection: TokenConnection, place: KeyPlace, public_key: bytes) -> None:
        """Take the key's place and its public key (32 bytes); use ``HsmKeystore.signer``."""
        self._connection = connection
        self._place = place
        self._session: Session | None = None
        self._key: SignMixin | None = None
        self.public_key = public_key
        self.kid = kid_of(public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes; the same for the same message.

        Raises KezhengError ``hsm_unavailable``, ``hsm_refused``, ``hsm_key_missing``, ``hsm_signature_wrong``.
        """
        signature = self._connection.run(lambda session: self._sign(session, message))
        # One wrong signature of a deterministic scheme gives the key away to whoever also sees the right one.
        if len(signature) != SIGNATURE_LENGTH or not verify_signature(self.public_key, signature, message):
            raise KezhengError("hsm_signature_wrong", kid=self.kid.hex())
        return signature

    def _sign(self, session: Session, message: bytes) -> bytes:
        """A handle is good in its session; in a new one the key is looked for again."""
        if self._key is None or self._session is not session:
            self._session, self._key = session, signing_half(session, self._place)
        return self._key.sign(message, mechanism=Mechanism.EDDSA)

    def __repr__(self) -> str:
        return f"HsmSigner({self.kid.hex()})"


class HsmKeystore:
    """The signing keys of one token, in the shape of `keys.keystore.Keystore`. Data keys stay in files."""

    def __init__(self, connection: TokenConnection) -> None:
        """Use ``open_hsm``."""
        self._connection = connection
        self._admitted: dict[tuple[KeyPlace, bytes], KeyRecord] = {}

    def records(self) -> list[KeyRecord]:
        """The open part of every key, oldest first; other programs' keys in the token are passed over.

        A pair is checked when this object first meets it, as ``generate_signing_key`` does. Raises KezhengError
        ``hsm_key_missing`` when half of a pair is not there, and as that does.
        """
        return self._admitted_records(None)

    def newest(self, role: KeyRole, owner: str | None = None) -> KeyRecord | None:
        """The youngest key of a role and owner, or None. Raises as ``records`` does."""
        return newest_of(self._admitted_records(label_of(role, owner)), role, owner)

    def generate_signing_key(self, role: KeyRole, owner: str | None, created_at: datetime) -> KeyRecord:
        """A new key, made by the module.

        Raises ValueError for a role whose keys are not Ed25519; KezhengError ``hsm_unavailable``,
        ``hsm_refused``, ``hsm_key_exposed`` when the module does not keep the key as it was asked to,
        ``hsm_signature_wrong`` when its halves do not fit, ``key_malformed``, ``key_weak``.
        """
        require_owner(role, owner)
        if role.algorithm is not ED25519:
            raise ValueError("the module holds Ed25519 keys; the others stay in files")
        place = new_place(role, owner, created_at)
        # In a new session: one that was lost meanwhile would fail, and what generates is never repeated.
        self._connection.close()
        return self._admit(place, self._connection.run_once(lambda session: generate_pair(session, place)))

    def signer(self, record: KeyRecord) -> HsmSigner:
        """The signer of a key that is listed. Raises ``hsm_key_missing``, and as ``records`` does."""
        for place, public_key in self._pairs(label_of(record.role, record.owner)).items():
            if public_key == record.public_key and self._admit(place, public_key) == record:
                return HsmSigner(self._connection, place, public_key)
        raise KezhengError("hsm_key_missing", key=record.kid.hex())

    def _admitted_records(self, label: str | None) -> list[KeyRecord]:
        return sorted((self._admit(*pair) for pair in self._pairs(label).items()), key=by_age)

    def _pairs(self, label: str | None) -> dict[KeyPlace, bytes]:
        halves = self._connection.run(lambda session: read_halves(session, label))
        if halves.private != set(halves.public):
            # Who is not logged in is shown no private halves: that must not pass for a token without keys.
            self._connection.close()
            halves = self._connection.run(lambda session: read_halves(session, label))
        alone = halves.private ^ set(halves.public)
        if alone:
            raise KezhengError("hsm_key_missing", key=min(place.label for place in alone))
        return halves.public

    def _admit(self, place: KeyPlace, public_key: bytes) -> KeyRecord:
        """The record of a pair, once the module has shown that it holds the private half, and how."""
        if (place, public_key) not in self._admitted:
            if not self._connection.run(lambda session: is_kept_inside(session, place)):
                raise KezhengError("hsm_key_exposed", key=place.label)
            require_sound_key(public_key)
            signer = HsmSigner(self._connection, place, public_key)
            # Proves possession: the signer itself gives out no signature that does not fit the public key.
            prove_possession(signer, secrets.token_bytes(CHALLENGE_LENGTH))
            record = KeyRecord(place.role, place.owner, signer.kid, place.created_at, public_key)
            self._admitted[place, public_key] = record
        return self._admitted[place, public_key]


def open_hsm(module: Path, token: str, pin: str) -> HsmKeystore:
    """The keys of a token: library of the module, label of the token, PIN of its user.

    Raises KezhengError ``hsm_unavailable``, ``hsm_pin_wrong``, ``hsm_pin_locked``.
    """
    return HsmKeystore(connect(module, token, pin))
