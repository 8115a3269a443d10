"""What only the root can change: the keys that work every day, the end of its delegation, and the root itself.

Each change is a new delegation with the next epoch, under which the trust list is signed anew in the same transaction.
The root's folder is brought for the time of the command and carried away again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from certs.canonical import encode_json
from certs.delegation import Delegation, LogKey, delegation_payload
from certs.errors import KezhengError
from certs.evidence import ROOT_CHAIN_FILE
from certs.jws import DELEGATION_TYPE, assemble, signing_input
from certs.log_checkpoint import trusted_checkpoint
from certs.log_entry import clock_body
from certs.root_chain import RootKey, root_to_jwk
from certs.tlog.note import ED25519, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE, NoteKey
from keys.ceremony import RootCommitment, read_commitment
from keys.document_keys import certify_document_keys, document_ca_certificate, replace_document_ca
from keys.key_record import KeyRole
from keys.passphrase import read_passphrase
from keys.root_rotation import finish_root_change, next_root_signer, prepare_next_root, root_signer
from keys.signer import Signer
from registry.delegating import add_chain_link
from registry.home import COSIGNER, Home
from registry.key_changes import require_possession
from registry.publishing.documents import DELEGATION_FILE, ROOT_FILE, STATUS_FOLDER, store_if_changed
from registry.store.audit_store import record_act
from registry.store.document_store import latest_documents
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.log_store import hold_tree, read_tree
from registry.store.withheld_store import hold_back

SUBJECT = "registry"
"""Whose keys these are, in the audit trail."""
Change = Callable[[Home, WriteTransaction, Delegation, datetime], Delegation]


def rotate_role(home: Home, role: KeyRole, by: str, now: datetime) -> Delegation:
    """A new key for a role of the register: ``ROLES`` names them.

    Raises KezhengError ``root_key_off_line`` and ``root_key_wrong`` before any key is made.
    """
    given = _change(home, ROLES[role], by, f"key_rotated_{role.value}", now)
    _cover_with_trusted_checkpoint(home, now)
    return given


def renew_delegation(
    home: Home, by: str, now: datetime, witnesses: Sequence[NoteKey] | None = None, quorum: int | None = None
) -> Delegation:
    """The same keys for another period; witnesses of the log and their quorum where they are given.

    Raises KezhengError ``root_key_off_line``, ``root_key_wrong``, ``witnesses_invalid``.
    """
    return _change(home, partial(_with_witnesses, witnesses=witnesses, quorum=quorum), by, "delegation_renewed", now)


def rotate_root(home: Home, by: str, now: datetime) -> RootKey:
    """The next root takes over, as whoever pinned an earlier one can follow; the root that is in force afterwards.

    A run that was interrupted after the new root was on record only moves the folders. Raises KezhengError
    ``root_key_off_line`` without the next root's folder, ``root_key_wrong`` when it holds another key than committed.
    """
    passphrase, folder = read_passphrase(home.settings.home, home.environ), home.settings.keys_folder
    with home.store.reading() as reading:
        current = home.own_root(reading)
    recorded = read_commitment(folder)
    if recorded is not None and recorded.public_key != current.public_key:
        return _finished(home, current)
    signer = next_root_signer(folder, passphrase, current.next_thumbprint)
    root = RootKey(signer.public_key, prepare_next_root(folder, passphrase, now))
    with home.recording() as tx:
        given = _renewed(home, home.delegated(tx), now)
        add_chain_link(tx, signer, root, current, now)
        store_if_changed(tx, ROOT_FILE, encode_json(root_to_jwk(root)), now)
        _sign(tx, signer, given, now)
        record_act(tx, now, by, "root_rotated", SUBJECT, root=root.fingerprint)
        home.publish_trust(tx, now)
        hold_back(tx, (ROOT_FILE, ROOT_CHAIN_FILE))
    return _finished(home, root)


def witness_key(key: NoteKey) -> NoteKey:
    """A key when it is one that witnesses sign with. Raises KezhengError ``witnesses_invalid``."""
    if key.kind not in (ED25519_COSIGNATURE, MLDSA44_COSIGNATURE):
        raise KezhengError("witnesses_invalid")
    return key


def _finished(home: Home, root: RootKey) -> RootKey:
    assert root.next_thumbprint is not None
    finish_root_change(home.settings.keys_folder, RootCommitment(root.public_key, root.next_thumbprint))
    return root


def _change(home: Home, change: Change, by: str, action: str, now: datetime) -> Delegation:
    """One new delegation under the present root, with everything that is signed under it."""
    with home.store.reading() as reading:
        expected = home.own_root(reading).public_key
    passphrase = read_passphrase(home.settings.home, home.environ)
    signer = root_signer(home.settings.keys_folder, passphrase, expected)
    with home.recording() as tx:
        before = home.delegated(tx)
        given = change(home, tx, _renewed(home, before, now), now)
        _sign(tx, signer, given, now)
        record_act(tx, now, by, action, SUBJECT, epoch=given.epoch)
        if given.status_key != before.status_key:
            home.publish_status(tx, now)
            hold_back(tx, [each.kind for each in latest_documents(tx) if each.kind.startswith(STATUS_FOLDER)])
        home.publish_trust(tx, now)
        return given


def _renewed(home: Home, given: Delegation, now: datetime) -> Delegation:
    """The next epoch, from now for as long as the settings say; a document leaf near its end is renewed with it."""
    certify_document_keys(home.keystore, home.settings.keys_folder, home.settings.registry_name, now)
    issued_at = now.replace(microsecond=0)
    expires_at = issued_at + timedelta(days=home.settings.delegation_days)
    return given._replace(epoch=given.epoch + 1, issued_at=issued_at, expires_at=expires_at)


def _sign(tx: WriteTransaction, root: Signer, given: Delegation, now: datetime) -> None:
    signed = signing_input(DELEGATION_TYPE, root.public_key, delegation_payload(given))
    store_if_changed(tx, DELEGATION_FILE, assemble(signed, root.sign(signed)), now)


def _new_public_key(home: Home, role: KeyRole, now: datetime) -> bytes:
    """The public key of a new Ed25519 key of the register, which was shown to sign."""
    record = home.keystore.generate_signing_key(role, None, now)
    require_possession(home.keyring.signer_by_kid(record.kid))
    assert record.public_key is not None
    return record.public_key


def _new_list_key(home: Home, _tx: ReadTransaction, given: Delegation, now: datetime) -> Delegation:
    return given._replace(list_key=_new_public_key(home, KeyRole.LIST, now))


def _new_status_key(home: Home, _tx: ReadTransaction, given: Delegation, now: datetime) -> Delegation:
    return given._replace(status_key=_new_public_key(home, KeyRole.STATUS, now))


def _new_receipt_key(home: Home, _tx: ReadTransaction, given: Delegation, now: datetime) -> Delegation:
    return given._replace(receipt_key=_new_public_key(home, KeyRole.RECEIPT, now))


def _new_log_key(home: Home, tx: WriteTransaction, given: Delegation, now: datetime) -> Delegation:
    """Whoever has the old key can sign nothing that goes beyond the tree of this moment."""
    tree, log = hold_tree(tx), given.log
    ended = [key if key.final_root is not None else LogKey(key.key, tree.size, tree.root) for key in log.keys]
    new = LogKey(NoteKey(log.origin, ED25519, _new_public_key(home, KeyRole.LOG, now)))
    return given._replace(log=log._replace(keys=(*ended, new)))


def _new_cosigner(home: Home, _tx: ReadTransaction, given: Delegation, now: datetime) -> Delegation:
    record = home.keystore.generate_signing_key(KeyRole.LOG_COSIGNATURE, None, now)
    assert record.public_key is not None
    cosigner = NoteKey(given.log.origin + COSIGNER, MLDSA44_COSIGNATURE, record.public_key)
    return given._replace(log=given.log._replace(cosigner=cosigner))


def _new_document_ca(home: Home, _tx: ReadTransaction, given: Delegation, now: datetime) -> Delegation:
    folder = home.settings.keys_folder
    replace_document_ca(home.keystore, folder, home.settings.registry_name, now)
    return given._replace(document_ca=hashlib.sha256(document_ca_certificate(folder)).hexdigest())


ROLES: dict[KeyRole, Change] = {
    KeyRole.LIST: _new_list_key,
    KeyRole.STATUS: _new_status_key,
    KeyRole.LOG: _new_log_key,
    KeyRole.LOG_COSIGNATURE: _new_cosigner,
    KeyRole.RECEIPT: _new_receipt_key,
    KeyRole.DOCUMENT: _new_document_ca,
}
"""The register's own keys that a new delegation replaces."""


def _with_witnesses(
    _home: Home,
    _tx: ReadTransaction,
    given: Delegation,
    _now: datetime,
    *,
    witnesses: Sequence[NoteKey] | None,
    quorum: int | None,
) -> Delegation:
    named = given.log.witnesses if witnesses is None else tuple(witness_key(key) for key in witnesses)
    needed = given.log.quorum if quorum is None else quorum
    if not 0 <= needed <= len({key.name for key in named}) or len({key.name for key in named}) != len(named):
        raise KezhengError("witnesses_invalid")
    return given._replace(log=given.log._replace(witnesses=named, quorum=needed))


def _cover_with_trusted_checkpoint(home: Home, now: datetime) -> None:
    """Another process may have signed the newest tree with the key that was just replaced: then make a newer one."""
    with home.store.reading() as tx:
        log, note = home.delegated(tx).log, read_tree(tx).note
    assert note is not None
    try:
        trusted_checkpoint(note, log._replace(witnesses=(), quorum=0))
    except KezhengError as error:
        if error.code != "checkpoint_untrusted":
            raise
        with home.recording() as tx:
            home.log(tx, [clock_body()], now)
