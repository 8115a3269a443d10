"""Published files in the database: a new version only where the content changed."""

from __future__ import annotations

from datetime import datetime

from certs.errors import KezhengError
from certs.evidence import STATUS_FILE, TRUST_LIST_FILE
from registry.store.document_store import (
    FileTimes,
    PublishedDocument,
    add_document,
    latest_document,
    public_documents,
)
from registry.store.engine import ReadTransaction, WriteTransaction

DELEGATION_FILE = "delegation.jws"
ROOT_FILE = "root.jwk"
JWKS_FILE = "jwks.json"
STATUS_FOLDER = "status/"
"""Below it lie the status file and every list derived from it."""


def store_if_changed(tx: WriteTransaction, name: str, content: bytes, now: datetime) -> None:
    """Store an unsigned or once-signed file unless its latest version is the same."""
    latest = latest_document(tx, name)
    if latest is None or latest.content != content:
        add_document(tx, PublishedDocument(name, 1 if latest is None else latest.version + 1, content, now, None))


def next_version(tx: ReadTransaction, name: str) -> int:
    """The version after the latest one, from 1."""
    latest = latest_document(tx, name)
    return 1 if latest is None else latest.version + 1


def is_half_spent(document: PublishedDocument | FileTimes | None, now: datetime) -> bool:
    """Whether a signed file is missing or has lived more than half of its time."""
    if document is None or document.expires_at is None:
        return True
    return now - document.issued_at > (document.expires_at - document.issued_at) / 2


def published_files(tx: ReadTransaction) -> dict[str, bytes]:
    """Every published file by name. Raises KezhengError ``public_documents_missing`` before the first trust list."""
    files = {document.kind: document.content for document in public_documents(tx)}
    if TRUST_LIST_FILE not in files or STATUS_FILE not in files:
        raise KezhengError("public_documents_missing")
    return files
