"""One entry out of a packed tile: the right one or none, whatever the block has become."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merkle_reference import mth

from certs.errors import KezhengError
from certs.tlog.packed_tile import CROWN_LENGTH, SLOTS, checked_crown, entry_of_slot, pack_tile

ENTRIES = [hashlib.sha256(b"%d" % place).digest() + b"and more"[: place % 9] for place in range(256)]
PACKED = pack_tile(ENTRIES)
ROOT = mth(ENTRIES)


def slot_of(block: bytes, slot: int) -> bytes:
    """By the layout alone: a crown, then 128 slots of one length."""
    length = (len(block) - 512) // 128
    return block[512 + slot * length : 512 + (slot + 1) * length]


def entry_in(block: bytes, place: int, root: bytes = ROOT) -> bytes:
    return entry_of_slot(slot_of(block, place // 2), place, checked_crown(block[:512], root))


def test_the_layout_is_as_it_is_told() -> None:
    assert (CROWN_LENGTH, SLOTS) == (512, 128)
    assert PACKED.root == ROOT
    crown = [PACKED.block[start : start + 32] for start in range(0, 512, 32)]
    assert crown == [mth(ENTRIES[start : start + 16]) for start in range(0, 256, 16)]
    slot = slot_of(PACKED.block, 77)  # entries 154 and 155; beside them stand 152–153, 156–159 and 144–151
    assert slot[:96] == mth(ENTRIES[152:154]) + mth(ENTRIES[156:160]) + mth(ENTRIES[144:152])
    pair = b"".join(len(entry).to_bytes(2, "big") + entry for entry in ENTRIES[154:156])
    assert slot[96:] == pair.ljust(len(slot) - 96, b"\0")


def test_every_entry_is_found() -> None:
    assert [entry_in(PACKED.block, place) for place in range(256)] == ENTRIES


@given(st.lists(st.binary(max_size=12), min_size=256, max_size=256))
@settings(max_examples=25)
def test_entries_of_any_lengths_are_found(entries: list[bytes]) -> None:
    packed = pack_tile(entries)
    assert packed.root == mth(entries)
    assert [entry_in(packed.block, place, packed.root) for place in range(256)] == entries


@pytest.mark.parametrize("count", [0, 1, 255, 257])
def test_a_tile_that_is_not_full_is_not_packed(count: int) -> None:
    with pytest.raises(ValueError, match="256"):
        pack_tile([b"entry"] * count)


@given(st.integers(0, len(PACKED.block) - 1), st.integers(1, 255), st.integers(0, 255))
@settings(max_examples=300)
def test_a_changed_byte_gives_the_true_entry_or_none(at: int, change: int, place: int) -> None:
    block = bytearray(PACKED.block)
    block[at] ^= change
    try:
        assert entry_in(bytes(block), place) == ENTRIES[place]
    except KezhengError as refused:
        assert refused.code == "log_proof_invalid"


def test_every_byte_of_a_slot_but_its_zeros_counts() -> None:
    slot, crown = slot_of(PACKED.block, 9), PACKED.block[:512]
    used = 96 + 4 + len(ENTRIES[18]) + len(ENTRIES[19])
    for at in range(len(slot)):
        changed = slot[:at] + bytes([slot[at] ^ 1]) + slot[at + 1 :]
        if at < used:
            with pytest.raises(KezhengError, match="log_proof_invalid"):
                entry_of_slot(changed, 18, crown)
        else:
            assert entry_of_slot(changed, 18, crown) == ENTRIES[18]


@pytest.mark.parametrize("place", [0, 1, 17, 254, 255])
def test_another_place_another_slot_another_tile(place: int) -> None:
    others = [other for other in (place ^ 2, place ^ 16, place ^ 128) if other // 2 != place // 2]
    for other in others:
        with pytest.raises(KezhengError, match="log_proof_invalid"):
            entry_of_slot(slot_of(PACKED.block, other // 2), place, PACKED.block[:512])
    with pytest.raises(KezhengError, match="log_proof_invalid"):
        entry_in(PACKED.block, place, mth([*ENTRIES[:-1], b"other"]))


@pytest.mark.parametrize("block", [b"", PACKED.block[:511], bytes(512), PACKED.block[32:544]])
def test_what_is_no_crown(block: bytes) -> None:
    with pytest.raises(KezhengError, match="log_proof_invalid"):
        checked_crown(block, ROOT)


@pytest.mark.parametrize("slot", [b"", b"\xff" * 97, slot_of(PACKED.block, 0)[:150]])
def test_what_is_no_slot(slot: bytes) -> None:
    for place in (0, 1):
        with pytest.raises(KezhengError, match="log_proof_invalid"):
            entry_of_slot(slot, place, PACKED.block[:512])
