"""Keys in SoftHSM2: made inside, never readable, listed by their labels, and nothing about them taken on trust."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.attributes import AttributeMapper
from pkcs11.exceptions import AttributeSensitive, KeyUnextractable, PKCS11Error
from pkcs11.types import Object, Session
from soft_token import SoftToken

from certs.errors import KezhengError
from certs.signing_key import kid_of
from keys.key_admission import admit_public_key, prove_possession
from keys.key_record import KeyRecord, KeyRole
from keys.pkcs11_connection import TokenConnection
from keys.pkcs11_keys import HsmKeystore, open_hsm
from keys.signer import Signer, SigningKeystore

INSTITUTION = "P000115000001"
CURVE = {Attribute.EC_PARAMS: bytes.fromhex("06032b6570")}
LABEL = "list-registry"
KEY_ID = bytes.fromhex("000660ab9a05a800") + b"12345678"
IDENTITY = (1).to_bytes(32, "little")
KEPT = {"EXTRACTABLE": False, "SIGN_RECOVER": False, "MODIFIABLE": False, "COPYABLE": False}
OUTSIDE_SEED = b"o" * 32
OUTSIDE = Ed25519PrivateKey.from_private_bytes(OUTSIDE_SEED).public_key().public_bytes_raw()


def refusal(code: str) -> Any:
    return pytest.raises(KezhengError, match=f"^{code}( |$)")


@pytest.fixture
def keystore(token: SoftToken) -> HsmKeystore:
    return open_hsm(*token)


@pytest.fixture
def record(keystore: HsmKeystore, now: datetime) -> KeyRecord:
    return keystore.generate_signing_key(KeyRole.LIST, None, now)


def connection_of(keystore: HsmKeystore) -> TokenConnection:
    return keystore._connection


def halves(keystore: HsmKeystore) -> tuple[Any, Any]:
    """Private and public half of the only pair."""

    def both(session: Session) -> tuple[Object, Object]:
        private = session.get_key(object_class=ObjectClass.PRIVATE_KEY)
        return private, session.get_key(object_class=ObjectClass.PUBLIC_KEY)

    return connection_of(keystore).run(both)


def make_pair(session: Session, label: str, key_id: bytes, private: dict[str, bool]) -> None:
    """A pair as another program makes it, which asks the module for something else."""
    session.create_domain_parameters(KeyType.EC_EDWARDS, CURVE, local=True).generate_keypair(
        id=key_id,
        label=label,
        store=True,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        private_template={Attribute[name]: value for name, value in private.items()},
    )


def put_public_half(session: Session, key_id: bytes, label: str, point: bytes) -> None:
    session.create_object(
        {
            Attribute.CLASS: ObjectClass.PUBLIC_KEY,
            Attribute.KEY_TYPE: KeyType.EC_EDWARDS,
            Attribute.TOKEN: True,
            Attribute.ID: key_id,
            Attribute.LABEL: label,
            Attribute.EC_POINT: point,
            **CURVE,
        }
    )


def test_signatures_are_those_of_the_standard(keystore: HsmKeystore, record: KeyRecord) -> None:
    signer: Signer = keystore.signer(record)
    assert (signer.public_key, signer.kid) == (record.public_key, record.kid)
    assert record.kid == kid_of(signer.public_key)
    for message in (b"", b"message", bytes(70_000)):
        signature = signer.sign(message)
        assert len(signature) == 64
        Ed25519PublicKey.from_public_bytes(signer.public_key).verify(signature, message)
        assert signer.sign(message) == signature


def test_records_come_back_as_they_were_made(token: SoftToken, now: datetime) -> None:
    made: SigningKeystore = open_hsm(*token)
    at = now.replace(microsecond=7)
    given = [
        made.generate_signing_key(KeyRole.INSTITUTION, INSTITUTION, at + timedelta(seconds=1)),
        made.generate_signing_key(KeyRole.LIST, None, at),
        made.generate_signing_key(KeyRole.LIST, None, at + timedelta(microseconds=1)),
        made.generate_signing_key(KeyRole.ROOT, None, at - timedelta(days=1)),
    ]
    again = open_hsm(*token)
    assert again.records() == [given[3], given[1], given[2], given[0]]
    assert again.newest(KeyRole.LIST) == given[2]
    assert again.newest(KeyRole.INSTITUTION, INSTITUTION) == given[0]
    assert again.newest(KeyRole.INSTITUTION, "P000115000002") is None
    assert {again.signer(record).kid for record in given} == {record.kid for record in given}


def test_an_empty_token_has_no_keys(keystore: HsmKeystore) -> None:
    assert keystore.records() == []
    assert keystore.newest(KeyRole.LIST) is None


@pytest.mark.usefixtures("record")
def test_the_private_half_cannot_be_read(keystore: HsmKeystore) -> None:
    private, _ = halves(keystore)
    with pytest.raises(AttributeSensitive):
        private[Attribute.VALUE]


@pytest.mark.usefixtures("record")
def test_the_private_half_cannot_be_wrapped_or_copied(keystore: HsmKeystore) -> None:
    private, _ = halves(keystore)
    wrapping: Any = connection_of(keystore).run(lambda session: session.generate_key(KeyType.AES, 256))
    with pytest.raises(KeyUnextractable):
        wrapping.wrap_key(private)
    with pytest.raises(PKCS11Error):
        private.copy({Attribute.EXTRACTABLE: True})


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize(
    ("attribute", "value"),
    [(Attribute.LABEL, "root-registry"), (Attribute.ID, KEY_ID), (Attribute.EXTRACTABLE, True)],
)
def test_neither_half_can_be_changed(keystore: HsmKeystore, attribute: Attribute, value: object) -> None:
    for half in halves(keystore):
        with pytest.raises(PKCS11Error):
            half[attribute] = value


def test_the_key_signs_and_does_nothing_else(keystore: HsmKeystore, record: KeyRecord) -> None:
    private, public = halves(keystore)
    uses = {name: private[Attribute[name]] for name in ("SIGN", "SIGN_RECOVER", "DECRYPT", "UNWRAP", "DERIVE")}
    assert uses == {"SIGN": True, "SIGN_RECOVER": False, "DECRYPT": False, "UNWRAP": False, "DERIVE": False}
    assert private[Attribute.LABEL] == public[Attribute.LABEL] == LABEL
    assert private[Attribute.ID] == public[Attribute.ID]
    assert repr(keystore.signer(record)) == f"HsmSigner({record.kid.hex()})"


def test_possession_can_be_proven_to_others(keystore: HsmKeystore, record: KeyRecord) -> None:
    signer, challenge = keystore.signer(record), bytes(range(32))
    admit_public_key(signer.public_key, prove_possession(signer, challenge), challenge)


def test_roles_and_owners(keystore: HsmKeystore, now: datetime) -> None:
    for role in (KeyRole.LOG_COSIGNATURE, KeyRole.DOCUMENT, KeyRole.DOCUMENT_CA):
        with pytest.raises(ValueError, match="stay in files"):
            keystore.generate_signing_key(role, None, now)
    with pytest.raises(ValueError, match="do not sign"):
        keystore.generate_signing_key(KeyRole.BLIND_INDEX, None, now)
    for owner in (None, "../../etc", "a-b"):
        with pytest.raises(ValueError, match="owner"):
            keystore.generate_signing_key(KeyRole.INSTITUTION, owner, now)
    assert keystore.records() == []


@pytest.mark.parametrize(
    ("label", "key_id"),
    [
        ("", KEY_ID),
        ("other program", KEY_ID),
        ("list", KEY_ID),
        ("list-", KEY_ID),
        ("lists-registry", KEY_ID),
        ("list-registry-2", KEY_ID),
        ("blind_index-registry", KEY_ID),
        ("log_cosignature-registry", KEY_ID),
        (f"list-{INSTITUTION}", KEY_ID),
        ("institution-", KEY_ID),
        ("institution-a/b", KEY_ID),
        (LABEL, b""),
        (LABEL, KEY_ID[:-1]),
        (LABEL, KEY_ID + b"9"),
        (LABEL, b"\x01" + KEY_ID[1:]),
    ],
)
def test_keys_of_other_programs_are_passed_over(
    keystore: HsmKeystore, record: KeyRecord, label: str, key_id: bytes
) -> None:
    connection_of(keystore).run_once(lambda session: make_pair(session, label, key_id, {}))
    assert keystore.records() == [record]
    assert keystore.newest(KeyRole.LIST) == record


def test_a_label_that_is_no_text_is_another_program_s(
    token: SoftToken, keystore: HsmKeystore, record: KeyRecord
) -> None:
    class Latin(AttributeMapper):
        def pack_attribute(self, key: Attribute, value: Any) -> bytes:
            return b"Schl\xfcssel" if key is Attribute.LABEL else super().pack_attribute(key, value)

    library = pkcs11.lib(str(token.module))
    stranger = library.get_token(token_label=token.label).open(rw=True, attribute_mapper=Latin())
    put_public_half(stranger, KEY_ID, "", b"\x04\x20" + IDENTITY)
    assert keystore.records() == [record]


@pytest.mark.parametrize(
    "private",
    [
        {"EXTRACTABLE": True},
        {"SENSITIVE": False},
        {"DERIVE": True},
        {"DECRYPT": True},
        {"UNWRAP": True},
        {"SIGN_RECOVER": True},
        {"MODIFIABLE": True},
        {"COPYABLE": True},
        {"PRIVATE": False},
    ],
    ids=lambda private: next(iter(private)),
)
def test_a_key_that_is_not_kept_as_it_must_be_is_refused(keystore: HsmKeystore, private: dict[str, bool]) -> None:
    connection_of(keystore).run_once(lambda session: make_pair(session, LABEL, KEY_ID, KEPT | private))
    with refusal("hsm_key_exposed"):
        keystore.records()


def test_the_pair_of_the_test_above_is_good_without_its_fault(keystore: HsmKeystore) -> None:
    connection_of(keystore).run_once(lambda session: make_pair(session, LABEL, KEY_ID, KEPT))
    assert [(record.role, record.created_at) for record in keystore.records()] == [
        (KeyRole.LIST, datetime(2026, 11, 20, 2, tzinfo=UTC))
    ]


def test_a_key_that_came_from_outside_is_refused(keystore: HsmKeystore) -> None:
    def bring_in(session: Session) -> None:
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                Attribute.KEY_TYPE: KeyType.EC_EDWARDS,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.SIGN: True,
                Attribute.SIGN_RECOVER: False,
                Attribute.MODIFIABLE: False,
                Attribute.COPYABLE: False,
                Attribute.ID: KEY_ID,
                Attribute.LABEL: LABEL,
                Attribute.VALUE: OUTSIDE_SEED,
                **CURVE,
            }
        )
        put_public_half(session, KEY_ID, LABEL, b"\x04\x20" + OUTSIDE)

    connection_of(keystore).run_once(bring_in)
    with refusal("hsm_key_exposed"):
        keystore.newest(KeyRole.LIST)


@pytest.mark.parametrize(
    ("point", "code"),
    [
        (b"\x04\x20" + IDENTITY, "key_weak"),
        (b"\x04\x20" + b"\xff" * 32, "key_malformed"),
        (b"\x04\x1f" + bytes(31), "key_malformed"),
        (b"\x04\x20" + OUTSIDE, "hsm_signature_wrong"),
    ],
    ids=["identity", "no point", "short", "another's"],
)
@pytest.mark.usefixtures("record")
def test_a_public_half_that_was_put_there_is_refused(
    token: SoftToken, keystore: HsmKeystore, point: bytes, code: str
) -> None:
    """Public halves can be written without a PIN: each must fit the private one."""

    def swap(session: Session) -> None:
        public = session.get_key(object_class=ObjectClass.PUBLIC_KEY)
        key_id, label = public[Attribute.ID], public[Attribute.LABEL]
        public.destroy()
        put_public_half(session, key_id, label, point)

    connection_of(keystore).run_once(swap)
    with refusal(code):
        open_hsm(*token).records()
    with refusal(code):
        keystore.newest(KeyRole.LIST)


@pytest.mark.parametrize("half", [ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY])
def test_half_a_pair(keystore: HsmKeystore, record: KeyRecord, half: ObjectClass) -> None:
    signer = keystore.signer(record)
    signer.sign(b"before")
    connection_of(keystore).run_once(lambda session: session.get_key(object_class=half).destroy())
    with refusal("hsm_key_missing"):
        keystore.records()
    with refusal("hsm_key_missing"):
        keystore.signer(record)
    if half is ObjectClass.PRIVATE_KEY:
        with refusal("hsm_key_missing"):
            signer.sign(b"after")
        with refusal("hsm_key_missing"):
            signer.sign(b"after that")


def test_keys_that_are_not_listed_as_they_are_asked_for(keystore: HsmKeystore, record: KeyRecord) -> None:
    assert record.public_key is not None
    for wrong in (
        record._replace(role=KeyRole.ROOT),
        record._replace(owner=INSTITUTION),
        record._replace(kid=bytes(8)),
        record._replace(created_at=record.created_at + timedelta(microseconds=1)),
        record._replace(public_key=bytes(32)),
    ):
        with refusal("hsm_key_missing"):
            keystore.signer(wrong)


def test_a_wrong_signature_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, keystore: HsmKeystore, record: KeyRecord
) -> None:
    signer = keystore.signer(record)
    good = signer.sign(b"message")
    faults: list[Callable[[bytes], bytes]] = [
        lambda signature: signature[:40] + bytes([signature[40] ^ 1]) + signature[41:],
        lambda signature: signature[:63],
        lambda _signature: b"",
    ]
    for fault in faults:
        with monkeypatch.context() as patch:
            run = TokenConnection.run
            patch.setattr(TokenConnection, "run", lambda self, action, run=run, fault=fault: fault(run(self, action)))
            with refusal("hsm_signature_wrong"):
                signer.sign(b"message")
    assert signer.sign(b"message") == good


def test_a_module_that_loses_its_answer_makes_no_second_pair(
    monkeypatch: pytest.MonkeyPatch, keystore: HsmKeystore, now: datetime
) -> None:
    from_module = []

    def lose(_session: Session, place: object) -> bytes:
        from_module.append(place)
        raise pkcs11.exceptions.DeviceError

    monkeypatch.setattr("keys.pkcs11_keys.generate_pair", lose)
    with refusal("hsm_refused"):
        keystore.generate_signing_key(KeyRole.LIST, None, now)
    assert len(from_module) == 1
