"""Stored fields open only in their own place; places in status lists look drawn by lot and never repeat."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.status_list import LIST_SIZE
from keys.data_protection import BlindIndex, FieldCipher, StatusIndexPermutation

OLD, NEW = b"old key.", b"new key."
NUMBER = "150102190401012345"
PLACE = ("roster_row", "number_ciphertext", 7)


@pytest.fixture
def cipher() -> FieldCipher:
    return FieldCipher({OLD: b"o" * 32, NEW: b"n" * 32}, NEW)


def test_opens_in_its_place(cipher: FieldCipher) -> None:
    sealed = cipher.seal(*PLACE, NUMBER)
    assert cipher.open(*PLACE, sealed) == NUMBER
    assert len(sealed) == len(NUMBER) + 37
    assert NUMBER.encode() not in sealed


@pytest.mark.parametrize(
    "place",
    [
        ("person_document", "number_ciphertext", 7),
        ("roster_row", "private_ciphertext", 7),
        ("roster_row", "number_ciphertext", 8),
        ("roster_row\x00number_ciphertext", "", 7),
    ],
)
def test_moved_ciphertext(cipher: FieldCipher, place: tuple[str, str, int]) -> None:
    with pytest.raises(KezhengError, match=r"^data_damaged$"):
        cipher.open(*place, cipher.seal(*PLACE, NUMBER))


def test_two_rows_cannot_swap(cipher: FieldCipher) -> None:
    first, second = (cipher.seal("roster_row", "number_ciphertext", row, NUMBER) for row in (1, 2))
    assert first != second
    for row, sealed in ((1, second), (2, first)):
        with pytest.raises(KezhengError, match=r"^data_damaged$"):
            cipher.open("roster_row", "number_ciphertext", row, sealed)


@settings(max_examples=60)
@given(position=st.integers(0, 36 + len(NUMBER)), flip=st.integers(1, 255))
def test_every_altered_byte_is_seen(position: int, flip: int) -> None:
    cipher = FieldCipher({OLD: b"o" * 32, NEW: b"n" * 32}, NEW)
    sealed = bytearray(cipher.seal(*PLACE, NUMBER))
    sealed[position] ^= flip
    with pytest.raises(KezhengError, match=r"^data_(damaged|key_unknown)"):
        cipher.open(*PLACE, bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 20, 36])
def test_short_ciphertext(cipher: FieldCipher, length: int) -> None:
    with pytest.raises(KezhengError, match=r"^data_damaged$"):
        cipher.open(*PLACE, cipher.seal(*PLACE, NUMBER)[:length])


def test_older_key_opens_and_newer_seals(cipher: FieldCipher) -> None:
    before = FieldCipher({OLD: b"o" * 32}, OLD)
    sealed = before.seal(*PLACE, NUMBER)
    assert cipher.open(*PLACE, sealed) == NUMBER
    assert cipher.current_key_id == NEW
    with pytest.raises(KezhengError, match=r"^data_key_unknown"):
        before.open(*PLACE, cipher.seal(*PLACE, NUMBER))


def test_nonces_do_not_repeat(cipher: FieldCipher) -> None:
    assert len({cipher.seal(*PLACE, NUMBER)[9:21] for _ in range(2000)}) == 2000


def test_blind_index() -> None:
    index = BlindIndex(b"b" * 32)
    expected = hmac.new(b"b" * 32, f"居民身份证\x00{NUMBER}".encode(), hashlib.sha256).digest()
    assert index.of("居民身份证", NUMBER) == expected
    assert index.of("护照", NUMBER) != expected
    assert BlindIndex(b"c" * 32).of("居民身份证", NUMBER) != expected
    with pytest.raises(ValueError, match="NUL"):
        index.of("居民\x00身份证", NUMBER)


def test_a_list_is_filled_exactly_once() -> None:
    permutation = StatusIndexPermutation(b"s" * 32)
    first = [permutation.index(counter) for counter in range(LIST_SIZE)]
    assert sorted(first) == list(range(LIST_SIZE))
    second = [permutation.index(LIST_SIZE + counter) for counter in range(LIST_SIZE)]
    assert sorted(second) == list(range(LIST_SIZE, 2 * LIST_SIZE))
    assert [index - LIST_SIZE for index in second] != first


@pytest.mark.parametrize("start", [0, 1000, LIST_SIZE - 1000, 5 * LIST_SIZE + 17])
def test_consecutive_counters_have_no_rank_correlation(start: int) -> None:
    permutation = StatusIndexPermutation(b"fixed key of this test for ranks")
    places = [permutation.index(counter) % LIST_SIZE for counter in range(start, start + 1000)]
    assert abs(rank_correlation(places)) < 0.1  # three standard deviations of pure chance at n = 1,000


def test_order_depends_on_the_key_alone() -> None:
    ours, same, other = (StatusIndexPermutation(key) for key in (b"a" * 32, b"a" * 32, b"b" * 32))
    counters = range(50)
    assert [ours.index(c) for c in counters] == [same.index(c) for c in counters]
    assert [ours.index(c) for c in counters] != [other.index(c) for c in counters]


def rank_correlation(places: list[int]) -> float:
    """Spearman's coefficient of places against their order."""
    ranks = {place: rank for rank, place in enumerate(sorted(places))}
    n = len(places)
    squares = sum((order - ranks[place]) ** 2 for order, place in enumerate(places))
    return 1 - 6 * squares / (n * (n * n - 1))
