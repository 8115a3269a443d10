"""What thefts of the register's own keys buy, played by the thief against a register in memory: list, log and root key.

Each is shown first with what it buys, where it buys something, and then with what stops it.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from growing_register import GrowingRegister, register_of_two
from simulated_log import CosignatureKey, cosignature_key
from simulator import NOW, PUBLIC_URL, Key, World

from certs.cose import take_apart
from certs.delegation import LogKey
from certs.evidence import (
    LOG_FOLDER,
    ROOT_CHAIN_FILE,
    STATUS_FILE,
    TRUST_LIST_FILE,
    Seen,
    gather_evidence,
    what_was_seen,
)
from certs.finding import Verification
from certs.institution import SigningKey
from certs.jws import ROOT_CHAIN_TYPE
from certs.log_entry import certificate_body
from certs.log_paths import CHECKPOINT_FILE
from certs.qr import qr_text
from certs.root_chain import RootKey, chain_file, chain_link_payload
from certs.tlog.cosignature import cosignature_body, cosignature_message_mldsa
from certs.tlog.note import ED25519, NoteKey, format_note, parse_note
from certs.trust_list import PinnedTree
from certs.unavailable import Unavailable
from certs.verification import verify_qr_text
from registry.checking import check_source
from registry.log_monitor import Look, Question, look
from registry.monitor_memory import Memory

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
THIEF = Key("thief")
Files = dict[str, bytes]


def found(made: Verification) -> tuple[str, str]:
    return made.verdict.value, made.deciding.code


def asked(register: GrowingRegister, files: Files, text: str, seen: Seen | None = None) -> tuple[str, str]:
    """What a verifier with the register's root says on the evidence of these files."""
    evidence = gather_evidence(files, register.root, seen)
    return found(verify_qr_text(text, evidence, register.now))


def remembered(register: GrowingRegister, files: Files) -> Seen:
    """What a verifier keeps of honest files."""
    seen = what_was_seen(files, gather_evidence(files, register.root))
    assert seen is not None
    return seen


def without_log(files: Files) -> Files:
    return {name: content for name, content in files.items() if not name.startswith(LOG_FOLDER)}


def looked(register: GrowingRegister, known: Memory | None = None, **more: object) -> Look:
    return look(register.source(), Question(register.root, **more), known, register.now)  # type: ignore[arg-type]


def codes(seen: Look) -> list[str]:
    return [alarm.code for alarm in seen.alarms]


def certified(register: GrowingRegister, code: str, key: Key) -> str:
    """A certificate under any key, entered into this history of the register."""
    envelope = register.world.seal(register.world.claims(code, issued_at=register.now - HOUR), key)
    register.enter(certificate_body(take_apart(envelope).kid, hashlib.sha256(envelope).digest()))
    return qr_text(PUBLIC_URL, envelope)


# --- list key: a false list until the delegation ends


@pytest.fixture
def register() -> GrowingRegister:
    made, _, _ = register_of_two()
    made.publish(HOUR)
    return made


def false_list(register: GrowingRegister) -> tuple[bytes, str]:
    """A list with the thief's key for an honest institution, beside it a certificate that this key signed."""
    thief = copy.deepcopy(register)
    code = next(iter(thief.world.institutions))
    thief.world.version += 1
    honest = thief.world.institutions[code].keys[0]
    own = SigningKey(THIEF.kid, THIEF.public_key, honest.not_before, log_index=honest.log_index)
    thief.world.claimed = lambda record: (
        replace(record, keys=(*record.keys, own)) if record.code == code else record
    )
    text = qr_text(PUBLIC_URL, thief.world.seal(thief.world.claims(code, issued_at=thief.now - HOUR), THIEF))
    return thief.world.trust_list(thief.log), text


def test_list_key_a_false_list_is_not_in_the_register(register: GrowingRegister) -> None:
    token, text = false_list(register)
    files = register.files | {TRUST_LIST_FILE: token}
    assert asked(register, files, text) == ("undetermined", "trust_list_not_logged")


def test_list_key_without_the_register_it_buys_a_genuine_signature_and_never_valid(register: GrowingRegister) -> None:
    token, text = false_list(register)
    evidence = gather_evidence(without_log(register.files) | {TRUST_LIST_FILE: token}, register.root)
    made = verify_qr_text(text, evidence, register.now)
    assert found(made) == ("undetermined", "log_unavailable")
    assert made.genuine is not None


def test_list_key_the_certificate_is_not_logged_on_the_honest_list_either(register: GrowingRegister) -> None:
    _, text = false_list(register)
    assert asked(register, register.files, text) == ("not_genuine", "key_unknown")


def test_list_key_a_monitor_that_is_shown_the_false_list_raises_the_alarm(register: GrowingRegister) -> None:
    token, _ = false_list(register)
    register.files |= {TRUST_LIST_FILE: token}
    assert codes(looked(register)) == ["trust_list_not_logged"]


def test_list_key_a_false_list_that_pins_another_tree_is_a_fork(register: GrowingRegister) -> None:
    """So the thief cannot give a victim a register of his own together with the list."""
    thief = copy.deepcopy(register)
    thief.world.pinned = PinnedTree(register.size - 1, hashlib.sha256(b"another tree").digest())
    token = thief.world.trust_list(thief.log)
    text = certified(thief, next(iter(thief.world.institutions)), THIEF)
    evidence = gather_evidence(register.files | {TRUST_LIST_FILE: token}, register.root)
    assert isinstance(evidence.log, Unavailable)
    assert evidence.log.code == "log_forked"
    assert verify_qr_text(text, evidence, register.now).verdict != "valid"


def test_list_key_the_next_delegation_ends_it(register: GrowingRegister) -> None:
    """The root delegates to another key, under a higher epoch: who has seen that takes no list of the old one."""
    token, text = false_list(register)
    register.world.list_key = Key("new list key")
    register.world.epoch += 1
    register.publish(HOUR)
    seen = remembered(register, register.files)
    old = register.files | {TRUST_LIST_FILE: token}
    assert asked(register, old, text, seen) == ("undetermined", "trust_list_rolled_back")


@pytest.mark.parametrize(
    ("lapse", "code"), [(-SECOND, "in_force"), (0 * SECOND, "in_force"), (SECOND, "trust_list_unsigned")]
)
def test_list_key_no_list_outlives_the_delegation(lapse: timedelta, code: str) -> None:
    """Whoever has the key can sign until the delegation ends, and not a list that lives longer."""
    world = World()
    text = world.issue(world.institution(), issued_at=NOW - HOUR)
    world.trust_list_issued_at = NOW - HOUR
    world.delegation_issued_at = world.trust_list_issued_at + timedelta(days=30 - 365) - lapse
    assert found(world.verify(text))[1] == code


# --- log key: a private fork


def private_fork(register: GrowingRegister) -> tuple[GrowingRegister, str]:
    """A second history for one victim: with the institution's key and the log's, the thief enters his certificate."""
    fork = copy.deepcopy(register)
    code = next(iter(fork.world.institutions))
    text = certified(fork, code, fork.world.keys[code])
    fork.publish_log()
    return fork, text


def test_log_key_alone_buys_one_victim_a_history_of_his_own(register: GrowingRegister) -> None:
    """What continues the pinned tree passes for a victim who sees nothing else: this is what witnesses are for."""
    fork, text = private_fork(register)
    assert asked(register, fork.files, text) == ("valid", "in_force")
    assert asked(register, register.files, text)[0] != "valid"


def test_log_key_the_next_trust_list_pins_the_honest_tree(register: GrowingRegister) -> None:
    fork, text = private_fork(register)
    code = next(iter(register.world.institutions))
    register.certify(code, 3)
    register.publish(HOUR)
    signed = (TRUST_LIST_FILE, STATUS_FILE)
    files = fork.files | {name: register.files[name] for name in signed}
    fork.certify(code, register.size - fork.size + 5)
    fork.publish_log()
    longer = fork.files | {name: register.files[name] for name in signed}
    assert asked(register, files, text) == ("undetermined", "log_behind_list")
    assert asked(register, longer, text) == ("undetermined", "log_forked")


def test_log_key_a_history_that_was_seen_longer_is_not_taken_back(register: GrowingRegister) -> None:
    fork, text = private_fork(register)
    register.certify(next(iter(register.world.institutions)), 30)
    register.publish_log()
    seen = remembered(register, register.files)
    assert asked(register, fork.files, text, seen) == ("undetermined", "log_rolled_back")


def test_log_key_the_second_line_is_another_key(register: GrowingRegister) -> None:
    """Made by the thief it fails, and a failing line of a known key refuses; left out, `log check` misses it."""
    fork, text = private_fork(register)
    log_line, genuine = parse_note(fork.note()).signatures
    own, checkpoint = register.world.cosigner().key, LOG_FOLDER + CHECKPOINT_FILE
    message = cosignature_message_mldsa(own.name, 1, register.world.log_origin, fork.size, fork.log.root())
    line = genuine._replace(signature=cosignature_body(1, CosignatureKey("thief").sign(message)))
    note = parse_note(fork.note())
    fork.files[checkpoint] = format_note(note._replace(signatures=(log_line, line)))
    assert asked(register, fork.files, text) == ("undetermined", "checkpoint_untrusted")
    fork.files[checkpoint] = format_note(note._replace(signatures=(log_line,)))
    assert asked(register, fork.files, text) == ("valid", "in_force")
    checked = check_source(fork.source(), fork.root, lambda _done, _total: None)
    assert dict(checked.faults.counts) == {"cosignature_missing": 1}


def test_log_key_a_quorum_of_witnesses_has_not_seen_the_fork() -> None:
    made, _, _ = register_of_two()
    made.world.witnesses = (cosignature_key("witness.example").key, cosignature_key("other.example").key)
    made.world.quorum = 1
    made.publish(HOUR)
    fork, text = private_fork(made)
    assert asked(made, fork.files, text) == ("undetermined", "witness_quorum_missing")


def test_log_key_a_monitor_that_saw_the_honest_history_finds_the_fork(register: GrowingRegister) -> None:
    fork, _ = private_fork(register)
    code = next(iter(register.world.institutions))
    register.certify(code, 3)
    register.publish_log()
    known = looked(register).memory
    assert known is not None
    fork.certify(code, 9)
    fork.publish_log()
    assert codes(looked(fork, known)) == ["log_forked"]


def test_log_key_two_monitors_find_it_by_one_gossip_file(register: GrowingRegister) -> None:
    fork, _ = private_fork(register)
    fork.certify(next(iter(fork.world.institutions)), 5)
    fork.publish_log()
    register.certify(next(iter(register.world.institutions)), 3)
    register.publish_log()
    assert codes(looked(fork)) == codes(looked(register)) == []
    assert codes(looked(fork, gossip=[("a friend", register.note())])) == ["log_forked"]


def test_log_key_once_retired_it_signs_nothing_newer(register: GrowingRegister) -> None:
    """The root delegates to a new key and pins the old one's last tree."""
    world = register.world
    old = NoteKey(world.log_origin, ED25519, world.log_key.public_key)
    size, root = register.size, register.log.root()
    fork, text = private_fork(register)
    world.log_key, world.epoch = Key("new log key"), world.epoch + 1
    present = NoteKey(world.log_origin, ED25519, world.log_key.public_key)
    world.log_keys = (LogKey(present), LogKey(old, size, root))
    register.publish(HOUR)
    signed = {name: register.files[name] for name in (TRUST_LIST_FILE, STATUS_FILE)}
    assert asked(register, fork.files | signed, text) == ("undetermined", "checkpoint_untrusted")


# --- root key (off-line): false delegations


def everything_false(register: GrowingRegister, certificates: int = 1) -> tuple[Files, str]:
    """A delegation of the real root to keys of the thief's own, with a list, a status file and a register under it."""
    world = World(now=register.now, root=register.world.root, next_root=register.world.next_root)
    world.list_key, world.status_key, world.log_key = Key("false list"), Key("false status"), Key("false log")
    world.epoch = register.world.epoch + 1
    code = world.institution(keys=())
    world.keys[code] = THIEF
    granted = world.now - 2 * DAY
    world.change_institution(code, keys=(SigningKey(THIEF.kid, THIEF.public_key, granted),))
    texts = [world.issue(code, issued_at=world.now - HOUR) for _ in range(certificates)]
    return world.files(), texts[0]


def rooted() -> tuple[GrowingRegister, Key]:
    """A register whose root is committed to a next one, and that one."""
    made, _, _ = register_of_two()
    made.world.next_root = Key("next root")
    made.publish(HOUR)
    return made, made.world.next_root


def test_root_key_buys_false_delegations_from_whoever_has_seen_nothing_else() -> None:
    register, _ = rooted()
    files, text = everything_false(register)
    assert asked(register, files, text) == ("valid", "in_force")


def test_root_key_who_has_seen_more_of_the_register_refuses_the_false_one() -> None:
    register, _ = rooted()
    register.certify(next(iter(register.world.institutions)), 300)
    register.publish(HOUR)
    files, text = everything_false(register)
    seen = remembered(register, register.files)
    assert asked(register, files, text, seen) == ("undetermined", "log_rolled_back")


@pytest.mark.parametrize(("certificates", "code"), [(1, "log_rolled_back"), (50, "log_forked")])
def test_root_key_a_monitor_finds_another_history(certificates: int, code: str) -> None:
    register, _ = rooted()
    known = looked(register).memory
    assert known is not None
    false = copy.deepcopy(register)
    false.files, _ = everything_false(register, certificates)
    assert codes(looked(false, known)) == [code]


def test_root_key_the_thief_appoints_no_successor() -> None:
    """He signs a link for a root of his own: it is not the one to which the root is committed."""
    register, _ = rooted()
    link = register.world.jws(
        ROOT_CHAIN_TYPE, THIEF, chain_link_payload(RootKey(THIEF.public_key, None), register.root)
    )
    files, text = everything_false(register)
    assert asked(register, files | {ROOT_CHAIN_FILE: chain_file([link])}, text) == (
        "undetermined",
        "trust_list_unsigned",
    )


def test_root_key_the_committed_successor_ends_it() -> None:
    """The next root, kept elsewhere, takes over: whoever holds the chain believes the old root no more."""
    register, following = rooted()
    old = register.root
    files, text = everything_false(register)
    own = RootKey(following.public_key, None)
    link = register.world.jws(ROOT_CHAIN_TYPE, following, chain_link_payload(own, old))
    chain = {ROOT_CHAIN_FILE: chain_file([link])}
    assert found(verify_qr_text(text, gather_evidence(files | chain, old), register.now)) == (
        "undetermined",
        "trust_list_unsigned",
    )
    code = next(iter(register.world.institutions))
    register.world.root, register.world.next_root, register.world.epoch = following, None, 3
    genuine = certified(register, code, register.world.keys[code])
    register.publish(HOUR)
    honest = gather_evidence(register.files | chain, old)
    assert found(verify_qr_text(genuine, honest, register.now)) == ("valid", "in_force")


def test_root_key_in_the_worst_case_a_new_pin() -> None:
    """Root and next root are both gone: who pins another root believes neither of them."""
    register, following = rooted()
    files, text = everything_false(register)
    world = World(root=following, next_root=None)
    code = world.institution()
    later = world.issue(code, issued_at=world.now - HOUR)
    anew = RootKey(Key("root of a new ceremony").public_key, None)
    for theirs, given in ((files, text), (world.files(), later)):
        assert found(verify_qr_text(given, gather_evidence(theirs, anew), register.now)) == (
            "undetermined",
            "trust_list_unsigned",
        )
