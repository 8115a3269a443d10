"""The trust list: who may issue what and under which keys, signed by delegation.

The pinned root signs only a delegation (list key, status key, log key, epoch, end), which travels in the header of
``trust-list.jws``; the list key signs the list. Versions are ordered by (epoch, version).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from certs.authority import AuthorityLimits
from certs.errors import KezhengError
from certs.institution import InstitutionRecord, SigningKey
from certs.institution_json import institution_from_json, institution_to_json, list_of, text_of
from certs.jws import DELEGATION_TYPE, TRUST_LIST_TYPE, open_jws, unverified_header
from certs.signing_key import base64url, public_jwk, public_key_of, thumbprint
from certs.timestamps import epoch_seconds, instant_from_epoch

FORMAT = 1
_LARGEST_COUNT = 2**53
_LONGEST_LIMIT = 3660
"""Days: ten years, so that no sum of days leaves the calendar."""


class RootKey(NamedTuple):
    """A trust anchor: the root's public key and the thumbprint of its successor, to which it is committed."""

    public_key: bytes
    next_thumbprint: str | None

    @property
    def fingerprint(self) -> str:
        """Full SHA-256 thumbprint in hex, as people compare it."""
        return thumbprint(self.public_key).hex()


class DelegatedKeys(NamedTuple):
    """What the root delegates: one public key for each role, the epoch, and when it ends."""

    list_key: bytes
    status_key: bytes
    log_key: bytes
    epoch: int
    issued_at: datetime
    expires_at: datetime


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
    status_key: bytes
    keys: Mapping[bytes, KeyOwner] = field(repr=False)

    @property
    def order(self) -> tuple[int, int]:
        """(epoch, version): a lower one than seen before is refused."""
        return self.epoch, self.version


def root_to_jwk(root: RootKey) -> dict[str, Any]:
    """``root.jwk``: the public root key with its commitment to the next root."""
    return public_jwk(root.public_key, **({"next": root.next_thumbprint} if root.next_thumbprint else {}))


def root_from_jwk(jwk: Any) -> RootKey:
    """The anchor in a ``root.jwk``. Raises KezhengError ``key_malformed``."""
    if not isinstance(jwk, dict):
        raise KezhengError("key_malformed")
    following = jwk.get("next")
    return RootKey(public_key_of(jwk), following if isinstance(following, str) else None)


def delegation_payload(keys: DelegatedKeys) -> dict[str, Any]:
    """What the root signs."""
    return {
        "epoch": keys.epoch,
        "iat": epoch_seconds(keys.issued_at),
        "exp": epoch_seconds(keys.expires_at),
        "keys": {
            "list": public_jwk(keys.list_key),
            "status": public_jwk(keys.status_key),
            "log": public_jwk(keys.log_key),
        },
    }


def trust_list_payload(
    version: int,
    environment: str,
    issued_at: datetime,
    expires_at: datetime,
    limits: AuthorityLimits,
    public_urls: Iterable[str],
    files: Mapping[str, str],
    institutions: Iterable[InstitutionRecord],
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
        "public_urls": sorted(public_urls),
        "files": dict(files),
        "institutions": [institution_to_json(record) for record in records],
    }


def open_delegation(token: bytes, root: RootKey) -> DelegatedKeys:
    """The delegation that the root signed; its period is judged by the caller. Raises KezhengError as `open_jws`."""
    payload = open_jws(token, DELEGATION_TYPE, root.public_key).payload
    try:
        keys = {role: public_key_of(payload["keys"][role]) for role in ("list", "status", "log")}
        if len(set(keys.values())) != len(keys):
            raise KezhengError("jws_malformed")
        return DelegatedKeys(
            keys["list"],
            keys["status"],
            keys["log"],
            _whole(payload["epoch"]),
            instant_from_epoch(payload["iat"]),
            instant_from_epoch(payload["exp"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise KezhengError("jws_malformed") from error


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


def _from_payload(payload: dict[str, Any], delegated: DelegatedKeys) -> TrustList:
    if payload["format"] != FORMAT:
        raise KezhengError("trust_list_malformed")
    records = [institution_from_json(entry) for entry in list_of(payload["institutions"])]
    return TrustList(
        epoch=delegated.epoch,
        version=_whole(payload["version"]),
        environment=text_of(payload["environment"]),
        issued_at=instant_from_epoch(payload["iat"]),
        expires_at=instant_from_epoch(payload["exp"]),
        limits=_limits(payload),
        public_urls=frozenset(map(text_of, list_of(payload["public_urls"]))),
        files={name: text_of(digest) for name, digest in payload["files"].items()},
        institutions=_by_code(records),
        status_key=delegated.status_key,
        keys=index_keys(records),
    )


def _limits(payload: dict[str, Any]) -> AuthorityLimits:
    run_off, window = payload["run_off_days"], payload["assessment_window_days"]
    return AuthorityLimits(_whole(run_off, _LONGEST_LIMIT), _whole(window, _LONGEST_LIMIT))


def _by_code(records: list[InstitutionRecord]) -> dict[str, InstitutionRecord]:
    index = {record.code: record for record in records}
    if len(index) != len(records):
        raise ValueError("an institution is listed twice")
    return index


def _whole(value: Any, largest: int = _LARGEST_COUNT) -> int:
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError("not a count in range")
    return value
