"""Signing the IETF Token Status Lists: the status file's content for readers of the common format, list by list."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from certs import jws
from certs.canonical import decode_json
from certs.signing_key import base64url, from_base64url, kid_of
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
from registry.store.status_store import first_issued_indices

TIME_TO_LIVE = timedelta(minutes=5)
"""How long a reader may keep a copy before asking again: how late it may learn of a revocation."""
Times = Mapping[str, FileTimes]


def publish_token_lists(
    tx: WriteTransaction,
    signer: Signer,
    public_url: str,
    entries: Mapping[int, StatusEntry],
    longest: Period,
    changed: Container[int] | None = None,
) -> None:
    """Sign and store the next version of the lists that hold an issued certificate, as JWT and as CWT.

    A list that still says the same and has lived less than half of its time stays: a register has one for every
    131,072 certificates, and a change of one status is a change of one list. What is outside ``changed`` says the same
    as when it was signed, and only its times are looked at; None: any may have to be signed again.
    """
    own, times, numbers = entries_by_list(entries), newest_times(tx), issued_lists(tx)
    if changed is not None and _moved(tx, times, numbers, public_url):
        changed = None
    for number in numbers:
        if changed is not None and number not in changed and not _is_spent(times, number, longest.issued_at):
            continue
        address = file_address(public_url, jwt_file(number))
        derived = derive_token_list(own.get(number, {}), number, address, longest)
        if changed is None or not _stands(tx, times, number, derived):
            _publish(tx, signer, public_url, number, derived)


def _publish(tx: WriteTransaction, signer: Signer, public_url: str, number: int, derived: TokenStatusList) -> None:
    for name, sign in ((jwt_file(number), _signed_jwt), (cwt_file(number), _signed_cwt)):
        content = sign(replace(derived, uri=file_address(public_url, name)), signer)
        version = next_version(tx, name)
        add_document(tx, PublishedDocument(name, version, content, derived.issued_at, derived.expires_at))


def changed_lists(former: bytes, payload: Mapping[str, Any], public_key: bytes) -> set[int] | None:
    """The lists about whose places a status file says anything else than its former version does.

    None where the former one was signed with another key: then so were the lists, and every one is signed again.
    """
    if jws.unverified_header(former)["kid"] != base64url(kid_of(public_key)):
        return None
    before, now = jws.unverified_payload(former)["entries"], payload["entries"]
    indices = (index for index in before.keys() | now.keys() if before.get(index) != now.get(index))
    return {int(index) // LIST_SIZE for index in indices}


def _stands(tx: ReadTransaction, times: Times, number: int, derived: TokenStatusList) -> bool:
    """Whether the published list is fresh, in both forms, and neither says nor promises anything else."""
    if _is_spent(times, number, derived.issued_at):
        return False
    if any(_outlasts(found, derived) for found in _times_of(times, number)):
        return False
    latest = latest_document(tx, jwt_file(number))
    return latest is not None and _said_by(latest.content) == (derived.uri, base64url(derived.compressed))


def _is_spent(times: Times, number: int, now: datetime) -> bool:
    """Whether a list is missing in one of its forms, past half of its life, or ended as a place changed by itself."""
    return any(is_half_spent(found, now) or _has_ended(found, now) for found in _times_of(times, number))


def _times_of(times: Times, number: int) -> tuple[FileTimes | None, FileTimes | None]:
    return times.get(jwt_file(number)), times.get(cwt_file(number))


def _outlasts(found: FileTimes | None, derived: TokenStatusList) -> bool:
    """Whether the list as it would be now ends earlier, at a change that the published one does not know of."""
    return found is None or found.expires_at is None or found.expires_at > derived.expires_at


def token_lists_need_signing(tx: ReadTransaction, times: Times, now: datetime, public_url: str) -> bool:
    """Whether, by the ``times`` of the newest files, a list is missing, past half of its life, or has ended because a
    place of it changed by itself, or lists name another address than this one, where their readers would refuse them.
    """
    numbers = issued_lists(tx)
    return any(_is_spent(times, number, now) for number in numbers) or _moved(tx, times, numbers, public_url)


def _has_ended(found: FileTimes | None, now: datetime) -> bool:
    return found is None or found.expires_at is None or found.expires_at <= now


def _moved(tx: ReadTransaction, times: Times, numbers: Sequence[int], public_url: str) -> bool:
    """Whether the lists name another address than this public address gives them.

    One is looked at for all: a new address is given to every list at once.
    """
    name = next((name for name in map(jwt_file, numbers) if name in times), None)
    latest = None if name is None else latest_document(tx, name)
    return latest is not None and _said_by(latest.content)[0] != file_address(public_url, latest.kind)


def issued_lists(tx: ReadTransaction) -> list[int]:
    """The numbers of the lists that hold a certificate which was signed, ascending."""
    return [index // LIST_SIZE for index in first_issued_indices(tx, LIST_SIZE)]


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
