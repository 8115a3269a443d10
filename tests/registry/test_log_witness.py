"""Witnesses: lines that a monitor signs, and how the registry takes them into its published checkpoint."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from growing_register import register_of_two
from register_desk import Desk, people

from certs.delegation import DelegatedLog
from certs.errors import KezhengError
from certs.log_checkpoint import trusted_checkpoint
from certs.log_paths import CHECKPOINT_FILE
from certs.tlog.note import NoteKey, encode_vkey, parse_note
from keys.ceremony import open_root_keystore
from keys.cosigner_file import Cosigner, open_cosigner
from keys.key_record import KeyRole
from keys.passphrase import read_passphrase
from registry.delegating import sign_delegation
from registry.log_cosigning import cosigned_note, take_lines

ASSESSOR = "P000115000001"


@pytest.fixture
def witness(tmp_path: Path) -> Cosigner:
    return open_cosigner(tmp_path / "witness.key", "witness.example/w1")


def delegate(desk: Desk, change: Callable[[DelegatedLog], DelegatedLog]) -> None:
    """A new delegation whose log is another."""
    home = desk.home
    keystore = open_root_keystore(home.settings.keys_folder, read_passphrase(home.settings.home, {}))
    record = keystore.newest(KeyRole.ROOT)
    assert record is not None
    with home.recording() as tx:
        log = home.delegated(tx).log
        epoch = home.delegated(tx).epoch + 1
        sign_delegation(home, tx, keystore.signer(record), change(log), epoch, desk.now)
        home.publish_trust(tx, desk.now)


def with_witnesses(*keys: NoteKey, quorum: int = 0) -> Callable[[DelegatedLog], DelegatedLog]:
    return lambda log: log._replace(witnesses=keys, quorum=quorum)


def published(desk: Desk) -> bytes:
    return (desk.home.settings.log_folder / CHECKPOINT_FILE).read_bytes()


def refusal(desk: Desk, note: bytes) -> KezhengError:
    before = published(desk), desk.home.checkpoint()
    with pytest.raises(KezhengError) as refused:
        take_lines(desk.home, note)
    assert (published(desk), desk.home.checkpoint()) == before
    return refused.value


def test_a_witness_line_is_what_the_standard_says(witness: Cosigner) -> None:
    """C2SP tlog-cosignature, kind 0x04, checked with nothing of the program's."""
    register, _, _ = register_of_two()
    note = cosigned_note(register.note(), witness, register.now)
    text, _, lines = note.decode().rpartition("\n\n")
    name, material = lines.strip().split("\n")[-1].removeprefix("— ").split(" ")
    body = base64.b64decode(material)
    seconds = int.from_bytes(body[4:12], "big")
    assert (name, seconds) == ("witness.example/w1", int(register.now.timestamp()))
    assert body[:4] == witness.key.key_id
    message = f"cosignature/v1\ntime {seconds}\n{text}\n".encode()
    Ed25519PublicKey.from_public_bytes(witness.key.public_key).verify(body[12:], message)
    assert encode_vkey(witness.key).startswith(f"{name}+{witness.key.key_id.hex()}+B")
    assert note.startswith(register.note())


def test_a_line_of_a_delegated_witness_is_published(desk: Desk, witness: Cosigner) -> None:
    delegate(desk, with_witnesses(witness.key))
    note = cosigned_note(published(desk), witness, desk.now)
    assert [taken.name for taken in take_lines(desk.home, note)] == [witness.key.name]
    assert published(desk) == desk.home.checkpoint() == note
    with desk.home.store.reading() as tx:
        log = desk.home.delegated(tx).log
    assert trusted_checkpoint(published(desk), log._replace(quorum=1)).witnesses == ((witness.key.name, desk.now),)


def test_a_quorum_is_met_by_the_lines_that_were_taken(desk: Desk, witness: Cosigner, tmp_path: Path) -> None:
    second = open_cosigner(tmp_path / "second.key", "witness.example/w2")
    delegate(desk, with_witnesses(witness.key, second.key, quorum=2))
    with desk.home.store.reading() as tx:
        log = desk.home.delegated(tx).log
    plain = published(desk)
    for each, missing in ((witness, 1), (second, 0)):
        take_lines(desk.home, cosigned_note(plain, each, desk.now))
        if missing:
            with pytest.raises(KezhengError) as refused:
                trusted_checkpoint(published(desk), log)
            assert refused.value.code == "witness_quorum_missing"
    assert len(trusted_checkpoint(published(desk), log).witnesses) == 2
    assert len(parse_note(published(desk)).signatures) == 4


def test_lines_stay_until_the_register_grows(desk: Desk, witness: Cosigner) -> None:
    delegate(desk, with_witnesses(witness.key))
    note = cosigned_note(published(desk), witness, desk.now)
    take_lines(desk.home, note)
    desk.home.publish_log()
    assert published(desk) == note
    desk.certify(people(1), ASSESSOR)
    assert len(parse_note(published(desk)).signatures) == 2
    refused = refusal(desk, note)
    assert refused.code == "cosignature_of_another_tree"
    assert refused.params["known"] == desk.value("SELECT size FROM log_tree")


def test_of_two_lines_of_one_witness_the_later_counts(desk: Desk, witness: Cosigner) -> None:
    delegate(desk, with_witnesses(witness.key))
    plain = published(desk)
    older, newer = (cosigned_note(plain, witness, desk.now + timedelta(seconds=lapse)) for lapse in (0, 60))
    for offered in (older, newer, older):
        take_lines(desk.home, offered)
    assert published(desk) == newer


def test_lines_of_strangers_are_not_taken(desk: Desk, witness: Cosigner, tmp_path: Path) -> None:
    stranger = open_cosigner(tmp_path / "stranger.key", "witness.example/w1")
    delegate(desk, with_witnesses(witness.key))
    assert refusal(desk, published(desk)).code == "witness_unknown"
    assert refusal(desk, cosigned_note(published(desk), stranger, desk.now)).code == "witness_unknown"
    both = cosigned_note(cosigned_note(published(desk), stranger, desk.now), witness, desk.now)
    take_lines(desk.home, both)
    ids = [line.key_id for line in parse_note(published(desk)).signatures]
    assert witness.key.key_id in ids
    assert stranger.key.key_id not in ids


def test_a_wrong_line_of_a_witness_is_refused(desk: Desk, witness: Cosigner, tmp_path: Path) -> None:
    delegate(desk, with_witnesses(witness.key))
    other = open_cosigner(tmp_path / "other.key", "witness.example/w1")
    posing = Cosigner(witness.key, other.signer)
    assert refusal(desk, cosigned_note(published(desk), posing, desk.now)).code == "checkpoint_untrusted"
    register, _, _ = register_of_two()
    foreign = cosigned_note(register.note(), witness, desk.now)
    assert refusal(desk, foreign).code == "checkpoint_untrusted"
    assert refusal(desk, b"rubbish").code == "checkpoint_untrusted"
