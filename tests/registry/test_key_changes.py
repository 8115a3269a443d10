"""An institution's keys: a further one, one in another's place, the end of one, and what issuing makes of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from register_desk import NOW, Desk, people

from certs.errors import KezhengError
from certs.institution import SigningKey
from certs.log_entry import EntryKind, KeyAct, key_body, read_entry
from certs.signing_key import base64url
from certs.unavailable import Unavailable
from keys import key_admission
from keys.key_record import KeyRole
from keys.keystore import Keystore
from registry.directory import require_institution
from registry.home import Home, open_home
from registry.key_changes import add_key, new_key, retire_key, rotate_key
from registry.publishing.documents import JWKS_FILE, published_files
from registry.settings import load_settings
from registry.signing_keys import issuing_signer
from registry.store.certificate_store import CertificateRecord
from registry.store.log_store import entries_between, read_tree
from registry.store.signing_key_store import declare_compromised
from registry.verifying import evidence_of_home

ASSESSOR, OTHER = "P000115000001", "P000215000002"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
BY = "登记丙"


def keys_of(desk: Desk, code: str = ASSESSOR) -> dict[bytes, SigningKey]:
    """The keys of an institution as the trust list names them."""
    trust = evidence_of_home(desk.home.settings).trust
    assert not isinstance(trust, Unavailable)
    return {key.kid: key for key in trust.institutions[code].keys}


def key_entries(desk: Desk) -> list[bytes]:
    """The bodies of the key entries of the register, in order."""
    with desk.home.store.reading() as tx:
        entries = [read_entry(entry) for entry in entries_between(tx, 0, read_tree(tx).size)]
    return [entry.body for entry in entries if entry.kind == EntryKind.KEY]


def kid_of(certificate: CertificateRecord) -> bytes:
    assert certificate.kid is not None
    return certificate.kid


def refused(code: str, act: Any, *arguments: Any) -> None:
    with pytest.raises(KezhengError) as refusal:
        act(*arguments)
    assert refusal.value.code == code


def test_a_further_key_is_logged_and_listed_and_signs_from_then_on(desk: Desk) -> None:
    [first] = desk.certify(people(1), ASSESSOR)
    added = add_key(desk.home, ASSESSOR, BY, desk.now)
    assert keys_of(desk).keys() == {kid_of(first), added.kid}
    assert key_entries(desk)[-1] == key_body(KeyAct.ADDED, added.public_key, NOW).body
    [second] = desk.certify(people(2), ASSESSOR)
    assert kid_of(second) == added.kid
    assert [desk.verdict(each.number) for each in (first, second)] == ["valid", "valid"]


def test_a_key_is_admitted_only_with_a_proof_of_possession(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.row_counts()
    monkeypatch.setattr(key_admission, "verify_signature", lambda *_: False)
    refused("possession_not_proven", add_key, desk.home, ASSESSOR, BY, desk.now)
    assert desk.row_counts() == before


def test_no_key_for_an_institution_that_is_not_listed(desk: Desk) -> None:
    refused("institution_unknown", add_key, desk.home, "P999915000009", BY, desk.now)
    refused("institution_unknown", rotate_key, desk.home, "P999915000009", BY, desk.now)


def test_a_key_that_an_interrupted_run_left_is_taken_and_no_other_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    known = keys_of(desk)
    with monkeypatch.context() as patch:
        patch.setattr(Home, "publish_trust", stopped)
        with pytest.raises(KeyboardInterrupt):
            add_key(desk.home, ASSESSOR, BY, desk.now)
    [left] = [record for record in desk.home.keystore.records() if record.owner == ASSESSOR and record.kid not in known]
    [certificate] = desk.certify(people(1), ASSESSOR)
    assert (kid_of(certificate) == left.kid, desk.verdict(certificate.number)) == (False, "valid")
    assert add_key(desk.home, ASSESSOR, BY, desk.now).kid == left.kid
    assert desk.verdict(certificate.number) == "valid"


def test_rotation_ends_the_other_keys_at_once(desk: Desk) -> None:
    [old] = desk.certify(people(1), ASSESSOR)
    desk.now += timedelta(minutes=1, milliseconds=250)
    change = rotate_key(desk.home, ASSESSOR, BY, desk.now)
    assert change.added is not None
    assert [key.kid for key in change.retired] == [kid_of(old)]
    retired_at = keys_of(desk)[kid_of(old)].retired_at
    assert retired_at == desk.now + timedelta(milliseconds=750)
    entries = [key_body(KeyAct.ADDED, change.added.public_key, desk.now.replace(microsecond=0)).body]
    entries += [key_body(KeyAct.RETIRED, key.public_key, retired_at).body for key in change.retired]
    assert key_entries(desk)[-2:] == entries
    [new] = desk.certify(people(2), ASSESSOR)
    assert kid_of(new) == change.added.kid
    assert [desk.verdict(each.number) for each in (old, new)] == ["valid", "valid"]


def test_rotation_touches_no_other_institution(desk: Desk) -> None:
    before = keys_of(desk, OTHER)
    rotate_key(desk.home, ASSESSOR, BY, desk.now)
    assert keys_of(desk, OTHER) == before


@pytest.mark.parametrize(
    ("late", "code"), [(-SECOND, "signature_ok"), (0 * SECOND, "signature_ok"), (SECOND, "key_retired")]
)
def test_what_is_logged_until_the_end_of_a_key_is_good(desk: Desk, late: timedelta, code: str) -> None:
    """The end is announced; a run that signed before it logs a second earlier, at that instant, a second later."""
    [key] = keys_of(desk)
    end = NOW + timedelta(hours=1)
    retire_key(desk.home, key, end, BY, desk.now)
    batch = desk.approve(desk.bring(people(1), ASSESSOR))
    desk.now = end + late
    if code == "key_retired":
        refused("no_key_in_use", desk.finish, batch)
        return
    [certificate] = desk.finish(batch)
    desk.now += DAY
    checks = {check["name"]: check["code"] for check in desk.report(certificate.number)["checks"]}
    assert checks["signature"] == code


def test_a_key_ends_once_and_never_in_the_past(desk: Desk) -> None:
    [key] = keys_of(desk)
    refused("retirement_in_past", retire_key, desk.home, key, NOW - SECOND, BY, desk.now)
    ended = retire_key(desk.home, key, None, BY, desk.now)
    assert (ended.retired_at, keys_of(desk)[key].retired_at) == (NOW, NOW)
    assert key_entries(desk)[-1] == key_body(KeyAct.RETIRED, ended.public_key, NOW).body
    refused("key_state_changed", retire_key, desk.home, key, None, BY, desk.now)
    refused("signing_key_unknown", retire_key, desk.home, bytes(8), None, BY, desk.now)


def test_a_key_is_not_retired_before_what_was_logged_already(desk: Desk) -> None:
    """The register's clock may be ahead of this machine's by what it waits for."""
    desk.now += timedelta(minutes=1)
    [certificate] = desk.certify(people(1), ASSESSOR)
    desk.now -= timedelta(milliseconds=100)
    retire_key(desk.home, kid_of(certificate), None, BY, desk.now)
    desk.now += DAY
    assert desk.verdict(certificate.number) == "valid"


def test_without_a_key_in_use_nothing_is_issued(desk: Desk) -> None:
    [key] = keys_of(desk)
    retire_key(desk.home, key, None, BY, desk.now)
    desk.now += 2 * SECOND
    batch = desk.approve(desk.bring(people(1), ASSESSOR))
    refused("no_key_in_use", desk.finish, batch)
    add_key(desk.home, ASSESSOR, BY, desk.now)
    [certificate] = desk.finish(batch)
    assert desk.verdict(certificate.number) == "valid"


def test_what_a_key_signed_and_nobody_logged_before_its_end_is_signed_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is between signing and logging while the key is rotated: it is refused, and resumed under the new key."""
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    log = Home.log

    def rotated_meanwhile(home: Home, tx: Any, bodies: Any, now: datetime, not_before: datetime | None = None) -> Any:
        if bodies and bodies[0].kind == EntryKind.CERTIFICATE:
            [old] = keys_of(desk)
            declare_compromised(tx, old, NOW)
        return log(home, tx, bodies, now, not_before)

    with monkeypatch.context() as patch:
        patch.setattr(Home, "log", rotated_meanwhile)
        refused("key_not_in_use", desk.finish, batch)
    assert desk.value("SELECT count(*) FROM certificate_logged") == 0
    change = rotate_key(desk.home, ASSESSOR, BY, desk.now)
    certificates = desk.finish(batch)
    assert change.added is not None
    assert {kid_of(each) for each in certificates} == {change.added.kid}
    assert {desk.verdict(each.number) for each in certificates} == {"valid"}


def test_the_newest_key_in_use_signs(desk: Desk) -> None:
    [first] = keys_of(desk)
    second = add_key(desk.home, ASSESSOR, BY, desk.now)
    retire_key(desk.home, second.kid, None, BY, desk.now)
    desk.now += 2 * SECOND
    with desk.home.store.reading() as tx:
        assert issuing_signer(desk.home, tx, ASSESSOR, desk.now).kid == first
        refused("no_key_in_use", issuing_signer, desk.home, tx, "P999915000009", desk.now)


def test_a_key_whose_file_is_elsewhere_does_not_sign(desk: Desk) -> None:
    add_key(desk.home, ASSESSOR, BY, desk.now)
    [first, second] = keys_of(desk)
    file = desk.home.settings.keys_folder / f"institution-{ASSESSOR}-{second.hex()}.key.json"
    file.rename(desk.folder / "elsewhere")
    with desk.home.store.reading() as tx:
        assert issuing_signer(desk.home, tx, ASSESSOR, desk.now).kid == first


def test_one_kid_is_never_listed_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two keys of one kid cost 2^32 trials: an injected one is refused by the database and nothing changes."""
    before = desk.row_counts()
    [known] = keys_of(desk, OTHER)
    own = new_key

    def colliding(home: Home, tx: Any, code: str, now: datetime) -> Any:
        return own(home, tx, code, now)._replace(kid=known)

    monkeypatch.setattr("registry.key_changes.new_key", colliding)
    refused("key_id_taken", add_key, desk.home, ASSESSOR, BY, desk.now)
    assert desk.row_counts() == before


def test_the_published_key_set_is_named_by_kid(desk: Desk) -> None:
    added = add_key(desk.home, ASSESSOR, BY, desk.now)
    with desk.home.store.reading() as tx:
        published = orjson.loads(published_files(tx)[JWKS_FILE])["keys"]
        assert added.kid in {key.kid for key in require_institution(tx, ASSESSOR).keys}
    assert base64url(added.kid) in {key["kid"] for key in published}


def test_every_act_is_on_record(desk: Desk) -> None:
    added = add_key(desk.home, ASSESSOR, BY, desk.now)
    retire_key(desk.home, added.kid, None, BY, desk.now)
    rotate_key(desk.home, ASSESSOR, BY, desk.now)
    acts = "SELECT group_concat(action) FROM (SELECT action FROM audit_event WHERE actor = :by ORDER BY id)"
    assert desk.value(acts, by=BY) == "key_added,key_retired,key_rotated"


def test_another_process_sees_a_rotation_at_once(desk: Desk, home_folder: Path) -> None:
    with open_home(load_settings(home_folder, {}), {}) as other:
        assert isinstance(other.keystore, Keystore)
        beside = Desk(other)
        beside.certify(people(1), ASSESSOR)
        change = rotate_key(desk.home, ASSESSOR, BY, desk.now)
        [certificate] = beside.certify(people(2), ASSESSOR)
        assert change.added is not None
        assert kid_of(certificate) == change.added.kid
        assert beside.home.keystore.newest(KeyRole.INSTITUTION, ASSESSOR) is not None
