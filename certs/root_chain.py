"""Trust anchors and the chain of their rotations: any old pin can walk forward to the root in force.

A root is committed to its successor by thumbprint from its first day, and the successor's private key lies elsewhere.
``root-chain.jws`` has one JWS a line, each signed by the root that it presents: who steals a root cannot present
another successor, because that key would not have the committed thumbprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.jws import ROOT_CHAIN_TYPE, open_jws, unverified_payload
from certs.signing_key import base64url, public_jwk, public_key_of, thumbprint

MAX_ROTATIONS = 100


class RootKey(NamedTuple):
    """A trust anchor: the root's public key and the thumbprint of its successor, to which it is committed."""

    public_key: bytes
    next_thumbprint: str | None

    @property
    def fingerprint(self) -> str:
        """Full SHA-256 thumbprint in hex, as people compare it."""
        return thumbprint(self.public_key).hex()

    @property
    def thumbprint(self) -> str:
        """The same in unpadded base64url, as a commitment names it."""
        return base64url(thumbprint(self.public_key))


def root_to_jwk(root: RootKey) -> dict[str, Any]:
    """``root.jwk``: the public root key with its commitment to the next root."""
    return public_jwk(root.public_key, **({"next": root.next_thumbprint} if root.next_thumbprint else {}))


def root_from_jwk(jwk: Any) -> RootKey:
    """The anchor in a ``root.jwk``. Raises KezhengError ``key_malformed``."""
    if not isinstance(jwk, dict):
        raise KezhengError("key_malformed")
    following = jwk.get("next")
    return RootKey(public_key_of(jwk), following if isinstance(following, str) else None)


def chain_link_payload(root: RootKey, previous: RootKey | None) -> dict[str, Any]:
    """What a root signs on its first day: itself, and whom it follows."""
    return {"root": root_to_jwk(root), "previous": None if previous is None else previous.thumbprint}


def chain_file(links: Sequence[bytes]) -> bytes:
    """``root-chain.jws`` of its links, oldest first."""
    return b"\n".join(links) + b"\n"


def chain_links(content: bytes) -> list[bytes]:
    """The links of a chain file. Raises KezhengError ``root_chain_malformed``."""
    links = content.split()
    if len(links) > MAX_ROTATIONS:
        raise KezhengError("root_chain_malformed")
    return links


def newest_root(pinned: RootKey, content: bytes | None) -> RootKey:
    """The root in force for whoever pinned an earlier one: as far forward as commitments and signatures lead.

    Links that follow from nothing pinned are passed over. Raises KezhengError ``root_chain_malformed`` for a file that
    is none, ``root_rotation_refused`` for a link that names this root as the previous one but is not the key to which
    it is committed.
    """
    root = pinned
    for link in chain_links(content) if content is not None else ():
        presented, previous = _open_link(link)
        if previous != root.thumbprint:
            continue
        if presented.thumbprint != root.next_thumbprint:
            raise KezhengError("root_rotation_refused")
        root = presented
    return root


def _open_link(link: bytes) -> tuple[RootKey, str | None]:
    """The root that a link presents, under its own signature, and the thumbprint of the one before."""
    try:
        presented = root_from_jwk(unverified_payload(link).get("root"))
        payload = open_jws(link, ROOT_CHAIN_TYPE, presented.public_key).payload
        previous = payload["previous"]
        if payload["root"] != root_to_jwk(presented) or not (previous is None or isinstance(previous, str)):
            raise KezhengError("root_chain_malformed")
    except (KezhengError, KeyError) as error:
        raise KezhengError("root_chain_malformed") from error
    return presented, previous
