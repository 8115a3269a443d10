"""Signers of an open home that write down what each of its keys signs from now on."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from certs.cose import read_to_be_signed
from certs.errors import KezhengError
from keys.key_record import KeyRecord
from keys.signer import Signer
from registry.home import Home


class RecordingSigner:
    """Another signer, and its messages."""

    def __init__(self, inner: Signer, messages: list[tuple[bytes, bytes]]) -> None:
        self._inner = inner
        self._messages = messages
        self.kid = inner.kid
        self.public_key = inner.public_key

    def sign(self, message: bytes) -> bytes:
        self._messages.append((self.kid, message))
        return self._inner.sign(message)


@dataclass
class Signed:
    """Every message with the kid that signed it, in order."""

    messages: list[tuple[bytes, bytes]] = field(default_factory=list)

    def certificates(self) -> list[bytes]:
        """The messages that are certificates; lists, checkpoints and the like are signed too."""
        return [message for _, message in self.messages if _is_certificate(message)]


def record_signatures(home: Home, patch: pytest.MonkeyPatch) -> Signed:
    """Watch all keys of a home, also those that are opened later."""
    signed, keystore = Signed(), home.keystore
    made = keystore.signer

    def signer(record: KeyRecord) -> Signer:
        return RecordingSigner(made(record), signed.messages)

    patch.setattr(keystore, "signer", signer)
    for kid, opened in home.keyring._signers.items():
        patch.setitem(home.keyring._signers, kid, RecordingSigner(opened, signed.messages))
    return signed


def _is_certificate(message: bytes) -> bool:
    try:
        read_to_be_signed(message)
    except KezhengError:
        return False
    return True
