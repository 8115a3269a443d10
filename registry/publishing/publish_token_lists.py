"""Signing the IETF Token Status Lists: the status file's content for readers of the common format, list by list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from certs import jws
from certs.canonical import decode_json
from certs.signing_key import base64url, from_base64url
from certs.status_list import LIST_SIZE, StatusEntry
from certs.status_list_token import assemble_cwt, cwt_file, cwt_signing_input, jwt_file, jwt_signing_input
from certs.token_status_list import Period, TokenStatusList, derive_token_list, entries_by_list
from keys.signer import Signer
from registry.publishing.documents import is_half_spent, next_version
from registry.store.document_store import (
    FileTimes,
    PublishedDocument,
    add_document,
    latest_document,
    newest_times,
)
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.status_store import next_issued_index

TIME_TO_LIVE = timedelta(minutes=5)
"""How long a reader may keep a copy before asking again: how late it may learn of a revocation."""
Times = Mapping[str, FileTimes]


def publish_token_lists(
    tx: WriteTransaction, signer: Signer, public_url: str, entries: Mapping[int, StatusEntry], longest: Period
) -> None:
    """Sign and store the next version of the lists that hold an issued certificate, as JWT and as CWT.

    A list that still says the same and has lived less than half of its time stays: a register has one for every
    131,072 certificates, and a change of one status is a change of one list.
    """
    changed, times = entries_by_list(entries), newest_times(tx)
    for number in issued_lists(tx):
        own, address = changed.get(number, {}), file_address(public_url, jwt_file(number))
        derived = derive_token_list(own, number, address, longest)
        if _stands(tx, times, number, derived):
            continue
        for name, sign in ((jwt_file(number), _signed_jwt), (cwt_file(number), _signed_cwt)):
            content = sign(replace(derived, uri=file_address(public_url, name)), signer)
            version = next_version(tx, name)
            add_document(tx, PublishedDocument(name, version, content, derived.issued_at, derived.expires_at))


def _stands(tx: ReadTransaction, times: Times, number: int, derived: TokenStatusList) -> bool:
    """Whether the published list is fresh, in both forms, and neither says nor promises anything else."""
    both = [times.get(name) for name in (jwt_file(number), cwt_file(number))]
    if any(is_half_spent(found, derived.issued_at) or _outlasts(found, derived) for found in both):
        return False
    latest = latest_document(tx, jwt_file(number))
    return latest is not None and _said_by(latest.content) == (derived.uri, base64url(derived.compressed))


def _outlasts(found: FileTimes | None, derived: TokenStatusList) -> bool:
    """Whether the list as it would be now ends earlier, at a change that the published one does not know of."""
    return found is None or found.expires_at is None or found.expires_at > derived.expires_at


def token_lists_need_signing(tx: ReadTransaction, now: datetime, public_url: str) -> bool:
    """Whether a list is missing, past half of its life, has ended because a place of it changed by itself, or names
    another address than this one, where its readers would refuse it.
    """
    times, numbers = newest_times(tx), list(issued_lists(tx))
    names = [name(number) for number in numbers for name in (jwt_file, cwt_file)]
    if any(is_half_spent(times.get(name), now) or _has_ended(times[name], now) for name in names):
        return True
    # One for all: a new address is given to every list at once.
    return bool(numbers) and _moved(tx, numbers[0], public_url)


def _has_ended(found: FileTimes, now: datetime) -> bool:
    return found.expires_at is None or found.expires_at <= now


def _moved(tx: ReadTransaction, number: int, public_url: str) -> bool:
    """Whether a list, present as a JWT, names another address than this public address gives it."""
    name = jwt_file(number)
    latest = latest_document(tx, name)
    return latest is not None and _said_by(latest.content)[0] != file_address(public_url, name)


def issued_lists(tx: ReadTransaction) -> Iterator[int]:
    """The numbers of the lists that hold a certificate which was signed, ascending."""
    index = next_issued_index(tx, 0)
    while index is not None:
        number = index // LIST_SIZE
        yield number
        index = next_issued_index(tx, (number + 1) * LIST_SIZE)


def file_address(public_url: str, name: str) -> str:
    """The address of a published file, which its token repeats as its subject."""
    return f"{public_url}/published/{name}"


def _signed_jwt(derived: TokenStatusList, signer: Signer) -> bytes:
    signed = jwt_signing_input(derived, signer.public_key)
    return jws.assemble(signed, signer.sign(signed))


def _signed_cwt(derived: TokenStatusList, signer: Signer) -> bytes:
    signature = signer.sign(cwt_signing_input(derived, signer.public_key))
    return assemble_cwt(derived, signer.public_key, signature)


def _said_by(token: bytes) -> tuple[str, str]:
    """The subject of a JWT of our own, which is its address, and its compressed list as it stands there."""
    claims = decode_json(from_base64url(token.split(b".")[1].decode("ascii")))
    return str(claims["sub"]), str(claims["status_list"]["lst"])
