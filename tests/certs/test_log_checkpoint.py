"""Which checkpoints a delegation makes believable: keys in use and retired ones, witnesses, lines that fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from note_lines import log_line, note_of, second_line, text_of, witness_line
from simulated_log import cosignature_key
from simulator import Key

from certs.delegation import DelegatedLog, LogKey
from certs.errors import KezhengError
from certs.log_checkpoint import TrustedCheckpoint, trusted_checkpoint
from certs.tlog.note import ED25519, ED25519_COSIGNATURE, NoteKey

ORIGIN, OTHER_ORIGIN = "verify.example.cn/2026", "verify.example.cn/2027"
NOW_KEY, OLD_KEY, OLDEST_KEY, THIEF = Key("log now"), Key("log old"), Key("log oldest"), Key("thief")
COSIGNER = cosignature_key(ORIGIN + "/cosigner")
THIRD = cosignature_key("witness.example/w3")
FIRST_WITNESS, SECOND_WITNESS = Key("witness 1"), Key("witness 2")
W1 = NoteKey("witness.example/w1", ED25519_COSIGNATURE, FIRST_WITNESS.public_key)
W2 = NoteKey("witness.example/w2", ED25519_COSIGNATURE, SECOND_WITNESS.public_key)
ROOT, OTHER_ROOT = bytes(range(32)), bytes(range(1, 33))
SIZE, FINAL, FIRST_FINAL = 1000, 700, 300
MADE = 1_795_154_400
MADE_AT = datetime(2026, 11, 20, 6, 0, 0, tzinfo=UTC)
LAST_SECOND = 253_402_271_999
"""23:59:59 on the last day of the year 9999 in China."""


def own(key: Key, size: int | None = None, root: bytes | None = None) -> LogKey:
    return LogKey(NoteKey(ORIGIN, ED25519, key.public_key), size, root)


LOG = DelegatedLog(
    ORIGIN,
    (own(OLDEST_KEY, FIRST_FINAL, ROOT), own(OLD_KEY, FINAL, ROOT), own(NOW_KEY)),
    COSIGNER.key,
    (W1, W2, THIRD.key),
)


Lines = Callable[[str], tuple[str, ...]]


def signed_by(*keys: Key, size: int = SIZE, root: bytes = ROOT, more: Lines = lambda _: ()) -> bytes:
    text = text_of(ORIGIN, size, root)
    return note_of(text, *(log_line(ORIGIN, key, text) for key in keys), *more(text))


def refusal(note: bytes, log: DelegatedLog = LOG) -> str:
    with pytest.raises(KezhengError) as refused:
        trusted_checkpoint(note, log)
    return str(refused.value)


UNTRUSTED = "checkpoint_untrusted"


def test_the_key_in_use_signs_any_tree() -> None:
    for size in (0, 1, FINAL, FINAL + 1, 2**63 - 1):
        assert trusted_checkpoint(signed_by(NOW_KEY, size=size), LOG) == TrustedCheckpoint(size, ROOT, ())


# --- retired keys


@pytest.mark.parametrize(
    ("key", "size", "root", "is_trusted"),
    [
        (OLD_KEY, FINAL - 1, ROOT, True),
        (OLD_KEY, FINAL - 1, OTHER_ROOT, True),  # what a smaller tree's root is, the register itself must show
        (OLD_KEY, FINAL, ROOT, True),
        (OLD_KEY, FINAL, OTHER_ROOT, False),
        (OLD_KEY, FINAL + 1, ROOT, False),
        (OLDEST_KEY, FIRST_FINAL - 1, ROOT, True),
        (OLDEST_KEY, FIRST_FINAL, ROOT, True),
        (OLDEST_KEY, FIRST_FINAL, OTHER_ROOT, False),
        (OLDEST_KEY, FIRST_FINAL + 1, ROOT, False),
        (OLDEST_KEY, FINAL, ROOT, False),
    ],
)
def test_a_retired_key_counts_up_to_its_last_tree(key: Key, size: int, root: bytes, is_trusted: bool) -> None:
    note = signed_by(key, size=size, root=root)
    if is_trusted:
        assert trusted_checkpoint(note, LOG) == TrustedCheckpoint(size, root, ())
    else:
        assert refusal(note) == UNTRUSTED


def test_a_key_that_was_retired_before_its_first_tree_signs_nothing_but_the_empty_one() -> None:
    log = LOG._replace(keys=(own(OLD_KEY, 0, ROOT), own(NOW_KEY)))
    assert trusted_checkpoint(signed_by(OLD_KEY, size=0), log).size == 0
    assert refusal(signed_by(OLD_KEY, size=1), log) == UNTRUSTED


def test_one_counting_line_is_enough_beside_a_retired_one() -> None:
    for keys in ((OLD_KEY, NOW_KEY), (NOW_KEY, OLD_KEY)):
        assert trusted_checkpoint(signed_by(*keys, size=FINAL + 1), LOG).size == FINAL + 1
    assert refusal(signed_by(OLD_KEY, OLDEST_KEY, size=FINAL + 1)) == UNTRUSTED
    assert trusted_checkpoint(signed_by(OLD_KEY, OLDEST_KEY, size=FIRST_FINAL + 1), LOG).size == FIRST_FINAL + 1


@pytest.mark.parametrize("good", [NOW_KEY, OLD_KEY])
@pytest.mark.parametrize("bad", [NOW_KEY, OLD_KEY, OLDEST_KEY])
def test_a_failing_line_of_any_log_key_refuses_whatever_others_say(good: Key, bad: Key) -> None:
    text, other = text_of(ORIGIN, 5, ROOT), text_of(ORIGIN, 6, ROOT)
    lines = (log_line(ORIGIN, good, text), log_line(ORIGIN, bad, other))
    assert refusal(note_of(text, *lines)) == UNTRUSTED
    assert refusal(note_of(text, *reversed(lines))) == UNTRUSTED


def test_a_witness_counts_under_a_retired_key_as_well() -> None:
    log = LOG._replace(quorum=1)
    seen = signed_by(OLD_KEY, size=FINAL, more=lambda text: (witness_line(W1.name, FIRST_WITNESS, text, MADE),))
    assert trusted_checkpoint(seen, log).witnesses == ((W1.name, MADE_AT),)
    assert refusal(signed_by(OLD_KEY, size=FINAL), log) == "witness_quorum_missing (count=0, quorum=1)"


# --- keys that are none of this log's


def test_nobody_else_signs() -> None:
    assert refusal(signed_by(THIEF)) == UNTRUSTED
    assert refusal(signed_by()) == UNTRUSTED
    assert trusted_checkpoint(signed_by(THIEF, NOW_KEY), LOG).size == SIZE  # unknown lines are passed over


def test_neither_the_second_line_nor_witnesses_stand_in_for_the_log() -> None:
    text = text_of(ORIGIN, SIZE, ROOT)
    lines = (second_line(COSIGNER, ORIGIN, SIZE, ROOT, MADE), witness_line(W1.name, FIRST_WITNESS, text, MADE))
    assert refusal(note_of(text, *lines)) == UNTRUSTED


def test_the_right_key_under_another_origin() -> None:
    text = text_of(OTHER_ORIGIN, SIZE, ROOT)
    assert refusal(note_of(text, log_line(OTHER_ORIGIN, NOW_KEY, text))) == UNTRUSTED
    assert refusal(note_of(text, log_line(ORIGIN, NOW_KEY, text))) == UNTRUSTED
    text = text_of(ORIGIN, SIZE, ROOT)
    assert refusal(note_of(text, log_line(OTHER_ORIGIN, NOW_KEY, text))) == UNTRUSTED


@pytest.mark.parametrize("note", [b"", b"\xff", b"verify.example.cn/2026\n1000\n", note_of("nothing\n")])
def test_what_is_no_checkpoint(note: bytes) -> None:
    assert refusal(note) == UNTRUSTED


# --- witnesses


def witnessed(*names: str, size: int = SIZE, at: int = MADE) -> bytes:
    text = text_of(ORIGIN, size, ROOT)
    lines = {
        "w1": witness_line(W1.name, FIRST_WITNESS, text, at),
        "w2": witness_line(W2.name, SECOND_WITNESS, text, at + 1),
        "w3": second_line(THIRD, ORIGIN, size, ROOT, at + 2),
        "own": second_line(COSIGNER, ORIGIN, size, ROOT, at),
        "stranger": witness_line("stranger.example", THIEF, text, at),
    }
    return note_of(text, log_line(ORIGIN, NOW_KEY, text), *(lines[name] for name in names))


@pytest.mark.parametrize(
    ("names", "count"),
    [
        ((), 0),
        (("own",), 0),
        (("stranger",), 0),
        (("own", "stranger"), 0),
        (("w1",), 1),
        (("w2", "own"), 1),
        (("w3",), 1),
        (("w1", "w1"), 1),
        (("w1", "w2"), 2),
        (("w3", "w2", "w1"), 3),
    ],
)
def test_a_quorum_counts_different_witnesses(names: tuple[str, ...], count: int) -> None:
    for quorum in range(4):
        log = LOG._replace(quorum=quorum)
        if quorum <= count:
            assert len(trusted_checkpoint(witnessed(*names), log).witnesses) == count
        else:
            assert refusal(witnessed(*names), log) == f"witness_quorum_missing (count={count}, quorum={quorum})"


@pytest.mark.parametrize("names", [("w1",), ("w2",)])
def test_one_of_two_witnesses_makes_a_quorum_of_one(names: tuple[str, ...]) -> None:
    log = LOG._replace(witnesses=(W1, W2), quorum=1)
    assert [name[-2:] for name, _ in trusted_checkpoint(witnessed(*names), log).witnesses] == list(names)
    assert refusal(witnessed(*names), log._replace(quorum=2)) == "witness_quorum_missing (count=1, quorum=2)"


def test_witnesses_are_told_by_name_with_their_times() -> None:
    found = trusted_checkpoint(witnessed("w3", "w1", "own"), LOG).witnesses
    assert found == ((W1.name, MADE_AT), (THIRD.name, MADE_AT.replace(second=2)))


def test_two_keys_of_one_witness_are_one_witness() -> None:
    both = NoteKey(W1.name, ED25519_COSIGNATURE, SECOND_WITNESS.public_key)
    log = LOG._replace(witnesses=(W1, both), quorum=2)
    text = text_of(ORIGIN, SIZE, ROOT)
    lines = (witness_line(W1.name, key, text, MADE) for key in (FIRST_WITNESS, SECOND_WITNESS))
    note = note_of(text, log_line(ORIGIN, NOW_KEY, text), *lines)
    assert refusal(note, log) == "witness_quorum_missing (count=1, quorum=2)"


@pytest.mark.parametrize("signer", [NOW_KEY, OLD_KEY])
@pytest.mark.parametrize("which", ["w1 of another tree", "w1 of another key", "own of another root", "own of time 0"])
def test_a_failing_line_of_a_known_witness_refuses(which: str, signer: Key) -> None:
    text, other = text_of(ORIGIN, FINAL, ROOT), text_of(ORIGIN, FINAL - 1, ROOT)
    right = witness_line(W1.name, FIRST_WITNESS, text, MADE)
    false = {
        "w1 of another tree": witness_line(W1.name, FIRST_WITNESS, other, MADE),
        "w1 of another key": right[:-20] + ("A" if right[-20] != "A" else "B") + right[-19:],
        "own of another root": second_line(COSIGNER, ORIGIN, FINAL, OTHER_ROOT, MADE),
        "own of time 0": second_line(COSIGNER, ORIGIN, FINAL, ROOT, 0),
    }[which]
    signed = log_line(ORIGIN, signer, text)
    assert trusted_checkpoint(note_of(text, signed, right), LOG).size == FINAL
    for lines in ((signed, false), (false, signed), (signed, witness_line(W2.name, SECOND_WITNESS, text, MADE), false)):
        assert refusal(note_of(text, *lines)) == UNTRUSTED


@pytest.mark.parametrize(
    ("at", "is_trusted"), [(1, True), (LAST_SECOND, True), (LAST_SECOND + 1, False), (2**63 - 1, False)]
)
def test_a_witness_s_time_lies_in_the_calendar(at: int, is_trusted: bool) -> None:
    """A witness whose clock is mad refuses a checkpoint, and stops nothing else."""
    note = witnessed("w1", at=at)
    if is_trusted:
        [(name, seen_at)] = trusted_checkpoint(note, LOG).witnesses
        assert (name, int(seen_at.timestamp())) == (W1.name, at)
    else:
        assert refusal(note) == UNTRUSTED


def test_a_stranger_s_time_is_not_looked_at() -> None:
    assert trusted_checkpoint(witnessed("stranger", at=2**63 - 1), LOG).witnesses == ()


@pytest.mark.parametrize(("strangers", "is_trusted"), [(14, True), (15, True), (16, False)])
def test_a_note_has_at_most_sixteen_lines(strangers: int, is_trusted: bool) -> None:
    """So nobody buries the register's line under his own, and 17 lines are no note, whoever signed them."""
    text = text_of(ORIGIN, SIZE, ROOT)
    others = [witness_line(f"stranger{place}.example", THIEF, text, MADE) for place in range(strangers)]
    note = note_of(text, *others, log_line(ORIGIN, NOW_KEY, text))
    if is_trusted:
        assert trusted_checkpoint(note, LOG).size == SIZE
    else:
        assert refusal(note) == UNTRUSTED
