"""Rotation of the root: any old pin walks forward, and a stolen root leads nowhere."""

from __future__ import annotations

import pytest
from simulator import Key, World

from certs.errors import KezhengError
from certs.evidence import ROOT_CHAIN_FILE, TRUST_LIST_FILE, gather_evidence
from certs.jws import ROOT_CHAIN_TYPE, TRUST_LIST_TYPE
from certs.root_chain import MAX_ROTATIONS, RootKey, chain_file, chain_link_payload, newest_root
from certs.signing_key import base64url, thumbprint
from certs.trust_list import TrustList
from certs.unavailable import Unavailable

KEYS = [Key(f"root {number}") for number in range(1, 5)]


def committed(number: int, following: Key | None) -> RootKey:
    """The root of a number, committed to a key."""
    return RootKey(KEYS[number].public_key, None if following is None else base64url(thumbprint(following.public_key)))


ROOTS = [committed(number, KEYS[number + 1] if number < 3 else None) for number in range(4)]


def link(number: int, root: RootKey | None = None, previous: RootKey | None = None, key: Key | None = None) -> bytes:
    before = previous or (ROOTS[number - 1] if number else None)
    return World.jws(ROOT_CHAIN_TYPE, key or KEYS[number], chain_link_payload(root or ROOTS[number], before))


CHAIN = [link(number) for number in range(4)]


@pytest.mark.parametrize("pinned", range(4))
@pytest.mark.parametrize("length", range(1, 5))
def test_every_pin_walks_as_far_as_the_chain_leads(pinned: int, length: int) -> None:
    expected = max(pinned, length - 1)
    assert newest_root(ROOTS[pinned], chain_file(CHAIN[:length])) == ROOTS[expected]


def test_without_a_chain_the_pin_stays() -> None:
    assert newest_root(ROOTS[0], None) == ROOTS[0]
    assert newest_root(ROOTS[0], b"") == ROOTS[0]


def test_who_steals_the_root_cannot_appoint_another_successor() -> None:
    thief = Key("thief")
    chosen = RootKey(thief.public_key, None)
    forged = World.jws(ROOT_CHAIN_TYPE, thief, chain_link_payload(chosen, ROOTS[0]))
    with pytest.raises(KezhengError, match="root_rotation_refused"):
        newest_root(ROOTS[0], chain_file([CHAIN[0], forged]))


def test_the_stolen_root_cannot_sign_for_the_committed_successor() -> None:
    forged = link(1, key=KEYS[0])
    with pytest.raises(KezhengError, match="root_chain_malformed"):
        newest_root(ROOTS[0], chain_file([CHAIN[0], forged]))


def test_a_successor_may_not_change_its_own_commitment_after_the_fact() -> None:
    """The link says what the successor is committed to, under the successor's own signature."""
    altered = RootKey(KEYS[1].public_key, base64url(thumbprint(Key("thief").public_key)))
    forged = World.jws(ROOT_CHAIN_TYPE, KEYS[0], chain_link_payload(altered, ROOTS[0]))
    with pytest.raises(KezhengError, match="root_chain_malformed"):
        newest_root(ROOTS[0], chain_file([CHAIN[0], forged]))


def test_links_that_follow_from_nothing_pinned_are_passed_over() -> None:
    stranger = Key("stranger")
    unrelated = World.jws(ROOT_CHAIN_TYPE, stranger, chain_link_payload(RootKey(stranger.public_key, None), None))
    assert newest_root(ROOTS[2], chain_file([unrelated, *CHAIN])) == ROOTS[3]


def test_a_missing_link_ends_the_walk() -> None:
    assert newest_root(ROOTS[0], chain_file([CHAIN[0], CHAIN[2], CHAIN[3]])) == ROOTS[0]


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        CHAIN[0][:-2],
        World.jws("kz-trust-list+jws", KEYS[0], chain_link_payload(ROOTS[0], None)),
        World.jws(ROOT_CHAIN_TYPE, KEYS[0], {"root": 1, "previous": None}),
        World.jws(ROOT_CHAIN_TYPE, KEYS[0], {"previous": None}),
        World.jws(ROOT_CHAIN_TYPE, KEYS[0], chain_link_payload(ROOTS[0], None) | {"previous": 5}),
        b"\n".join(CHAIN[:1] * (MAX_ROTATIONS + 1)),
    ],
    ids=["no jws", "cut", "other type", "root as number", "no root", "previous as number", "too long"],
)
def test_a_chain_of_another_shape_is_refused(content: bytes) -> None:
    with pytest.raises(KezhengError, match="root_chain_malformed"):
        newest_root(ROOTS[0], content)


# --- with a trust list


def rotated_world() -> tuple[World, RootKey]:
    """A world whose root was rotated once, and the root that an old verifier has pinned."""
    old = World(next_root=Key("second root"))
    world = World(root=Key("second root"), epoch=3)
    world.institution()
    return world, old.root_key()


def rotation(world: World, pinned: RootKey) -> bytes:
    return chain_file([world.jws(ROOT_CHAIN_TYPE, world.root, chain_link_payload(world.root_key(), pinned))])


def test_an_old_pin_accepts_a_list_of_the_new_root_with_the_chain_and_not_without() -> None:
    world, pinned = rotated_world()
    files = world.files()
    assert gather_evidence(files, pinned).trust == Unavailable(
        "trust_list_unsigned", (("cause", "jws_signature_wrong"),)
    )
    with_chain = gather_evidence(files | {ROOT_CHAIN_FILE: rotation(world, pinned)}, pinned)
    assert isinstance(with_chain.trust, TrustList)
    assert with_chain.trust.epoch == 3


def test_after_a_rotation_the_old_root_delegates_nothing() -> None:
    world, pinned = rotated_world()
    thief = World(epoch=9)
    thief.institution()
    files = thief.files() | {ROOT_CHAIN_FILE: rotation(world, pinned)}
    assert isinstance(gather_evidence(files, pinned).trust, Unavailable)


def test_a_list_signed_by_the_root_itself_is_refused() -> None:
    world = World()
    world.institution()
    files = world.files()
    token = world.jws(TRUST_LIST_TYPE, world.root, {}, delegation=world.delegation().decode())
    refused = gather_evidence(files | {TRUST_LIST_FILE: token}, world.root_key()).trust
    assert refused == Unavailable("trust_list_unsigned", (("cause", "jws_signature_wrong"),))
