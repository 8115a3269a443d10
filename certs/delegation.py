"""The delegation: all that the off-line root signs. It names the keys that work every day, and until when.

It travels in the header of ``trust-list.jws``, so the root itself need never be on-line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.jws import DELEGATION_TYPE, open_jws
from certs.root_chain import RootKey
from certs.signing_key import public_jwk, public_key_of
from certs.timestamps import epoch_seconds, instant_from_epoch
from certs.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    NoteKey,
    decode_vkey,
    encode_vkey,
)

LARGEST_COUNT = 2**53
LONGEST = timedelta(days=366)
"""How long a delegation may run: the root must come out of its vault at least once a year."""
_OWN_KEYS = ("list", "status", "receipt")


class LogKey(NamedTuple):
    """A key that signs checkpoints. A retired one counts up to the tree that is pinned here: its size and root."""

    key: NoteKey
    final_size: int | None = None
    final_root: bytes | None = None


class DelegatedLog(NamedTuple):
    """The public register: its origin, who signs its checkpoints, and how many witnesses must have seen them."""

    origin: str
    keys: tuple[LogKey, ...]
    cosigner: NoteKey
    witnesses: tuple[NoteKey, ...] = ()
    quorum: int = 0


class Delegation(NamedTuple):
    """What the root delegates: a public key for each role, the register, the epoch, and when it ends.

    ``document_ca`` is the SHA-256 (hex) of the certificate under which receipts as PDF are signed.
    """

    list_key: bytes
    status_key: bytes
    receipt_key: bytes
    log: DelegatedLog
    document_ca: str
    epoch: int
    issued_at: datetime
    expires_at: datetime


def delegation_payload(given: Delegation) -> dict[str, Any]:
    """What the root signs."""
    own = (given.list_key, given.status_key, given.receipt_key)
    return {
        "epoch": given.epoch,
        "iat": epoch_seconds(given.issued_at),
        "exp": epoch_seconds(given.expires_at),
        "keys": {role: public_jwk(key) for role, key in zip(_OWN_KEYS, own, strict=True)},
        "log": {
            "origin": given.log.origin,
            "keys": [_log_key_to_json(key) for key in given.log.keys],
            "cosigner": encode_vkey(given.log.cosigner),
            "witnesses": [encode_vkey(key) for key in given.log.witnesses],
            "quorum": given.log.quorum,
        },
        "document_ca": given.document_ca,
    }


@lru_cache(maxsize=16)
def open_delegation(token: bytes, root: RootKey) -> Delegation:
    """The delegation that the root signed; whether it runs is judged by the caller. Kept: each append asks for it.

    Raises KezhengError as `open_jws`, ``delegation_too_long`` for one of more than a year.
    """
    payload = open_jws(token, DELEGATION_TYPE, root.public_key).payload
    try:
        own = tuple(public_key_of(payload["keys"][role]) for role in _OWN_KEYS)
        list_key, status_key, receipt_key = own
        log = _log_from_json(payload["log"])
        if len({*own, *(key.key.public_key for key in log.keys)}) != len(own) + len(log.keys):
            raise KezhengError("jws_malformed")
        given = Delegation(
            list_key,
            status_key,
            receipt_key,
            log,
            hex_digest(payload["document_ca"]),
            whole_count(payload["epoch"]),
            instant_from_epoch(payload["iat"]),
            instant_from_epoch(payload["exp"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise KezhengError("jws_malformed") from error
    if given.expires_at - given.issued_at > LONGEST:
        raise KezhengError("delegation_too_long")
    return given


def whole_count(value: Any, largest: int = LARGEST_COUNT) -> int:
    """The value when it is a count in range. Raises ValueError."""
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError("not a count in range")
    return value


def hex_digest(value: Any) -> str:
    """The value when it is a SHA-256 in lower-case hex. Raises ValueError."""
    if not isinstance(value, str) or bytes.fromhex(value).hex() != value or len(value) != 64:
        raise ValueError("not a digest")
    return value


def _log_key_to_json(key: LogKey) -> dict[str, Any]:
    final = None if key.final_root is None else {"size": key.final_size, "root": key.final_root.hex()}
    return {"vkey": encode_vkey(key.key), "final": final}


def _log_from_json(entry: dict[str, Any]) -> DelegatedLog:
    origin, keys = entry["origin"], tuple(_log_key_from_json(key) for key in entry["keys"])
    cosigner = _key_of_kind(entry["cosigner"], (MLDSA44_COSIGNATURE,))
    if not keys or any(key.key.name != origin for key in keys):
        raise ValueError("a log key is named like its log")
    witnesses = tuple(_witness(vkey) for vkey in entry["witnesses"])
    return DelegatedLog(origin, keys, cosigner, witnesses, whole_count(entry["quorum"], len(witnesses)))


def _log_key_from_json(entry: dict[str, Any]) -> LogKey:
    key, final = _key_of_kind(entry["vkey"], (ED25519,)), entry["final"]
    if final is None:
        return LogKey(key)
    return LogKey(key, whole_count(final["size"]), bytes.fromhex(hex_digest(final["root"])))


def _witness(vkey: str) -> NoteKey:
    return _key_of_kind(vkey, (ED25519_COSIGNATURE, MLDSA44_COSIGNATURE))


def _key_of_kind(vkey: Any, kinds: Sequence[int]) -> NoteKey:
    key = decode_vkey(vkey)
    if key.kind not in kinds:
        raise ValueError("a key of another kind")
    return key
