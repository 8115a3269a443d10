"""How Ed25519 keys lie in a hardware module (PKCS#11 v3): the label that says what they are for, and their attributes.

Role and owner are the label of both halves, ``list-registry`` or ``institution-P000115000001``, so that the module
finds them by itself. Their id (CKA_ID) joins the halves: when the key was made, in microseconds since 1970 (8 bytes,
big-endian), then 8 random bytes. One call makes the pair with both, and neither half can be changed afterwards, so
that a key cannot be turned to another role. The kid is computed from the public key and stored nowhere.

The functions work in a session that is logged in and raise PKCS11Error, as the library does.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import NoSuchKey
from pkcs11.types import Object, PrivateKey, PublicKey, Session, SignMixin

from certs.signing_key import PUBLIC_KEY_LENGTH
from keys.key_algorithm import ED25519
from keys.key_record import KeyRole, require_owner

_ED25519_CURVE = bytes.fromhex("06032b6570")
"""The object identifier 1.3.101.112 (RFC 8410 §3) in DER."""
_OCTET_STRING = b"\x04\x20"
_REGISTER = "registry"
_INSTANT_LENGTH = 8
_RANDOM_LENGTH = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ASKED = {
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.SIGN_RECOVER: False,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
    Attribute.MODIFIABLE: False,
    Attribute.COPYABLE: False,
}
_REQUIRED = _ASKED | {Attribute.LOCAL: True, Attribute.ALWAYS_SENSITIVE: True, Attribute.NEVER_EXTRACTABLE: True}
"""What the module must say of a private half: made inside, never readable, and good for signing alone."""


class KeyPlace(NamedTuple):
    """Where a pair lies in its token, and what it is for."""

    key_id: bytes
    role: KeyRole
    owner: str | None

    @property
    def label(self) -> str:
        """CKA_LABEL of both halves."""
        return label_of(self.role, self.owner)

    @property
    def created_at(self) -> datetime:
        """When the key was made, UTC."""
        return _EPOCH + int.from_bytes(self.key_id[:_INSTANT_LENGTH], "big") * _MICROSECOND


class Halves(NamedTuple):
    """The register's keys in a token: places of private halves, and of public halves with their 32 bytes."""

    private: set[KeyPlace]
    public: dict[KeyPlace, bytes]


def label_of(role: KeyRole, owner: str | None) -> str:
    """What keys of a role and owner are called in the token."""
    return f"{role}-{owner or _REGISTER}"


def new_place(role: KeyRole, owner: str | None, created_at: datetime) -> KeyPlace:
    """A place that no key has yet."""
    instant = ((created_at - _EPOCH) // _MICROSECOND).to_bytes(_INSTANT_LENGTH, "big")
    return KeyPlace(instant + secrets.token_bytes(_RANDOM_LENGTH), role, owner)


def generate_pair(session: Session, place: KeyPlace) -> bytes:
    """Let the module make a pair; its public key, 32 bytes."""
    curve = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519_CURVE}, local=True)
    public, _ = curve.generate_keypair(
        id=place.key_id,
        label=place.label,
        store=True,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        public_template={Attribute.MODIFIABLE: False},
        private_template=_ASKED,
    )
    return _raw_point(public[Attribute.EC_POINT])


def read_halves(session: Session, label: str | None = None) -> Halves:
    """All halves, or those of a label; what other programs keep in the token is passed over."""
    private, public = set(), {}
    wanted: dict[Attribute, Any] = {} if label is None else {Attribute.LABEL: label}
    for each in _search(session, {Attribute.KEY_TYPE: KeyType.EC_EDWARDS, **wanted}):
        place = _place_of(each)
        if place is not None and isinstance(each, PrivateKey):
            private.add(place)
        elif place is not None and isinstance(each, PublicKey):
            public[place] = _raw_point(each[Attribute.EC_POINT])
    return Halves(private, public)


def signing_half(session: Session, place: KeyPlace) -> SignMixin:
    """The private half. Raises NoSuchKey with the label when it is not there, does not sign, or is there twice."""
    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: place.key_id, Attribute.LABEL: place.label}
    found = _search(session, wanted)
    if len(found) != 1 or not isinstance(found[0], SignMixin):
        raise NoSuchKey(place.label)
    return found[0]


def is_kept_inside(session: Session, place: KeyPlace) -> bool:
    """Whether the module says of the private half all that it must."""
    return signing_half(session, place).get_attributes(list(_REQUIRED)) == _REQUIRED


def _search(session: Session, attributes: dict[Attribute, Any]) -> list[Object]:
    # The library cannot end a search that did not begin, and says so on the error output: see first that the
    # session lives, by the cheapest call that needs one.
    session.generate_random(8)
    return list(session.get_objects(attributes))


def _place_of(key: Object) -> KeyPlace | None:
    """The place of a key of ours, None for a key of another program."""
    try:
        name, _, owner = key[Attribute.LABEL].partition("-")
        role = KeyRole(name)
        place = KeyPlace(key[Attribute.ID], role, owner if role is KeyRole.INSTITUTION else None)
        require_owner(role, place.owner)
    except ValueError:
        # Not UTF-8, no role, no owner.
        return None
    # Instants before the year 4253 begin with a zero byte.
    is_dated = len(place.key_id) == _INSTANT_LENGTH + _RANDOM_LENGTH and place.key_id[0] == 0
    is_ours = is_dated and place.label == f"{name}-{owner}" and role.algorithm is ED25519
    return place if is_ours else None


def _raw_point(point: bytes) -> bytes:
    """The 32 bytes: some modules give them plain, some in a DER octet string; other lengths are left as they are."""
    is_wrapped = len(point) == len(_OCTET_STRING) + PUBLIC_KEY_LENGTH and point.startswith(_OCTET_STRING)
    return point[len(_OCTET_STRING) :] if is_wrapped else point
