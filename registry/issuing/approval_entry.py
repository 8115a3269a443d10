"""Approvals in the public register: a salted digest that names nobody, so that a later change of one shows.

What was digested and the salt are kept in the audit record of the act; whoever is shown them can compute the entry.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime

from certs.canonical import encode_json
from certs.log_entry import approval_body
from registry.home import Home
from registry.store.audit_store import acts_on, record_act
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.log_store import leaf_indices

SALT_LENGTH = 32


def approval_digest(salt: bytes, content: Mapping[str, str]) -> bytes:
    """SHA-256 of the salt and the canonical JSON of what was approved, by whom."""
    return hashlib.sha256(salt + encode_json(dict(content))).digest()


def log_approval(
    home: Home,
    tx: WriteTransaction,
    action: str,
    subject: str,
    content: Mapping[str, str],
    now: datetime,
    **details: str | int,
) -> None:
    """Enter an approval into the register and the audit record. ``content`` names ``operator`` and ``approver``."""
    salt = secrets.token_bytes(SALT_LENGTH)
    logged = home.log(tx, [approval_body(approval_digest(salt, content))], now)
    place: dict[str, str | int] = {"salt": salt.hex(), "log_index": logged.first_index}
    record_act(tx, now, content["approver"], action, subject, **{**content, **place, **details})


def approval_is_logged(tx: ReadTransaction, subject: str, content: Mapping[str, str]) -> bool:
    """Whether an audit record of this subject explains an entry of the register as an approval of exactly this."""
    salts = [str(act.details["salt"]) for act in acts_on(tx, subject) if "salt" in act.details]
    return any(leaf_indices(tx, approval_digest(bytes.fromhex(salt), content)) for salt in salts)
