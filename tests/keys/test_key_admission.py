"""Only sound keys whose owner holds the private part are let in."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from keys import key_admission
from keys.key_admission import admit_public_key, possession_message, prove_possession, require_sound_key
from keys.signer import FileSigner

P = 2**255 - 19
CHALLENGE = bytes(range(32))
IDENTITY = (1).to_bytes(32, "little")
ORDER_2 = (P - 1).to_bytes(32, "little")
ORDER_4 = bytes(32)
ORDER_4_OTHER = bytes(31) + b"\x80"
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
ORDER_8_OTHER = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")


def encode(point: key_admission._Point) -> bytes:
    inverse = pow(point.z, -1, P)
    x, y = point.x * inverse % P, point.y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def public_key(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@pytest.mark.parametrize("key", [IDENTITY, ORDER_2, ORDER_4, ORDER_4_OTHER, ORDER_8, ORDER_8_OTHER])
def test_small_order_is_refused(key: bytes) -> None:
    with pytest.raises(KezhengError, match=r"^key_weak$"):
        require_sound_key(key)


@pytest.mark.parametrize("torsion", [ORDER_2, ORDER_4, ORDER_8, ORDER_8_OTHER])
def test_mixed_order_is_refused(torsion: bytes) -> None:
    sound = key_admission._decode(public_key(b"s" * 32))
    mixed = encode(key_admission._add(sound, key_admission._decode(torsion)))
    with pytest.raises(KezhengError, match=r"^key_weak$"):
        require_sound_key(mixed)


@pytest.mark.parametrize(
    "key",
    [
        P.to_bytes(32, "little"),
        (P + 1).to_bytes(32, "little"),
        (2**255 - 1).to_bytes(32, "little"),
        IDENTITY[:31] + b"\x80",
        ORDER_2[:31] + b"\xff",
        (2).to_bytes(32, "little"),
        b"",
        bytes(31),
        bytes(33),
    ],
    ids=["y=p", "y=p+1", "y=2^255-1", "-0", "-0 at y=-1", "not on the curve", "empty", "short", "long"],
)
def test_other_encodings_are_refused(key: bytes) -> None:
    with pytest.raises(KezhengError, match=r"^key_malformed$"):
        require_sound_key(key)


@settings(max_examples=15, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32))
def test_every_generated_key_is_sound(seed: bytes) -> None:
    key = public_key(seed)
    require_sound_key(key)
    assert encode(key_admission._decode(key)) == key


def test_possession() -> None:
    signer = FileSigner(b"k" * 32)
    proof = prove_possession(signer, CHALLENGE)
    admit_public_key(signer.public_key, proof, CHALLENGE)


@pytest.mark.parametrize("proof", [b"", bytes(64), FileSigner(b"k" * 32).sign(CHALLENGE)])
def test_possession_not_proven(proof: bytes) -> None:
    with pytest.raises(KezhengError, match=r"^possession_not_proven$"):
        admit_public_key(FileSigner(b"k" * 32).public_key, proof, CHALLENGE)


def test_proof_of_another_challenge_or_key() -> None:
    signer, other = FileSigner(b"k" * 32), FileSigner(b"o" * 32)
    with pytest.raises(KezhengError, match=r"^possession_not_proven$"):
        admit_public_key(signer.public_key, prove_possession(signer, bytes(32)), CHALLENGE)
    with pytest.raises(KezhengError, match=r"^possession_not_proven$"):
        admit_public_key(signer.public_key, prove_possession(other, CHALLENGE), CHALLENGE)
    with pytest.raises(ValueError, match="32 bytes"):
        admit_public_key(signer.public_key, prove_possession(signer, b"short"), b"short")


def test_a_proof_cannot_be_an_envelope_or_a_jws() -> None:
    message = possession_message(public_key(b"s" * 32), CHALLENGE)
    assert message[:1] not in (b"\x84", b"e")
