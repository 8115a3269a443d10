"""Checkpoints that we write are read by a second verifier; those that we read are refused for one wrong line."""

from __future__ import annotations

from base64 import b64encode

import note_verifier
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.tlog.checkpoint import Checkpoint, Cosigned, checkpoint_text, open_checkpoint, read_checkpoint_text
from certs.tlog.cosignature import (
    LATEST_SECOND,
    attach_signature,
    cosignature_body,
    cosignature_message_ed25519,
    cosignature_message_mldsa,
    log_signature_message,
    read_cosignature_body,
)
from certs.tlog.merkle import EMPTY_ROOT
from certs.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Note,
    NoteKey,
    NoteSignature,
    format_note,
    parse_note,
)

ORIGIN, COSIGNER, WITNESS = "register.example/2026", "register.example/2026/cosigner", "witness.example/w1"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes([31]) * 32)
OTHER_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes([32]) * 32)
SECOND_PRIVATE = MLDSA44PrivateKey.from_seed_bytes(bytes([33]) * 32)
LOG = NoteKey(ORIGIN, ED25519, PRIVATE.public_key().public_bytes_raw())
SECOND = NoteKey(COSIGNER, MLDSA44_COSIGNATURE, SECOND_PRIVATE.public_key().public_bytes_raw())
W1 = NoteKey(WITNESS, ED25519_COSIGNATURE, OTHER_PRIVATE.public_key().public_bytes_raw())
MADE = 1_795_068_000
CHECKPOINT = Checkpoint(ORIGIN, 109_482, bytes(range(32)))
ROOT = b64encode(CHECKPOINT.root).decode()


def signed(checkpoint: Checkpoint = CHECKPOINT) -> bytes:
    text = checkpoint_text(checkpoint)
    return format_note(Note(text, (NoteSignature(LOG.name, LOG.key_id, PRIVATE.sign(log_signature_message(text))),)))


def with_second_line(note: bytes, checkpoint: Checkpoint = CHECKPOINT, at: int = MADE) -> bytes:
    signature = SECOND_PRIVATE.sign(cosignature_message_mldsa(COSIGNER, at, *checkpoint))
    return attach_signature(note, SECOND.name, SECOND.key_id, cosignature_body(at, signature))


def with_witness(note: bytes, at: int = MADE) -> bytes:
    signature = OTHER_PRIVATE.sign(cosignature_message_ed25519(parse_note(note).text, at))
    return attach_signature(note, W1.name, W1.key_id, cosignature_body(at, signature))


def is_trusted(note: bytes) -> bool:
    try:
        open_checkpoint(note, ORIGIN, [LOG], cosigners=[SECOND, W1])
    except KezhengError as error:
        assert error.code == "checkpoint_untrusted"
        return False
    return True


@settings(max_examples=25)
@given(size=st.integers(0, 2**63 - 1), root=st.binary(min_size=32, max_size=32), at=st.integers(1, 2**63 - 1))
def test_a_second_verifier_reads_our_two_lines(size: int, root: bytes, at: int) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    note = with_second_line(signed(checkpoint), checkpoint, at)
    assert note_verifier.verify_log_line(note.decode(), ORIGIN, LOG.public_key) == (size, root)
    assert note_verifier.verify_second_line(note.decode(), ORIGIN, COSIGNER, SECOND.public_key) == at
    opened = open_checkpoint(note, ORIGIN, [LOG], cosigners=[SECOND])
    assert (opened.checkpoint, opened.cosigned) == (checkpoint, (Cosigned(COSIGNER, at),))


def test_the_second_verifier_can_fail() -> None:
    note = with_second_line(signed()).decode()
    with pytest.raises(InvalidSignature):
        note_verifier.verify_log_line(note.replace("109482", "109483"), ORIGIN, LOG.public_key)
    with pytest.raises(InvalidSignature):
        note_verifier.verify_second_line(note.replace("109482", "109483"), ORIGIN, COSIGNER, SECOND.public_key)


def test_the_text_is_origin_size_and_root_and_nothing_else() -> None:
    assert checkpoint_text(CHECKPOINT) == f"{ORIGIN}\n109482\n{ROOT}\n"
    assert read_checkpoint_text(f"o\n0\n{b64encode(EMPTY_ROOT).decode()}\n") == Checkpoint("o", 0, EMPTY_ROOT)


def test_extension_lines_of_others_are_passed_over() -> None:
    assert read_checkpoint_text(f"{ORIGIN}\n109482\n{ROOT}\nmore\nand more\n") == CHECKPOINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n109482\n",
        f"{ORIGIN}\n109482\n{ROOT}",
        f"\n109482\n{ROOT}\n",
        f"{ORIGIN}\n0109482\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n1_0\n{ROOT}\n",
        f"{ORIGIN}\n１０\n{ROOT}\n",
        f"{ORIGIN}\n 10\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n10\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n10\n{b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n10\n{b64encode(bytes(33)).decode()}\n",
        f"{ORIGIN}\n10\n\n",
        f"{ORIGIN}\n10\n{ROOT}\n\n",
        f"{ORIGIN}\n10\n{ROOT}\n\nmore\n",
    ],
)
def test_other_texts_are_no_checkpoint(text: str) -> None:
    with pytest.raises(KezhengError) as refused:
        read_checkpoint_text(text)
    assert refused.value.code == "log_note_malformed"


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_the_smallest_and_largest_size_are_read(size: int) -> None:
    assert read_checkpoint_text(checkpoint_text(CHECKPOINT._replace(size=size))).size == size


def test_a_note_that_is_none_or_no_checkpoint_is_untrusted() -> None:
    text = "only a text\n"
    line = NoteSignature(LOG.name, LOG.key_id, PRIVATE.sign(text.encode()))
    assert not is_trusted(b"")
    assert not is_trusted(format_note(Note(text, (line,))))


def test_only_the_keys_of_this_log_speak_for_it() -> None:
    note = signed()
    assert is_trusted(note)
    for keys in ([], [LOG._replace(name="other")], [LOG._replace(kind=ED25519_COSIGNATURE)], [W1]):
        with pytest.raises(KezhengError, match="checkpoint_untrusted"):
            open_checkpoint(note, ORIGIN, keys)
    with pytest.raises(KezhengError, match="checkpoint_untrusted"):
        open_checkpoint(note, "register.example/2027", [LOG])


def test_the_right_key_does_not_sign_for_another_origin() -> None:
    text = checkpoint_text(CHECKPOINT._replace(origin="register.example/2027"))
    line = NoteSignature(LOG.name, LOG.key_id, PRIVATE.sign(text.encode()))
    assert not is_trusted(format_note(Note(text, (line,))))


def test_one_of_two_log_keys_is_enough() -> None:
    new = NoteKey(ORIGIN, ED25519, W1.public_key)
    assert open_checkpoint(signed(), ORIGIN, [new, LOG]).checkpoint == CHECKPOINT


def test_lines_of_unknown_keys_are_ignored() -> None:
    note = attach_signature(signed(), "stranger.example", b"\0\0\0\0", bytes(72))
    note = attach_signature(note, LOG.name, b"\0\0\0\0", bytes(64))
    note = attach_signature(note, "stranger.example", LOG.key_id, bytes(64))
    opened = open_checkpoint(note, ORIGIN, [LOG], cosigners=[SECOND, W1])
    assert (opened.cosigned, len(opened.note.signatures)) == ((), 4)


def test_cosigners_are_told_with_their_times() -> None:
    note = with_witness(with_second_line(signed()), MADE + 5)
    opened = open_checkpoint(note, ORIGIN, [LOG], cosigners=[SECOND, W1])
    assert opened.cosigned == (Cosigned(COSIGNER, MADE), Cosigned(WITNESS, MADE + 5))
    assert open_checkpoint(note, ORIGIN, [LOG]).cosigned == ()


@given(data=st.data())
@settings(max_examples=60)
def test_one_flipped_bit_of_a_line_of_a_known_key_refuses_the_note(data: st.DataObject) -> None:
    parsed = parse_note(FULL)
    which = data.draw(st.integers(0, 2))
    line = parsed.signatures[which]
    bit = data.draw(st.integers(0, len(line.signature) * 8 - 1))
    changed = (int.from_bytes(line.signature, "big") ^ (1 << bit)).to_bytes(len(line.signature), "big")
    lines = list(parsed.signatures)
    lines[which] = line._replace(signature=changed)
    assert not is_trusted(format_note(parsed._replace(signatures=tuple(lines))))


FULL = with_witness(with_second_line(signed()))


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("change", [lambda body: body[:-1], lambda body: body + b"\0", lambda body: body[:8]])
def test_a_line_of_another_length_refuses_the_note(which: int, change: object) -> None:
    assert callable(change)
    parsed = parse_note(FULL)
    lines = list(parsed.signatures)
    lines[which] = lines[which]._replace(signature=change(lines[which].signature))
    assert is_trusted(FULL)
    assert not is_trusted(format_note(parsed._replace(signatures=tuple(lines))))


@pytest.mark.parametrize("at", [0, -1, LATEST_SECOND + 1])
def test_a_cosignature_is_of_a_time_in_range(at: int) -> None:
    with pytest.raises(KezhengError, match="checkpoint_untrusted"):
        cosignature_body(at, bytes(64))


@pytest.mark.parametrize("at", [1, LATEST_SECOND])
def test_the_first_and_the_last_second_are_in_range(at: int) -> None:
    body = read_cosignature_body(cosignature_body(at, bytes(2420)))
    assert (body.at_seconds, len(body.signature)) == (at, 2420)


@pytest.mark.parametrize("body", [b"", bytes(7), bytes(8), bytes(72), b"\0\0\0\0\0\0\0\1", b"\x80" + bytes(71)])
def test_other_bodies_are_untrusted(body: bytes) -> None:
    with pytest.raises(KezhengError, match="checkpoint_untrusted"):
        read_cosignature_body(body)


def test_messages_are_those_of_the_specification() -> None:
    text = checkpoint_text(CHECKPOINT)
    assert cosignature_message_ed25519(text, 7) == b"cosignature/v1\ntime 7\n" + text.encode()
    assert cosignature_message_mldsa("c", 7, "o", 9, CHECKPOINT.root) == (
        b"subtree/v1\n\0" + b"\1c" + bytes(7) + b"\7" + b"\1o" + bytes(8) + bytes(7) + b"\x09" + CHECKPOINT.root
    )


@pytest.mark.parametrize("name", ["", "n" * 256, "名" * 86])
def test_a_name_takes_1_to_255_bytes(name: str) -> None:
    longest = "n" * 255
    assert b"\xff" + longest.encode() in cosignature_message_mldsa(longest, 1, "o", 1, bytes(32))
    with pytest.raises(ValueError, match="name"):
        cosignature_message_mldsa(name, 1, "o", 1, bytes(32))
    with pytest.raises(ValueError, match="name"):
        cosignature_message_mldsa("c", 1, name, 1, bytes(32))


def test_a_newer_line_of_the_same_key_takes_the_place_of_the_older() -> None:
    again = with_witness(FULL, MADE + 60)
    opened = open_checkpoint(again, ORIGIN, [LOG], cosigners=[SECOND, W1])
    assert opened.cosigned == (Cosigned(COSIGNER, MADE), Cosigned(WITNESS, MADE + 60))


def test_no_seventeenth_line_is_attached() -> None:
    note = FULL
    for number in range(13):
        note = attach_signature(note, f"w{number}", b"\0\0\0\0", bytes(72))
    assert is_trusted(note)
    with pytest.raises(KezhengError, match="log_note_malformed"):
        attach_signature(note, "w13", b"\0\0\0\0", bytes(72))
