"""A stolen key of an institution: since when, what that changes, and the declaration that two people make.

What was logged before that time stays valid by the time of its entry. The time may move earlier, never later.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from certs.approval import check_two_people, comparable_name
from certs.errors import KezhengError
from certs.log_entry import KeyAct, key_body
from certs.timestamps import instant_from_ms, ms_of
from registry.directory import key_added
from registry.home import Home
from registry.key_changes import new_key
from registry.signing_keys import is_in_use, keys_of_institution, require_signing_key
from registry.store.affected_store import CountsOfKey, LoggedUnderKey, counts_of_key, logged_under_key
from registry.store.audit_store import record_act
from registry.store.engine import ReadTransaction
from registry.store.signing_key_store import SigningKeyRecord, add_signing_key, declare_compromised


class Compromise(NamedTuple):
    """Which key is stolen since when, who says so, and the registry's officer who confirms it."""

    kid: bytes
    at: datetime
    by: str
    officer: str

    def check_people(self) -> None:
        """Two people, one of the registry: an institution alone could hide what it signed by calling its key stolen.

        Raises KezhengError ``registry_officer_needed``, ``person_missing``, ``approver_is_operator``.
        """
        if not comparable_name(self.officer):
            raise KezhengError("registry_officer_needed")
        check_two_people(self.by, self.officer)


class Effect(NamedTuple):
    """What a declaration changes, or has changed.

    ``counts`` are of present papers: those before the time stay valid, those since are to be confirmed and issued
    again, those not logged are recorded anew under another key. ``new_kid`` is the key made in the same act.
    """

    key: SigningKeyRecord
    at: datetime
    counts: CountsOfKey
    new_kid: bytes | None = None


def foresee(home: Home, declared: Compromise, now: datetime) -> Effect:
    """The dry run: the same refusals and counts as `declare`, and nothing is changed."""
    with home.store.reading() as tx:
        return _judge(tx, declared, now)


def declare(home: Home, declared: Compromise, now: datetime) -> Effect:
    """Record and publish it; an institution that is left without a key in use gets a new one in the same act.

    Raises KezhengError ``signing_key_unknown``, ``compromise_in_future``, ``key_state_changed`` for a time that is not
    earlier than the recorded one, ``registry_officer_needed``, ``person_missing``, ``approver_is_operator``.
    """
    with home.recording() as tx:
        effect = _judge(tx, declared, now)
        key, code = effect.key, effect.key.institution_code
        assert code is not None
        others = [each for each in keys_of_institution(tx, code) if each.kid != key.kid and is_in_use(each, now)]
        new = [] if others else [new_key(home, tx, code, now)]
        stolen = key_body(KeyAct.COMPROMISED, key.public_key, effect.at)
        logged = home.log(tx, [stolen, *(key_added(each) for each in new)], now)
        declare_compromised(tx, key.kid, effect.at, logged.first_index)
        for each in new:
            add_signing_key(tx, each._replace(log_index=logged.first_index + 1))
        record_act(
            tx,
            now,
            declared.by.strip(),
            "key_compromised",
            key.kid.hex(),
            officer=declared.officer.strip(),
            at_ms=ms_of(effect.at),
            since=effect.counts.since,
        )
        home.publish_trust(tx, now)
        return effect._replace(new_kid=new[0].kid if new else None)


def affected_certificates(
    home: Home, kid: bytes, at: datetime, *, limit: int | None = None, offset: int = 0
) -> list[LoggedUnderKey]:
    """What a key signed and the register took in at or after an instant, in the register's order, page by page."""
    with home.store.reading() as tx:
        return logged_under_key(tx, kid, ms_of(at), limit=limit, offset=offset)


def _judge(tx: ReadTransaction, declared: Compromise, now: datetime) -> Effect:
    declared.check_people()
    key = require_signing_key(tx, declared.kid)
    if declared.at > now:
        raise KezhengError("compromise_in_future")
    # The register and the trust list hold whole milliseconds.
    at = instant_from_ms(ms_of(declared.at))
    if key.compromised_at is not None and at >= key.compromised_at:
        raise KezhengError("key_state_changed")
    return Effect(key, at, counts_of_key(tx, key.kid, ms_of(at)))
