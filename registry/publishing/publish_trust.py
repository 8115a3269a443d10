"""Signing the trust list: institutions, their keys and the digests of the data files, under the delegated list key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from certs.canonical import encode_json
from certs.delegation import Delegation
from certs.errors import KezhengError
from certs.evidence import TRUST_LIST_FILE, file_digests, package_data_files
from certs.institution import InstitutionRecord
from certs.jws import TRUST_LIST_TYPE, assemble, signing_input
from certs.log_entry import EntryKind, LogBody, file_body
from certs.signing_key import public_jwk
from certs.trust_list import PinnedTree, trust_list_payload
from keys.signer import Signer
from registry.publishing.documents import (
    DELEGATION_FILE,
    JWKS_FILE,
    is_half_spent,
    next_version,
    store_if_changed,
)
from registry.records import institution_record
from registry.settings import Settings
from registry.store.document_store import (
    PublishedDocument,
    add_document,
    latest_document,
    latest_documents,
    note_public_url,
    public_urls,
)
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.institution_store import institutions
from registry.store.log_store import read_tree

LogIn = Callable[[Sequence[LogBody]], object]
"""Appends entries to the register in the transaction at hand."""


def publish_trust_list(
    tx: WriteTransaction, signer: Signer, delegated: Delegation, settings: Settings, now: datetime, log: LogIn
) -> None:
    """Sign, log and store the next version, with the data files and the JWK set that go with it.

    It is not public until the register that holds it is. It never outlives its delegation.
    Raises KezhengError ``kid_not_unique``, ``delegation_ended``.
    """
    issued_at = now.replace(microsecond=0)
    expires_at = min(issued_at + timedelta(days=settings.trust_list_days), delegated.expires_at)
    if expires_at <= issued_at:
        raise KezhengError("delegation_ended")
    note_public_url(tx, settings.public_url, now)
    data = package_data_files()
    log([file_body(EntryKind.DATA_FILE, file) for file in _new_files(tx, data)])
    tree = read_tree(tx)
    records = listed_institutions(tx)
    version = next_version(tx, TRUST_LIST_FILE)
    payload = trust_list_payload(
        version,
        settings.environment,
        issued_at,
        expires_at,
        settings.limits,
        [known.url for known in public_urls(tx)],
        file_digests(data),
        records,
        PinnedTree(tree.size, tree.root),
    )
    signed = signing_input(TRUST_LIST_TYPE, signer.public_key, payload, delegation=_delegation(tx))
    content = assemble(signed, signer.sign(signed))
    log([file_body(EntryKind.TRUST_LIST, content)])
    add_document(tx, PublishedDocument(TRUST_LIST_FILE, version, content, issued_at, expires_at, is_public=False))
    for name, file in data.items():
        store_if_changed(tx, name, file, now)
    store_if_changed(tx, JWKS_FILE, encode_json(jwk_set(records, delegated)), now)


def listed_institutions(tx: ReadTransaction) -> list[InstitutionRecord]:
    """Every institution as it is published."""
    return [institution_record(facts) for facts in institutions(tx)]


def _new_files(tx: ReadTransaction, data: dict[str, bytes]) -> list[bytes]:
    """The data files that are not what was published last."""
    latest = {document.kind: document.content for document in latest_documents(tx)}
    return [file for name, file in data.items() if latest.get(name) != file]


def jwk_set(records: list[InstitutionRecord], delegated: Delegation) -> dict[str, list[dict[str, str]]]:
    """All public keys that are not stolen as a JWK set (RFC 7517 §5): a convenience, never an anchor."""
    keys = [
        public_jwk(key.public_key, owner=record.code)
        for record in records
        for key in record.keys
        if key.compromised_at is None
    ]
    own = {"list": delegated.list_key, "status": delegated.status_key, "receipt": delegated.receipt_key}
    return {"keys": keys + [public_jwk(key, owner="registry", role=role) for role, key in own.items()]}


def _delegation(tx: ReadTransaction) -> str:
    document = latest_document(tx, DELEGATION_FILE)
    if document is None:
        raise KezhengError("home_not_initialised", home="–")
    return document.content.decode("ascii")


def trust_list_needs_signing(tx: ReadTransaction, settings: Settings, now: datetime) -> bool:
    """Whether the list is missing, past half of its life, without this public address, or behind its data files."""
    latest = latest_document(tx, TRUST_LIST_FILE)
    if latest is None or is_half_spent(latest, now) or settings.public_url not in {u.url for u in public_urls(tx)}:
        return True
    stored = {document.kind: document.content for document in latest_documents(tx)}
    return any(stored.get(name) != content for name, content in package_data_files().items())
