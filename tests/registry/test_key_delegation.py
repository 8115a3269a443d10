"""Keys of the register itself under new delegations, and roots that follow one another."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from register_desk import NOW, Desk, people

from certs.delegation import Delegation
from certs.errors import KezhengError
from certs.evidence import ROOT_CHAIN_FILE, TRUST_LIST_FILE, Evidence, Seen, gather_evidence
from certs.jws import ROOT_CHAIN_TYPE, assemble, signing_input
from certs.log_checkpoint import trusted_checkpoint
from certs.log_snapshot import open_published_log
from certs.qr import qr_text
from certs.root_chain import RootKey, chain_file, chain_link_payload, chain_links
from certs.signing_key import base64url, thumbprint
from certs.tlog.note import ED25519_COSIGNATURE, MLDSA44_COSIGNATURE, NoteKey
from certs.trust_list import TrustList
from certs.unavailable import Unavailable
from certs.verification import verify_qr_text
from keys.ceremony import open_root_keystore, root_folder
from keys.document_keys import document_ca_certificate
from keys.key_record import KeyRole
from keys.passphrase import read_passphrase
from keys.signer import FileSigner
from registry.delegation_changes import ROLES, renew_delegation, rotate_role, rotate_root
from registry.home import Home
from registry.initialise import initialise
from registry.publishing.documents import published_files
from registry.store.log_store import read_tree
from registry.verifying import evidence_of_home

ASSESSOR = "P000115000001"
BY = "登记丙"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _a_later_hour(desk: Desk) -> None:
    desk.now = NOW + HOUR


def published(desk: Desk) -> dict[str, bytes]:
    with desk.home.store.reading() as tx:
        return published_files(tx)


def root_in_force(desk: Desk) -> RootKey:
    with desk.home.store.reading() as tx:
        root: RootKey = desk.home.own_root(tx)
    return root


def delegated(desk: Desk) -> Delegation:
    with desk.home.store.reading() as tx:
        given: Delegation = desk.home.delegated(tx)
    return given


def evidence_under(desk: Desk, files: Mapping[str, bytes], root: RootKey, seen: Seen | None = None) -> Evidence:
    """What a stranger has who pinned a root and fetched some files with the register."""

    def open_log(trust: TrustList) -> Any:
        return open_published_log(desk.home.log_file, trust)

    return gather_evidence(files, root, seen, open_log)


def verdict_under(desk: Desk, evidence: Evidence, number: str) -> str:
    envelope = desk.certificate(number).envelope
    assert envelope is not None
    return verify_qr_text(qr_text(desk.home.settings.public_url, envelope), evidence, desk.now).verdict.value


def refused(code: str, act: Any, *arguments: Any) -> None:
    with pytest.raises(KezhengError) as refusal:
        act(*arguments)
    assert refusal.value.code == code


def changed(before: Delegation, after: Delegation) -> set[str]:
    """The members of a delegation that differ, of the log by its own members."""
    one, other = before._asdict(), after._asdict()
    names = {name for name in one if one[name] != other[name] and name != "log"}
    return names | {f"log.{n}" for n in before.log._fields if getattr(before.log, n) != getattr(after.log, n)}


EVERY_TIME = {"epoch", "issued_at", "expires_at"}
EXPECTED = {
    KeyRole.LIST: {"list_key"},
    KeyRole.STATUS: {"status_key"},
    KeyRole.LOG: {"log.keys"},
    KeyRole.LOG_COSIGNATURE: {"log.cosigner"},
    KeyRole.RECEIPT: {"receipt_key"},
    KeyRole.DOCUMENT: {"document_ca"},
}


@pytest.mark.parametrize("role", list(ROLES))
def test_a_role_gets_a_new_key_and_everything_stays_valid(desk: Desk, role: KeyRole) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    before, version = delegated(desk), trust_list(desk).version
    given = rotate_role(desk.home, role, BY, desk.now)
    assert changed(before, given) == EVERY_TIME | EXPECTED[role]
    assert given == delegated(desk)
    assert (trust_list(desk).order, before.epoch) == ((2, version + 1), 1)
    assert desk.verdict(certificate.number) == "valid"
    [later] = desk.certify(people(2), ASSESSOR)
    assert desk.verdict(later.number) == "valid"


def trust_list(desk: Desk) -> TrustList:
    trust = evidence_of_home(desk.home.settings).trust
    assert not isinstance(trust, Unavailable)
    return trust


def test_every_role_of_the_register_can_be_replaced() -> None:
    assert set(ROLES) == set(EXPECTED)


@pytest.mark.parametrize("role", list(ROLES))
def test_without_the_root_no_key_is_made(desk: Desk, role: KeyRole) -> None:
    shutil.rmtree(root_folder(desk.home.settings.keys_folder))
    before = desk.home.keystore.records()
    refused("root_key_off_line", rotate_role, desk.home, role, BY, desk.now)
    refused("root_key_off_line", renew_delegation, desk.home, BY, desk.now)
    assert (desk.home.keystore.records(), delegated(desk).epoch) == (before, 1)


def test_a_key_that_no_delegation_names_signs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that stops after making the keys and before the delegation is on record changes nothing."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Home, "publish_trust", stopped)
        for role in ROLES:
            if role is not KeyRole.DOCUMENT:
                with pytest.raises(KeyboardInterrupt):
                    rotate_role(desk.home, role, BY, desk.now)
    assert delegated(desk).epoch == 1
    [certificate] = desk.certify(people(1), ASSESSOR)
    assert desk.verdict(certificate.number) == "valid"
    with desk.home.recording() as tx:
        desk.home.publish_trust(tx, desk.now)
        desk.home.publish_status(tx, desk.now)
    assert desk.verdict(certificate.number) == "valid"


def test_a_replaced_log_key_counts_up_to_the_tree_of_that_moment(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    with desk.home.store.reading() as tx:
        old_tree = read_tree(tx)
    given = rotate_role(desk.home, KeyRole.LOG, BY, desk.now)
    old, new = given.log.keys
    assert (old.final_size, old.final_root, new.final_root) == (old_tree.size, old_tree.root, None)
    assert old_tree.note is not None
    assert trusted_checkpoint(old_tree.note, given.log).size == old_tree.size
    with desk.home.store.reading() as tx:
        new_tree = read_tree(tx)
    assert new_tree.size > old_tree.size
    assert trusted_checkpoint(desk.home.checkpoint(), given.log).size == new_tree.size
    again = rotate_role(desk.home, KeyRole.LOG, BY, desk.now + SECOND)
    assert [key.final_size for key in again.log.keys] == [old_tree.size, new_tree.size, None]
    assert trusted_checkpoint(old_tree.note, again.log).size == old_tree.size


def test_a_thief_of_the_old_log_key_signs_nothing_newer(desk: Desk) -> None:
    """Another process signs the newest tree with the key that was just replaced: a newer one is made at once."""
    old = desk.home.keyring.signer_of(delegated(desk).log.keys[0].key.public_key)
    signer_of = desk.home.keyring.signer_of
    origin = delegated(desk).log.origin
    first_time = [True]

    def old_first(public_key: bytes) -> Any:
        current = [key.key.public_key for key in delegated(desk).log.keys if key.final_root is None]
        if public_key in current and delegated(desk).epoch == 2 and first_time:
            first_time.clear()
            return old
        return signer_of(public_key)

    desk.home.keyring.signer_of = old_first  # type: ignore[method-assign]
    given = rotate_role(desk.home, KeyRole.LOG, BY, desk.now)
    assert (first_time, given.log.origin) == ([], origin)
    with desk.home.store.reading() as tx:
        assert trusted_checkpoint(desk.home.checkpoint(), given.log).size == read_tree(tx).size


def test_a_new_delegation_for_the_same_keys(desk: Desk) -> None:
    before = delegated(desk)
    given = renew_delegation(desk.home, BY, desk.now)
    assert changed(before, given) == EVERY_TIME
    assert (given.epoch, given.issued_at) == (2, desk.now)
    assert given.expires_at == desk.now + timedelta(days=desk.home.settings.delegation_days)


def test_after_its_end_a_delegation_is_renewed_all_the_same(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    desk.now += timedelta(days=desk.home.settings.delegation_days)
    assert desk.verdict(certificate.number) == "undetermined"
    with desk.home.store.transaction() as tx:
        refused("delegation_ended", desk.home.publish_trust, tx, desk.now)
    renew_delegation(desk.home, BY, desk.now)
    with desk.home.recording() as tx:
        desk.home.publish_if_needed(tx, desk.now)
    assert desk.verdict(certificate.number) == "valid"


def test_witnesses_and_quorum(desk: Desk) -> None:
    witnesses = [NoteKey(f"witness{n}.example", ED25519_COSIGNATURE, bytes([n]) * 32) for n in (1, 2)]
    given = renew_delegation(desk.home, BY, desk.now, witnesses, 0)
    assert (given.log.witnesses, given.log.quorum) == (tuple(witnesses), 0)
    kept = renew_delegation(desk.home, BY, desk.now + SECOND)
    assert kept.log.witnesses == tuple(witnesses)
    assert renew_delegation(desk.home, BY, desk.now + 2 * SECOND, []).log.witnesses == ()
    own = delegated(desk).log
    for wrong in (([own.keys[0].key], 0), (witnesses, 3), (witnesses[:1] * 2, 1), ([], 1)):
        refused("witnesses_invalid", renew_delegation, desk.home, BY, desk.now + 3 * SECOND, *wrong)
    assert own.cosigner.kind == MLDSA44_COSIGNATURE


def test_the_document_ca_is_the_delegated_one(desk: Desk) -> None:
    given = rotate_role(desk.home, KeyRole.DOCUMENT, BY, desk.now)
    folder = desk.home.settings.keys_folder
    assert given.document_ca == hashlib.sha256(document_ca_certificate(folder)).hexdigest()


def test_another_roots_folder_delegates_nothing(desk: Desk) -> None:
    folder = desk.home.settings.keys_folder
    shutil.rmtree(root_folder(folder))
    shutil.copytree(folder / "next-root", root_folder(folder))
    refused("root_key_wrong", renew_delegation, desk.home, BY, desk.now)


# --- change of root


@pytest.fixture
def pinned(desk: Desk) -> RootKey:
    """The first root, as verifiers pinned it."""
    return root_in_force(desk)


def test_an_old_pin_walks_along_the_chain(desk: Desk, pinned: RootKey) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    for rotation in (1, 2):
        desk.now += SECOND
        root = rotate_root(desk.home, BY, desk.now)
        assert root == root_in_force(desk)
        assert delegated(desk).epoch == 1 + rotation
        for anchor in (pinned, root):
            assert verdict_under(desk, evidence_under(desk, published(desk), anchor), certificate.number) == "valid"
    files = published(desk)
    assert len(chain_links(files[ROOT_CHAIN_FILE])) == 3
    without = {name: content for name, content in files.items() if name != ROOT_CHAIN_FILE}
    assert verdict_under(desk, evidence_under(desk, without, pinned), certificate.number) == "undetermined"
    assert verdict_under(desk, evidence_under(desk, without, root), certificate.number) == "valid"
    assert desk.verdict(certificate.number) == "valid"


def test_the_next_root_must_be_here_and_be_the_committed_one(desk: Desk, pinned: RootKey) -> None:
    folder = desk.home.settings.keys_folder
    (folder / "next-root").rename(folder / "elsewhere")
    refused("root_key_off_line", rotate_root, desk.home, BY, desk.now)
    shutil.copytree(root_folder(folder), folder / "next-root")
    refused("root_key_wrong", rotate_root, desk.home, BY, desk.now)
    assert (root_in_force(desk), delegated(desk).epoch) == (pinned, 1)


def test_the_root_itself_is_not_needed(desk: Desk, pinned: RootKey) -> None:
    """The root is lost or stolen: the next one takes over."""
    shutil.rmtree(root_folder(desk.home.settings.keys_folder))
    root = rotate_root(desk.home, BY, desk.now)
    assert base64url(thumbprint(root.public_key)) == pinned.next_thumbprint
    renew_delegation(desk.home, BY, desk.now + SECOND)


def test_a_thief_of_the_root_appoints_no_successor(desk: Desk, pinned: RootKey) -> None:
    """He signs a chain link for a key of his own, and a delegation with the highest epoch there is."""
    [certificate] = desk.certify(people(1), ASSESSOR)
    thief = FileSigner(bytes(range(32)))
    own = RootKey(thief.public_key, base64url(bytes(32)))
    link = _jws(ROOT_CHAIN_TYPE, thief, chain_link_payload(own, pinned))
    files = published(desk)
    forged = files | {ROOT_CHAIN_FILE: chain_file([*chain_links(files[ROOT_CHAIN_FILE]), link])}
    evidence = evidence_under(desk, forged, pinned)
    assert isinstance(evidence.trust, Unavailable)
    assert verdict_under(desk, evidence, certificate.number) == "undetermined"


def test_a_version_without_end_does_not_lock_the_successor_out(desk: Desk, pinned: RootKey) -> None:
    """A thief published version 2^53 of epoch 1; who has seen it takes version 2 of epoch 2 all the same."""
    [certificate] = desk.certify(people(1), ASSESSOR)
    rotate_role(desk.home, KeyRole.LIST, BY, desk.now)
    seen = Seen(1, 2**53, "00" * 32, 0, 0)
    evidence = evidence_under(desk, published(desk), pinned, seen)
    assert verdict_under(desk, evidence, certificate.number) == "valid"
    behind = Seen(3, 1, "00" * 32, 0, 0)
    assert isinstance(evidence_under(desk, published(desk), pinned, behind).trust, Unavailable)


def test_the_root_signs_no_trust_list(desk: Desk, pinned: RootKey) -> None:
    """Signed by the root itself, or by the key of another role: refused with a code of its own."""
    files, folder = published(desk), desk.home.settings.keys_folder
    keystore = open_root_keystore(folder, read_passphrase(desk.folder, {}))
    record = keystore.newest(KeyRole.ROOT)
    assert record is not None
    head, payload, _ = files[TRUST_LIST_FILE].split(b".")
    for signer in (keystore.signer(record), desk.home.keyring.signer_of(delegated(desk).status_key)):
        signed = head + b"." + payload
        evidence = evidence_under(desk, files | {TRUST_LIST_FILE: assemble(signed, signer.sign(signed))}, pinned)
        assert isinstance(evidence.trust, Unavailable)
        assert evidence.trust.code == "trust_list_unsigned"


def test_stopped_before_the_folders_moved_it_is_finished_and_not_repeated(
    desk: Desk, pinned: RootKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("registry.delegation_changes.finish_root_change", stopped)
        with pytest.raises(KeyboardInterrupt):
            rotate_root(desk.home, BY, desk.now)
    root = root_in_force(desk)
    assert root != pinned
    refused("root_key_wrong", renew_delegation, desk.home, BY, desk.now + SECOND)
    initialise(desk.home.settings, {}, desk.now)
    assert root_in_force(desk) == root
    assert rotate_root(desk.home, BY, desk.now + SECOND) == root
    assert (root_in_force(desk), delegated(desk).epoch) == (root, 2)
    renew_delegation(desk.home, BY, desk.now + 2 * SECOND)


def test_nothing_signed_under_a_new_root_is_public_before_the_list_is(
    desk: Desk, pinned: RootKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies between the commit and the publication leaves the former files, which fit together."""
    [certificate] = desk.certify(people(1), ASSESSOR)
    before = published(desk)
    with monkeypatch.context() as patch:
        patch.setattr(Home, "publish_log", lambda _: None)
        patch.setattr("registry.delegation_changes._cover_with_trusted_checkpoint", lambda *_: None)
        rotate_root(desk.home, BY, desk.now)
        rotate_role(desk.home, KeyRole.STATUS, BY, desk.now + SECOND)
    files = published(desk)
    names = (TRUST_LIST_FILE, ROOT_CHAIN_FILE, "root.jwk", "status/events.jws")
    assert {name: files[name] for name in names} == {name: before[name] for name in names}
    assert verdict_under(desk, evidence_under(desk, files, pinned), certificate.number) == "valid"
    desk.home.publish_log()
    assert published(desk).keys() >= files.keys()
    assert all(published(desk)[name] != before[name] for name in names)
    assert verdict_under(desk, evidence_under(desk, published(desk), pinned), certificate.number) == "valid"


def _jws(typ: str, signer: FileSigner, payload: dict[str, Any]) -> bytes:
    signed = signing_input(typ, signer.public_key, payload)
    return assemble(signed, signer.sign(signed))
