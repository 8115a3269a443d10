"""The trust list: who may sign it, what it may say, and what a reader refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simulated_log import with_places
from simulator import NOW, Key, World

from certs.canonical import decode_json, encode_json
from certs.delegation import delegation_payload, open_delegation
from certs.errors import KezhengError
from certs.institution import InstitutionRecord, SigningKey
from certs.jws import DELEGATION_TYPE, STATUS_TYPE, TRUST_LIST_TYPE, open_jws
from certs.root_chain import RootKey, root_from_jwk, root_to_jwk
from certs.signing_key import base64url, from_base64url, public_jwk, thumbprint
from certs.trust_list import PinnedTree, index_keys, open_trust_list, trust_list_payload

SECOND = timedelta(seconds=1)
Json = dict[str, Any]


def world_of_two() -> World:
    world = World()
    world.institution()
    world.institution("外地数字技术评价中心")
    return world


def refusal(token: bytes, root: RootKey | None = None) -> str:
    with pytest.raises(KezhengError) as refused:
        open_trust_list(token, root or World().root_key())
    return refused.value.code


def payload_of(token: bytes) -> Json:
    payload: Json = decode_json(from_base64url(token.decode().split(".")[1]))
    return payload


def signed_again(world: World, change: Callable[[Json], None], key: Key | None = None, **header: str) -> bytes:
    """The world's trust list with a changed payload, properly signed by the list key or another."""
    payload = payload_of(world.trust_list())
    change(payload)
    members = {"delegation": world.delegation().decode()} | header
    return world.jws(TRUST_LIST_TYPE, key or world.list_key, payload, **members)


def test_a_list_is_read_as_it_was_written() -> None:
    world = world_of_two()
    world.epoch, world.version, world.environment = 3, 9, "demo"
    found = open_trust_list(world.trust_list(), world.root_key())
    assert found.order == (3, 9)
    assert found.environment == "demo"
    assert (found.limits, found.public_urls) == (world.limits, frozenset(world.public_urls))
    log = world.log()
    assert found.institutions == {code: with_places(each, log) for code, each in world.institutions.items()}
    assert found.delegation.status_key == world.status_key.public_key
    assert found.pinned == PinnedTree(len(log.entries), log.root())
    for code, key in world.keys.items():
        assert found.keys[key.kid].institution is found.institutions[code]
        assert found.keys[key.kid].key.public_key == key.public_key
    assert (found.issued_at, found.expires_at) == (NOW - timedelta(minutes=10), NOW + timedelta(days=30, minutes=-10))


def test_the_order_of_institutions_given_does_not_matter() -> None:
    world = world_of_two()
    records = list(world.institutions.values())
    fixed = (1, "production", NOW, NOW, world.limits, world.public_urls, {})
    tree = PinnedTree(3, bytes(32))
    assert trust_list_payload(*fixed, records, tree) == trust_list_payload(*fixed, reversed(records), tree)


# --- who signs


def test_the_root_itself_signs_no_list() -> None:
    world = world_of_two()
    assert refusal(signed_again(world, lambda _: None, world.root)) == "jws_signature_wrong"


@pytest.mark.parametrize("role", ["status_key", "log_key", "receipt_key"])
def test_another_delegated_key_signs_no_list(role: str) -> None:
    world = world_of_two()
    assert refusal(signed_again(world, lambda _: None, getattr(world, role))) == "jws_signature_wrong"


def test_an_institution_s_key_signs_no_list() -> None:
    world = world_of_two()
    [key, _] = world.keys.values()
    assert refusal(signed_again(world, lambda _: None, key)) == "jws_signature_wrong"


@pytest.mark.parametrize("role", ["list_key", "status_key", "log_key", "receipt_key"])
def test_only_the_root_delegates(role: str) -> None:
    honest, thief = world_of_two(), world_of_two()
    thief.root = getattr(thief, role)
    assert refusal(thief.trust_list(), honest.root_key()) == "jws_signature_wrong"


def test_a_list_without_a_delegation_or_with_one_that_is_no_text_is_refused() -> None:
    world = world_of_two()
    assert refusal(world.jws(TRUST_LIST_TYPE, world.list_key, {})) == "jws_header_refused"
    payload = payload_of(world.trust_list())
    numbered: dict[str, Any] = {"delegation": 1}
    assert refusal(world.jws(TRUST_LIST_TYPE, world.list_key, payload, **numbered)) == "jws_header_refused"


def test_a_list_under_a_delegation_of_another_list_key_is_refused() -> None:
    world, other = world_of_two(), world_of_two()
    other.list_key = Key("newer list key")
    token = signed_again(world, lambda _: None, delegation=other.delegation().decode())
    assert refusal(token) == "jws_signature_wrong"


def test_an_altered_delegation_is_refused() -> None:
    world = world_of_two()
    delegation = world.delegation()
    for altered in (delegation[:-1], delegation + b"A", delegation.replace(b".", b"", 1), b"", b"..", delegation[:40]):
        token = signed_again(world, lambda _: None, delegation=altered.decode())
        assert refusal(token) in ("jws_malformed", "jws_signature_wrong")


@pytest.mark.parametrize(
    ("starts", "ends", "within"),
    [
        (0, 0, True),
        (-1, 1, True),
        (1, 0, False),
        (0, -1, False),
        (3600, 3600, False),
        (-(300 * 86400), -(40 * 86400), False),
    ],
)
def test_a_list_lives_within_its_delegation(starts: int, ends: int, within: bool) -> None:
    """``starts`` and ``ends``: seconds of the delegation's ends after those of the list."""
    world = world_of_two()
    listed = open_trust_list(world.trust_list(), world.root_key())
    delegated = open_delegation(world.delegation(), world.root_key())._replace(
        issued_at=listed.issued_at + starts * SECOND, expires_at=listed.expires_at + ends * SECOND
    )
    delegation = world.jws(DELEGATION_TYPE, world.root, delegation_payload(delegated)).decode()
    token = signed_again(world, lambda _: None, delegation=delegation)
    if within:
        assert open_trust_list(token, world.root_key()) == replace(listed, delegation=delegated)
    else:
        assert refusal(token) == "trust_list_outside_delegation"


def test_a_list_that_ends_before_it_begins_is_refused() -> None:
    world = world_of_two()
    for off in (0, -1):
        token = signed_again(world, lambda payload, off=off: payload.update(exp=payload["iat"] + off))
        assert refusal(token) == "trust_list_outside_delegation"


# --- the delegation


def delegation_with(world: World, change: Callable[[Json], None]) -> bytes:
    payload: Json = open_jws(world.delegation(), DELEGATION_TYPE, world.root.public_key).payload
    change(payload)
    return world.jws(DELEGATION_TYPE, world.root, payload)


def log_vkey(payload: Json) -> str:
    found: str = payload["log"]["keys"][0]["vkey"]
    return found


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("no keys", lambda p: p.pop("keys"), "jws_malformed"),
        ("no list key", lambda p: p["keys"].pop("list"), "jws_malformed"),
        ("keys as a list", lambda p: p.update(keys=[1]), "jws_malformed"),
        ("no epoch", lambda p: p.pop("epoch"), "jws_malformed"),
        ("epoch as text", lambda p: p.update(epoch="1"), "jws_malformed"),
        ("epoch true", lambda p: p.update(epoch=True), "jws_malformed"),
        ("epoch negative", lambda p: p.update(epoch=-1), "jws_malformed"),
        ("end as text", lambda p: p.update(exp="never"), "jws_malformed"),
        ("end past the calendar", lambda p: p.update(exp=10**18), "jws_malformed"),
        ("end far past the calendar", lambda p: p.update(exp=1e300), "jws_malformed"),
        ("one key for two roles", lambda p: p["keys"].update(status=p["keys"]["list"]), "jws_malformed"),
        ("no log", lambda p: p.pop("log"), "jws_malformed"),
        ("a log without keys", lambda p: p["log"].update(keys=[]), "jws_malformed"),
        ("a log key under another name", lambda p: p["log"].update(origin="other.example/2026"), "jws_malformed"),
        ("more witnesses demanded than named", lambda p: p["log"].update(quorum=1), "jws_malformed"),
        ("a second line of another kind", lambda p: p["log"].update(cosigner=log_vkey(p)), "jws_malformed"),
        ("no certificate authority", lambda p: p.pop("document_ca"), "jws_malformed"),
        ("another kind of key", lambda p: p["keys"]["list"].update(kty="EC"), "key_malformed"),
        ("a private key", lambda p: p["keys"]["list"].update(d="AA"), "key_malformed"),
        ("a short key", lambda p: p["keys"]["list"].update(x="AAAA"), "key_malformed"),
    ],
)
def test_a_delegation_of_another_shape_is_refused(name: str, change: Callable[[Json], None], code: str) -> None:
    world = world_of_two()
    with pytest.raises(KezhengError) as refused:
        open_delegation(delegation_with(world, change), world.root_key())
    assert refused.value.code == code, name


def test_lists_are_ordered_by_epoch_before_version() -> None:
    world = world_of_two()
    world.version = 2**53
    stolen = open_trust_list(world.trust_list(), world.root_key())
    world.epoch, world.version = 2, 1
    assert open_trust_list(world.trust_list(), world.root_key()).order > stolen.order


# --- what it says


def first(payload: Json) -> Json:
    entry: Json = payload["institutions"][0]
    return entry


MALFORMED: list[tuple[str, Callable[[Json], Any]]] = [
    ("no format", lambda p: p.pop("format")),
    ("another format", lambda p: p.update(format=2)),
    ("no version", lambda p: p.pop("version")),
    ("version as text", lambda p: p.update(version="1")),
    ("version as a fraction", lambda p: p.update(version=1.5)),
    ("version past what JSON counts", lambda p: p.update(version=2**53 + 1)),
    ("no environment", lambda p: p.update(environment="")),
    ("negative run-off", lambda p: p.update(run_off_days=-1)),
    ("run-off past the calendar", lambda p: p.update(run_off_days=10**9)),
    ("window as text", lambda p: p.update(assessment_window_days="180")),
    ("addresses as one text", lambda p: p.update(public_urls="https://verify.example.cn")),
    ("files as a list", lambda p: p.update(files=["a"])),
    ("a digest that is no text", lambda p: p.update(files={"a": 1})),
    ("institutions as a map", lambda p: p.update(institutions={})),
    ("an institution that is a text", lambda p: p.update(institutions=["P000115000001"])),
    ("an institution twice", lambda p: p["institutions"].append(first(p) | {"keys": []})),
    ("no code", lambda p: first(p).pop("code")),
    ("an empty code", lambda p: first(p).update(code="")),
    ("another kind", lambda p: first(p).update(kind="ministry")),
    ("no names", lambda p: first(p).update(names=[])),
    ("a name without a day", lambda p: first(p)["names"][0].pop("valid_from")),
    ("a day that does not exist", lambda p: first(p)["names"][0].update(valid_from="2026-02-30")),
    ("grades as one text", lambda p: first(p)["scopes"][0].update(grades="junior")),
    ("an unknown grade", lambda p: first(p)["scopes"][0].update(grades=["master"])),
    ("directions as one text", lambda p: first(p)["scopes"][0].update(directions="全部")),
    ("a grant as text", lambda p: first(p)["scopes"][0].update(granted_at_ms="2024-01-01")),
    ("a grant past the calendar", lambda p: first(p)["scopes"][0].update(granted_at_ms=10**18)),
    ("a grant without its place in the register", lambda p: first(p)["scopes"][0].pop("log_index")),
    ("a negative place in the register", lambda p: first(p)["scopes"][0].update(log_index=-1)),
    ("a key without its place in the register", lambda p: first(p)["keys"][0].pop("log_index")),
    ("a time of theft as text", lambda p: first(p)["keys"][0].update(compromised_at_ms="1")),
    ("no pinned tree", lambda p: p.pop("log")),
    ("a pinned root that is no digest", lambda p: p["log"].update(root="00")),
    ("a pinned root in capitals", lambda p: p["log"].update(root="AB" * 32)),
    ("a negative pinned size", lambda p: p["log"].update(size=-1)),
    ("a delay as text", lambda p: p.update(log_delay_hours="24")),
    ("a batch as a number", lambda p: first(p)["scopes"][0].update(batch=2)),
    ("an unknown event", lambda p: first(p)["events"].append({"kind": "pause"})),
    ("keys as a map", lambda p: first(p).update(keys={})),
    ("a key that is no base64", lambda p: first(p)["keys"][0].update(x="=")),
    ("a key as a number", lambda p: first(p)["keys"][0].update(x=5)),
    ("a successor as a number", lambda p: first(p).update(successor=7)),
]


@pytest.mark.parametrize("change", [change for _, change in MALFORMED], ids=[name for name, _ in MALFORMED])
def test_a_list_of_another_shape_is_refused_as_a_whole(change: Callable[[Json], Any]) -> None:
    assert refusal(signed_again(world_of_two(), change)) == "trust_list_malformed"


def test_limits_may_be_nothing_or_ten_years_and_an_epoch_may_be_the_first() -> None:
    world = world_of_two()
    world.epoch = world.version = 0
    for days in (0, 3660):
        token = signed_again(world, lambda p, days=days: p.update(run_off_days=days, assessment_window_days=days))
        found = open_trust_list(token, world.root_key())
        assert (found.order, found.limits.run_off_days, found.limits.assessment_window_days) == ((0, 0), days, days)
    assert refusal(signed_again(world, lambda p: p.update(run_off_days=3661))) == "trust_list_malformed"


def test_a_short_key_is_named_as_one() -> None:
    token = signed_again(world_of_two(), lambda p: first(p)["keys"][0].update(x="AAAA"))
    assert refusal(token) == "key_malformed"


# --- one kid names one key, ever


def colliding(records: list[InstitutionRecord]) -> list[InstitutionRecord]:
    """The records when the key ids of two different keys are the same, which costs about 2^32 trials to make."""
    kid = bytes(8)
    return [replace(record, keys=tuple(replace(key, kid=kid) for key in record.keys)) for record in records]


def test_one_kid_twice_is_not_built() -> None:
    world = world_of_two()
    world.institutions = {record.code: record for record in colliding(list(world.institutions.values()))}
    with pytest.raises(KezhengError) as refused:
        world.trust_list()
    assert (refused.value.code, refused.value.params) == ("kid_not_unique", {"kid": base64url(bytes(8))})


def test_one_kid_twice_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of_two()
    token = world.trust_list()
    monkeypatch.setattr("certs.institution_json.kid_of", lambda _: bytes(8))
    assert refusal(token) == "kid_not_unique"


def test_one_kid_twice_in_one_institution_is_neither_built_nor_read() -> None:
    world = world_of_two()
    [code, _] = world.institutions
    [key] = world.institutions[code].keys
    later = replace(key, not_before=datetime(2025, 1, 1, tzinfo=UTC))
    world.change_institution(code, keys=(key, later))
    with pytest.raises(KezhengError, match="kid_not_unique"):
        world.trust_list()
    world.change_institution(code, keys=(key,))
    token = signed_again(world, lambda p: first(p)["keys"].append(first(p)["keys"][0]))
    assert refusal(token) == "kid_not_unique"


def test_the_kid_is_worked_out_from_the_key_and_never_read() -> None:
    world = world_of_two()
    lie = base64url(bytes(8))
    token = signed_again(world, lambda p: first(p)["keys"][0].update(kid=lie))
    assert set(open_trust_list(token, world.root_key()).keys) == {key.kid for key in world.keys.values()}


def test_several_keys_of_one_institution_are_all_found() -> None:
    world = world_of_two()
    [code, _] = world.institutions
    second = Key("second")
    world.change_institution(
        code, keys=(*world.institutions[code].keys, SigningKey(second.kid, second.public_key, NOW))
    )
    assert index_keys(world.institutions.values())[second.kid].institution.code == code


# --- the anchor


def test_a_root_file_is_read_as_it_was_written() -> None:
    key, following = Key("root").public_key, base64url(thumbprint(Key("next").public_key))
    for root in (RootKey(key, None), RootKey(key, following)):
        assert root_from_jwk(decode_json(encode_json(root_to_jwk(root)))) == root
        assert root.fingerprint == thumbprint(key).hex()


@pytest.mark.parametrize("jwk", [None, [], "x", {}, {"kty": "OKP"}, public_jwk(bytes(32)) | {"d": "AA"}])
def test_a_root_file_of_another_shape_is_refused(jwk: Any) -> None:
    with pytest.raises(KezhengError, match="key_malformed"):
        root_from_jwk(jwk)


# --- types


@pytest.mark.parametrize("typ", [STATUS_TYPE, DELEGATION_TYPE])
def test_a_list_under_the_name_of_another_file_is_refused(typ: str) -> None:
    world = world_of_two()
    token = world.jws(typ, world.list_key, payload_of(world.trust_list()), delegation=world.delegation().decode())
    assert refusal(token) == "jws_type_wrong"
