"""A stolen key: what was registered before stays valid, counted before anything is done, declared by two people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from register_desk import APPROVER, NOW, OPERATOR, Desk, people
from stopped_process import Stopped, stop

from certs.errors import KezhengError
from certs.institution import SigningKey
from certs.log_entry import EntryKind, KeyAct, key_body, read_entry
from certs.signing_key import base64url
from certs.unavailable import Unavailable
from registry.compromise import Compromise, affected_certificates, declare, foresee
from registry.key_changes import add_key
from registry.publishing.documents import JWKS_FILE, published_files
from registry.store.affected_store import CountsOfKey
from registry.store.certificate_store import CertificateRecord
from registry.store.log_store import entries_between, read_tree
from registry.verifying import evidence_of_home

ASSESSOR, OTHER = "P000115000001", "P000215000002"
SECOND, MINUTE, MS = timedelta(seconds=1), timedelta(minutes=1), timedelta(milliseconds=1)
BY, OFFICER = "机构甲", "登记官乙"


def key_of(desk: Desk, code: str = ASSESSOR) -> SigningKey:
    """The oldest key of an institution as the trust list names it."""
    trust = evidence_of_home(desk.home.settings).trust
    assert not isinstance(trust, Unavailable)
    return trust.institutions[code].keys[0]


def stolen(desk: Desk, at: datetime, **changes: Any) -> Compromise:
    return Compromise(key_of(desk).kid, at, BY, OFFICER)._replace(**changes)


def signature_code(desk: Desk, certificate: CertificateRecord) -> str:
    checks: dict[str, str] = {check["name"]: check["code"] for check in desk.report(certificate.number)["checks"]}
    return checks["signature"]


def three_batches(desk: Desk) -> list[CertificateRecord]:
    """Six certificates: two logged a minute before, two at, two a minute after the time that the function leaves."""
    issued = []
    for step in range(3):
        desk.now = NOW + (step + 1) * MINUTE
        issued += desk.certify(people(2 * step + 1, 2 * step + 2), ASSESSOR)
    desk.now = NOW + 2 * MINUTE
    return issued


def refused(code: str, act: Any, *arguments: Any) -> None:
    with pytest.raises(KezhengError) as refusal:
        act(*arguments)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("moved", "expected"),
    [(-SECOND, "key_compromised_before"), (0 * SECOND, "key_compromised_before"), (SECOND, "key_compromised_after")],
)
def test_the_time_of_the_entry_decides_to_the_instant(desk: Desk, moved: timedelta, expected: str) -> None:
    """A theft a second before the entry, at it, a second after it."""
    desk.now += MINUTE
    [certificate] = desk.certify(people(1), ASSESSOR)
    logged_at, desk.now = desk.now, desk.now + MINUTE
    declare(desk.home, stolen(desk, logged_at + moved), desk.now)
    assert signature_code(desk, certificate) == expected
    assert desk.verdict(certificate.number) == ("valid" if expected == "key_compromised_after" else "not_genuine")


def test_a_millisecond_decides(desk: Desk) -> None:
    desk.now += MINUTE
    [certificate] = desk.certify(people(1), ASSESSOR)
    logged_at, desk.now = desk.now, desk.now + MINUTE
    declare(desk.home, stolen(desk, logged_at + MS), desk.now)
    assert desk.verdict(certificate.number) == "valid"
    declare(desk.home, stolen(desk, logged_at + MS - timedelta(microseconds=1)), desk.now)
    assert desk.verdict(certificate.number) == "not_genuine"


def test_a_dry_run_counts_exactly_and_changes_nothing(desk: Desk) -> None:
    issued = three_batches(desk)
    at, desk.now = desk.now, NOW + 4 * MINUTE
    waiting = desk.approve(desk.bring(people(7), ASSESSOR))
    prepared_only(desk, waiting)
    before = desk.row_counts()
    effect = foresee(desk.home, stolen(desk, at), desk.now)
    assert (effect.counts, effect.new_kid) == (CountsOfKey(2, 4, 1), None)
    assert desk.row_counts() == before
    assert {desk.verdict(each.number) for each in issued} == {"valid"}
    assert foresee(desk.home, stolen(desk, at - SECOND), desk.now).counts == CountsOfKey(2, 4, 1)
    assert foresee(desk.home, stolen(desk, at + SECOND), desk.now).counts == CountsOfKey(4, 2, 1)
    assert foresee(desk.home, stolen(desk, desk.now), desk.now).counts == CountsOfKey(6, 0, 1)


def prepared_only(desk: Desk, batch: Any) -> None:
    """Leave a batch as a run leaves it that stops before anything is signed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.issuing.release_chunks._sign", stop)
        with pytest.raises(Stopped):
            desk.finish(batch)


def test_counts_rest_on_the_entries_and_not_on_a_column(desk: Desk) -> None:
    three_batches(desk)
    at = desk.now
    desk.now += 3 * MINUTE
    changed = desk.tamper("UPDATE certificate_logged SET logged_at = '2020-01-01 00:00:00.000000'")
    assert changed == 6
    assert foresee(desk.home, stolen(desk, at), desk.now).counts == CountsOfKey(2, 4, 0)


def test_another_institutions_certificates_are_not_counted(desk: Desk) -> None:
    three_batches(desk)
    at = desk.now
    desk.now += 3 * MINUTE
    [other] = desk.certify(people(9), OTHER)
    assert foresee(desk.home, stolen(desk, at), desk.now).counts == CountsOfKey(2, 4, 0)
    declare(desk.home, stolen(desk, at), desk.now)
    assert desk.verdict(other.number) == "valid"


def test_declared_it_is_logged_listed_and_left_out_of_the_key_set(desk: Desk) -> None:
    issued = three_batches(desk)
    key, at = key_of(desk), desk.now
    desk.now += 3 * MINUTE
    effect = declare(desk.home, stolen(desk, at), desk.now)
    assert effect.counts == CountsOfKey(2, 4, 0)
    assert [desk.verdict(each.number) for each in issued] == ["valid"] * 2 + ["not_genuine"] * 4
    listed = key_of(desk)
    assert (listed.kid, listed.compromised_at) == (key.kid, at)
    with desk.home.store.reading() as tx:
        kids = {entry["kid"] for entry in orjson.loads(published_files(tx)[JWKS_FILE])["keys"]}
        entries = [read_entry(entry) for entry in entries_between(tx, 0, read_tree(tx).size)]
    assert base64url(key.kid) not in kids
    assert effect.new_kid is not None
    assert base64url(effect.new_kid) in kids
    bodies = [entry.body for entry in entries if entry.kind == EntryKind.KEY]
    assert key_body(KeyAct.COMPROMISED, key.public_key, at).body in bodies


def test_affected_certificates_come_page_by_page_in_the_registers_order(desk: Desk) -> None:
    issued = three_batches(desk)
    at = desk.now
    kid = key_of(desk).kid
    pages = [affected_certificates(desk.home, kid, at, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [len(page) for page in pages] == [3, 1, 0]
    found = [each for page in pages for each in page]
    assert [each.number for each in found] == [each.number for each in issued[2:]]
    assert found == affected_certificates(desk.home, kid, at)
    assert {each.logged_ms for each in found[:2]} == {int(at.timestamp() * 1000)}


def test_issuing_goes_on_under_a_new_key(desk: Desk) -> None:
    desk.now += MINUTE
    effect = declare(desk.home, stolen(desk, NOW), desk.now)
    [certificate] = desk.certify(people(1), ASSESSOR)
    assert (certificate.kid, desk.verdict(certificate.number)) == (effect.new_kid, "valid")


def test_where_another_key_is_in_use_none_is_made(desk: Desk) -> None:
    second = add_key(desk.home, ASSESSOR, BY, desk.now)
    desk.now += MINUTE
    first = key_of(desk).kid
    other = second.kid if first != second.kid else first
    effect = declare(desk.home, stolen(desk, NOW, kid=other), desk.now)
    assert effect.new_kid is None
    [certificate] = desk.certify(people(1), ASSESSOR)
    assert certificate.kid != other
    assert desk.verdict(certificate.number) == "valid"


def test_what_was_prepared_under_it_is_recorded_anew(desk: Desk) -> None:
    batch = desk.approve(desk.bring(people(1, 2), ASSESSOR))
    prepared_only(desk, batch)
    desk.now += MINUTE
    effect = declare(desk.home, stolen(desk, NOW), desk.now)
    assert effect.counts == CountsOfKey(0, 0, 2)
    certificates = desk.finish(batch)
    assert {each.kid for each in certificates} == {effect.new_kid}
    assert {desk.verdict(each.number) for each in certificates} == {"valid"}


def test_the_time_moves_earlier_and_never_later(desk: Desk) -> None:
    issued = three_batches(desk)
    at = desk.now
    desk.now += 3 * MINUTE
    declare(desk.home, stolen(desk, at), desk.now)
    for later in (at + SECOND, at):
        refused("key_state_changed", declare, desk.home, stolen(desk, later), desk.now)
        refused("key_state_changed", foresee, desk.home, stolen(desk, later), desk.now)
    desk.now += MINUTE
    earlier = declare(desk.home, stolen(desk, NOW), desk.now)
    assert (earlier.counts, earlier.new_kid) == (CountsOfKey(0, 6, 0), None)
    assert {desk.verdict(each.number) for each in issued} == {"not_genuine"}
    assert desk.value("SELECT count(*) FROM signing_key WHERE institution_code = :code", code=ASSESSOR) == 2


@pytest.mark.parametrize(
    ("people_named", "code"),
    [
        ({"officer": ""}, "registry_officer_needed"),
        ({"officer": " \u2060"}, "registry_officer_needed"),
        ({"by": " "}, "person_missing"),
        ({"by": "Wang Fang", "officer": "ＷＡＮＧ ｆａｎｇ"}, "approver_is_operator"),
        ({"by": "王芳", "officer": "王 芳"}, "approver_is_operator"),
    ],
)
def test_it_takes_two_people_one_of_the_registry(desk: Desk, people_named: dict[str, str], code: str) -> None:
    before = desk.row_counts()
    for act in (foresee, declare):
        refused(code, act, desk.home, stolen(desk, NOW, **people_named), desk.now)
    assert desk.row_counts() == before


def test_a_theft_is_not_announced(desk: Desk) -> None:
    refused("compromise_in_future", foresee, desk.home, stolen(desk, desk.now + MS), desk.now)
    assert foresee(desk.home, stolen(desk, desk.now), desk.now).at == desk.now


def test_a_key_that_nobody_has(desk: Desk) -> None:
    refused("signing_key_unknown", declare, desk.home, stolen(desk, NOW, kid=bytes(8)), desk.now)


def test_the_declaration_is_on_record_with_both_names(desk: Desk) -> None:
    declare(desk.home, stolen(desk, NOW), desk.now)
    query = "SELECT actor, details FROM audit_event WHERE action = 'key_compromised'"
    with desk.home.store.reading() as tx:
        [(actor, details)] = tx.connection.exec_driver_sql(query).all()
    assert (actor, orjson.loads(details)["officer"]) == (BY, OFFICER)
    assert {BY, OFFICER}.isdisjoint({OPERATOR, APPROVER})
