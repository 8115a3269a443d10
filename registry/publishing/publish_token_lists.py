"""Signing the IETF Token Status Lists: the status file's content for readers of the common format, list by list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from certs import jws
from certs.canonical import decode_json
from certs.signing_key import from_base64url
from certs.status_list import LIST_SIZE, StatusEntry
from certs.status_list_token import assemble_cwt, cwt_file, cwt_signing_input, jwt_file, jwt_signing_input
from certs.token_status_list import Period, TokenStatusList, derive_token_list, entries_by_list
from keys.signer import Signer
from registry.publishing.documents import next_version
from registry.store.document_store import PublishedDocument, add_document, latest_document
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.status_store import next_issued_index

TIME_TO_LIVE = timedelta(minutes=5)
"""How long a reader may keep a copy before asking again: how late it may learn of a revocation."""


def publish_token_lists(
    tx: WriteTransaction, signer: Signer, public_url: str, entries: Mapping[int, StatusEntry], longest: Period
) -> None:
    """Sign and store the next version of every list that holds an issued certificate, as JWT and as CWT."""
    changed = entries_by_list(entries)
    for number in issued_lists(tx):
        own = changed.get(number, {})
        for name, sign in ((jwt_file(number), _signed_jwt), (cwt_file(number), _signed_cwt)):
            derived = derive_token_list(own, number, file_address(public_url, name), longest)
            version, content = next_version(tx, name), sign(derived, signer)
            add_document(tx, PublishedDocument(name, version, content, derived.issued_at, derived.expires_at))


def token_lists_need_signing(tx: ReadTransaction, now: datetime, public_url: str) -> bool:
    """Whether a list is missing, has ended because a place of it changed by itself, or names another address than
    this one, where its readers would refuse it.
    """
    for number in issued_lists(tx):
        for name in (jwt_file(number), cwt_file(number)):
            latest = latest_document(tx, name)
            if latest is None or _has_ended(latest, now):
                return True
        if _moved(tx, number, public_url):
            return True
    return False


def _has_ended(document: PublishedDocument, now: datetime) -> bool:
    return document.expires_at is None or document.expires_at <= now


def _moved(tx: ReadTransaction, number: int, public_url: str) -> bool:
    """Whether a list, present as a JWT, names another address than this public address gives it."""
    name = jwt_file(number)
    latest = latest_document(tx, name)
    return latest is not None and _address_in(latest.content) != file_address(public_url, name)


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


def _address_in(token: bytes) -> str:
    """The subject of a JWT of our own."""
    claims = decode_json(from_base64url(token.split(b".")[1].decode("ascii")))
    return str(claims["sub"])
