"""What the root signs: the delegation to the keys that work every day, and the chain of roots.

Both need the root's own folder, which is off-line on all other days.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from certs.delegation import DelegatedLog, Delegation, LogKey, delegation_payload
from certs.evidence import ROOT_CHAIN_FILE
from certs.jws import DELEGATION_TYPE, ROOT_CHAIN_TYPE, assemble, signing_input
from certs.root_chain import RootKey, chain_file, chain_link_payload, chain_links
from certs.timestamps import shanghai_day
from certs.tlog.note import ED25519, MLDSA44_COSIGNATURE, NoteKey
from keys.document_keys import certify_document_keys, document_ca_certificate
from keys.key_record import KeyRole
from keys.signer import Signer
from registry.home import COSIGNER, Home
from registry.publishing.documents import DELEGATION_FILE, store_if_changed
from registry.store.document_store import latest_document
from registry.store.engine import ReadTransaction, WriteTransaction


def new_log_origin(public_url: str, now: datetime) -> str:
    """The name of a log and of the key that signs its checkpoints: host and year of its first day."""
    return f"{urlsplit(public_url).netloc.lower()}/{shanghai_day(now).year}"


def sign_delegation(
    home: Home, tx: WriteTransaction, root: Signer, log: DelegatedLog, epoch: int, now: datetime
) -> None:
    """Delegate to the newest key of each role, from now for as long as the settings say."""
    issued_at = now.replace(microsecond=0)
    keyring, keys_folder = home.keyring, home.settings.keys_folder
    certify_document_keys(home.keystore, keys_folder, home.settings.registry_name, now)
    given = Delegation(
        list_key=keyring.signer(KeyRole.LIST).public_key,
        status_key=keyring.signer(KeyRole.STATUS).public_key,
        receipt_key=keyring.signer(KeyRole.RECEIPT).public_key,
        log=log,
        document_ca=hashlib.sha256(document_ca_certificate(keys_folder)).hexdigest(),
        epoch=epoch,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(days=home.settings.delegation_days),
    )
    store_if_changed(tx, DELEGATION_FILE, _jws(DELEGATION_TYPE, root, delegation_payload(given)), now)


def first_log(home: Home, now: datetime) -> DelegatedLog:
    """The register's log on its first day."""
    origin = new_log_origin(home.settings.public_url, now)
    return DelegatedLog(origin, (LogKey(log_note_key(home, origin)),), cosigner_key(home, origin))


def log_note_key(home: Home, origin: str) -> NoteKey:
    """The newest log key as checkpoints name it."""
    return NoteKey(origin, ED25519, home.keyring.signer(KeyRole.LOG).public_key)


def cosigner_key(home: Home, origin: str) -> NoteKey:
    """The newest key of the second line."""
    return NoteKey(origin + COSIGNER, MLDSA44_COSIGNATURE, home.keyring.newest_cosigner_key())


def add_chain_link(
    tx: WriteTransaction, signer: Signer, root: RootKey, previous: RootKey | None, now: datetime
) -> None:
    """Present a root, signed by itself, as the last link of the chain."""
    link = _jws(ROOT_CHAIN_TYPE, signer, chain_link_payload(root, previous))
    store_if_changed(tx, ROOT_CHAIN_FILE, chain_file([*_links(tx), link]), now)


def _links(tx: ReadTransaction) -> list[bytes]:
    document = latest_document(tx, ROOT_CHAIN_FILE)
    return [] if document is None else chain_links(document.content)


def _jws(typ: str, signer: Signer, payload: dict[str, Any]) -> bytes:
    signed = signing_input(typ, signer.public_key, payload)
    return assemble(signed, signer.sign(signed))
