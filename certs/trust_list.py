"""The trust list: who may issue what and under which keys, signed by delegation.

The pinned root signs only a delegation, which travels in the header of ``trust-list.jws``; the list key signs the list.
Versions are ordered by (epoch, version). Each version's SHA-256 is an entry of the public register, and each version
pins a tree of it: a verifier refuses a register that does not continue that tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from certs.authority import AuthorityLimits
from certs.delegation import Delegation, hex_digest, open_delegation, whole_count
from certs.errors import KezhengError
from certs.institution import InstitutionRecord, SigningKey
from certs.institution_json import institution_from_json, institution_to_json, list_of, text_of
from certs.jws import TRUST_LIST_TYPE, open_jws, unverified_header
from certs.root_chain import RootKey
from certs.signing_key import base64url
from certs.timestamps import epoch_seconds, instant_from_epoch

FORMAT = 1
_LONGEST_LIMIT = 3660
"""Days: ten years, so that no sum of days leaves the calendar."""
_LONGEST_DELAY = 24 * 366
"""Hours."""


class PinnedTree(NamedTuple):
    """A tree of the public register as a trust list knows it: a checkpoint must continue it."""

    size: int
    root: bytes


class KeyOwner(NamedTuple):
    """A signing key and the institution that owns it."""

    institution: InstitutionRecord
    key: SigningKey


@dataclass(frozen=True)
class TrustList:
    """A checked trust list. ``files`` holds the SHA-256 (hex) of each published data file."""

    epoch: int
    version: int
    environment: str
    issued_at: datetime
    expires_at: datetime
    limits: AuthorityLimits
    public_urls: frozenset[str]
    files: Mapping[str, str]
    institutions: Mapping[str, InstitutionRecord]
    delegation: Delegation
    pinned: PinnedTree
    keys: Mapping[bytes, KeyOwner] = field(repr=False)

    @property
    def order(self) -> tuple[int, int]:
        """(epoch, version): a lower one than seen before is refused."""
        return self.epoch, self.version


def trust_list_payload(
    version: int,
    environment: str,
    issued_at: datetime,
    expires_at: datetime,
    limits: AuthorityLimits,
    public_urls: Iterable[str],
    files: Mapping[str, str],
    institutions: Iterable[InstitutionRecord],
    pinned: PinnedTree,
) -> dict[str, Any]:
    """What the list key signs. Raises KezhengError ``kid_not_unique`` when one kid would name two keys."""
    records = sorted(institutions, key=lambda record: record.code)
    index_keys(records)
    return {
        "format": FORMAT,
        "version": version,
        "environment": environment,
        "iat": epoch_seconds(issued_at),
        "exp": epoch_seconds(expires_at),
        "run_off_days": limits.run_off_days,
        "assessment_window_days": limits.assessment_window_days,
        "log_delay_hours": limits.log_delay_hours,
        "log": {"size": pinned.size, "root": pinned.root.hex()},
        "public_urls": sorted(public_urls),
        "files": dict(files),
        "institutions": [institution_to_json(record) for record in records],
    }


def open_trust_list(token: bytes, root: RootKey) -> TrustList:
    """The trust list under an anchor. Freshness is judged where the time is known.

    Raises KezhengError: ``jws_…`` for what does not verify, ``trust_list_malformed``, ``kid_not_unique``,
    ``trust_list_outside_delegation`` when it claims to live longer than its delegation or was signed outside it.
    """
    carried = unverified_header(token).get("delegation")
    if not isinstance(carried, str):
        raise KezhengError("jws_header_refused")
    delegated = open_delegation(carried.encode("utf-8"), root)
    payload = open_jws(token, TRUST_LIST_TYPE, delegated.list_key, members=("delegation",)).payload
    try:
        trust_list = _from_payload(payload, delegated)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KezhengError("trust_list_malformed") from error
    if not delegated.issued_at <= trust_list.issued_at < trust_list.expires_at <= delegated.expires_at:
        raise KezhengError("trust_list_outside_delegation")
    return trust_list


def index_keys(records: Iterable[InstitutionRecord]) -> dict[bytes, KeyOwner]:
    """kid → owner. Raises KezhengError ``kid_not_unique``: a list with one kid twice is neither built nor accepted."""
    index: dict[bytes, KeyOwner] = {}
    for record in records:
        for key in record.keys:
            if key.kid in index:
                raise KezhengError("kid_not_unique", kid=base64url(key.kid))
            index[key.kid] = KeyOwner(record, key)
    return index


def _from_payload(payload: dict[str, Any], delegated: Delegation) -> TrustList:
    if payload["format"] != FORMAT:
        raise KezhengError("trust_list_malformed")
    records = [_same_object(institution_from_json(entry)) for entry in list_of(payload["institutions"])]
    return TrustList(
        epoch=delegated.epoch,
        version=whole_count(payload["version"]),
        environment=text_of(payload["environment"]),
        issued_at=instant_from_epoch(payload["iat"]),
        expires_at=instant_from_epoch(payload["exp"]),
        limits=_limits(payload),
        public_urls=frozenset(map(text_of, list_of(payload["public_urls"]))),
        files={name: text_of(digest) for name, digest in payload["files"].items()},
        institutions=_by_code(records),
        delegation=delegated,
        pinned=_pinned(payload["log"]),
        keys=index_keys(records),
    )


@lru_cache(maxsize=4096)
def _same_object(record: InstitutionRecord) -> InstitutionRecord:
    """The record itself, or the equal one of an earlier list: what is kept about it is then found without comparing."""
    return record


def _pinned(entry: dict[str, Any]) -> PinnedTree:
    return PinnedTree(whole_count(entry["size"]), bytes.fromhex(hex_digest(entry["root"])))


def _limits(payload: dict[str, Any]) -> AuthorityLimits:
    return AuthorityLimits(
        run_off_days=whole_count(payload["run_off_days"], _LONGEST_LIMIT),
        assessment_window_days=whole_count(payload["assessment_window_days"], _LONGEST_LIMIT),
        log_delay_hours=whole_count(payload["log_delay_hours"], _LONGEST_DELAY),
    )


def _by_code(records: list[InstitutionRecord]) -> dict[str, InstitutionRecord]:
    index = {record.code: record for record in records}
    if len(index) != len(records):
        raise ValueError("an institution is listed twice")
    return index
