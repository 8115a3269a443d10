"""Every pair of signed documents: one, under the very key that the other needs, presented in the other's place."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from simulated_receipt import bundle_of
from simulated_status_list import status_list_files
from simulator import PUBLIC_URL, Key, World

from certs.delegation import open_delegation
from certs.errors import KezhengError
from certs.jws import (
    DELEGATION_TYPE,
    RECEIPT_TYPE,
    ROOT_CHAIN_TYPE,
    STATUS_TYPE,
    TRUST_LIST_TYPE,
    unverified_payload,
)
from certs.qr import qr_text
from certs.receipt import check_receipt, receipt_document
from certs.root_chain import chain_file, chain_link_payload, newest_root
from certs.status_list import open_status_list
from certs.status_list_token import JWT_TYPE, open_status_list_jwt
from certs.trust_list import open_trust_list

OPENERS: dict[str, tuple[str, Callable[[World, bytes], object]]] = {
    DELEGATION_TYPE: ("root", lambda world, token: open_delegation(token, world.root_key())),
    TRUST_LIST_TYPE: ("list_key", lambda world, token: open_trust_list(token, world.root_key())),
    STATUS_TYPE: ("status_key", lambda world, token: open_status_list(token, world.status_key.public_key)),
    JWT_TYPE: ("status_key", lambda world, token: open_status_list_jwt(token, world.status_key.public_key)),
    ROOT_CHAIN_TYPE: ("root", lambda world, token: newest_root(world.root_key(), chain_file([token]))),
    RECEIPT_TYPE: ("receipt_key", lambda world, t: check_receipt(receipt_document({}, t, b""), world.root_key())),
}
"""Who must have signed a document of a type, and what reads it."""
REFUSED = {ROOT_CHAIN_TYPE: {"root_chain_malformed"}, RECEIPT_TYPE: {"receipt_malformed", "receipt_untrusted"}}
"""What readers say that tell no more than that it is none of theirs."""


@pytest.fixture
def world() -> World:
    """A register with one certificate."""
    made = World()
    made.issue(made.institution(), status_index=5)
    return made


def payload_of(world: World, typ: str) -> dict[str, Any]:
    """A payload that its own reader takes."""
    tokens = {
        DELEGATION_TYPE: world.delegation,
        TRUST_LIST_TYPE: world.trust_list,
        STATUS_TYPE: world.status_list,
        JWT_TYPE: lambda: next(iter(status_list_files(world).values())),
    }
    if typ in tokens:
        return dict(unverified_payload(tokens[typ]()))
    if typ == ROOT_CHAIN_TYPE:
        return chain_link_payload(world.root_key(), None)
    [envelope] = world.envelopes.values()
    return bundle_of(world, qr_text(PUBLIC_URL, envelope))


def made_by(world: World, typ: str, key: Key) -> bytes:
    """A document of a type under any key, with the delegation in its header where readers look for one."""
    return world.jws(typ, key, payload_of(world, typ), delegation=world.delegation().decode())


def bare(world: World, typ: str, key: Key) -> bytes:
    return world.jws(typ, key, payload_of(world, typ))


@pytest.mark.parametrize("typ", OPENERS)
def test_each_is_read_in_its_own_place(world: World, typ: str) -> None:
    key, opener = OPENERS[typ]
    has_delegation = typ in (TRUST_LIST_TYPE, RECEIPT_TYPE)
    token = (made_by if has_delegation else bare)(world, typ, getattr(world, key))
    opener(world, token)


@pytest.mark.parametrize(("presented", "expected"), list(permutations(OPENERS, 2)))
def test_none_passes_as_another(world: World, presented: str, expected: str) -> None:
    key, opener = OPENERS[expected]
    for make in (bare, made_by):
        token = make(world, presented, getattr(world, key))
        with pytest.raises(KezhengError) as refusal:
            opener(world, token)
        assert refusal.value.code in {"jws_type_wrong", "jws_header_refused"} | REFUSED.get(expected, set())
