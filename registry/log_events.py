"""Entries about listings, keys and published files, told in words; the certificates of watched institutions as data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from certs.log_entry import HEAD_LENGTH, EntryKind, KeyAct, ListingAct, read_entry
from certs.signing_key import KID_LENGTH
from certs.timestamps import format_instant, instant_from_ms
from certs.trust_list import TrustList
from registry.log_entries import Placed
from registry.log_finding import Finding, said

_CODE_LENGTH = 13
_SHOWN_DIGEST = 16
_UNKNOWN_OWNER = "–"
_LISTING_CODES = {
    ListingAct.GRANTED: "listing_granted",
    ListingAct.CHANGED: "listing_changed",
    ListingAct.ENDED: "listing_ended",
}
_KEY_CODES = {
    KeyAct.ADDED: "key_added",
    KeyAct.RETIRED: "key_retired",
    KeyAct.COMPROMISED: "key_compromised",
}
_FILE_CODES = {EntryKind.TRUST_LIST: "trust_list_logged", EntryKind.DATA_FILE: "data_file_logged"}


class KeyName(NamedTuple):
    """How a key is told: its kid in hex, and the institution that owns it."""

    kid: str
    owner: str


def key_names(trust: TrustList) -> dict[bytes, KeyName]:
    """The keys of a trust list by the SHA-256 of the public key, as entries name them."""
    return {
        hashlib.sha256(owned.key.public_key).digest(): KeyName(kid.hex(), owned.institution.code)
        for kid, owned in trust.keys.items()
    }


def event_document(placed: Placed, names: Mapping[bytes, KeyName]) -> dict[str, Any]:
    """An entry about a listing, a key or a file: place, time, code, words. One that cannot be read is told as such."""
    entry = read_entry(placed.entry)
    try:
        found = _event(EntryKind(entry.kind), entry.body, names)
    except (IndexError, ValueError, OverflowError):
        found = Finding("log_entry_malformed", {})
    spoken = said(found)
    place = {"leaf_index": placed.leaf_index, "logged_at": format_instant(entry.logged_at)}
    return place | {"code": found.code, "zh": spoken.zh, "en": spoken.en} | dict(found.params)


def leaf_document(placed: Placed, trust: TrustList) -> dict[str, Any]:
    """The entry of a certificate: where, when, under which key of which institution."""
    kid = placed.entry[HEAD_LENGTH : HEAD_LENGTH + KID_LENGTH]
    return {
        "leaf_index": placed.leaf_index,
        "logged_at": format_instant(read_entry(placed.entry).logged_at),
        "institution": trust.keys[kid].institution.code,
        "kid": kid.hex(),
        "envelope_digest": placed.entry[HEAD_LENGTH + KID_LENGTH :].hex(),
    }


def _event(kind: EntryKind, body: bytes, names: Mapping[bytes, KeyName]) -> Finding:
    if kind is EntryKind.LISTING:
        code = body[1 : 1 + _CODE_LENGTH].decode("ascii")
        return Finding(_LISTING_CODES[ListingAct(body[0])], {"institution": code})
    if kind is EntryKind.KEY:
        return _key_event(KeyAct(body[0]), int.from_bytes(body[1:9], "big"), body[9:], names)
    return Finding(_FILE_CODES[kind], {"digest": body.hex()[:_SHOWN_DIGEST]})


def _key_event(act: KeyAct, effective_ms: int, digest: bytes, names: Mapping[bytes, KeyName]) -> Finding:
    """A key that the trust list does not have is told by the digest of its public key."""
    name = names.get(digest, KeyName(digest.hex()[:_SHOWN_DIGEST], _UNKNOWN_OWNER))
    since = {"since": format_instant(instant_from_ms(effective_ms))} if act is KeyAct.COMPROMISED else {}
    return Finding(_KEY_CODES[act], {"kid": name.kid, "owner": name.owner} | since)
