"""Receipts re-verify from the pinned root alone, and nothing that was changed does (S-17)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from simulated_receipt import bundle_of, published, receipt_of, signed, unsigned
from simulated_status_list import status_list_files
from simulator import NOW, Key, World

from certs.canonical import encode_json
from certs.errors import KezhengError
from certs.finding import Verdict
from certs.jws import RECEIPT_TYPE, ROOT_CHAIN_TYPE, TRUST_LIST_TYPE
from certs.receipt import MAX_BYTES, check_receipt, receipt_document
from certs.receipt_bundle import Published, report_of_bundle
from certs.report import ReportContext, report_json
from certs.root_chain import RootKey, chain_file, chain_link_payload
from certs.signing_key import base64url, thumbprint
from certs.status import State
from certs.status_list_token import open_status_list_jwt

INDEX = 4711
SECOND = timedelta(seconds=1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def text(world: World) -> str:
    return world.issue(world.institution(), status_index=INDEX)


def refused(document: bytes, root: RootKey, chain: bytes | None = None) -> str:
    with pytest.raises(KezhengError) as raised:
        check_receipt(document, root, chain)
    return raised.value.code


# --- what holds


def test_a_receipt_re_verifies_from_the_root_alone(world: World, text: str) -> None:
    receipt = check_receipt(receipt_of(world, text), world.root_key())
    assert (receipt.verdict, receipt.counter_signed) == (Verdict.VALID, True)
    assert receipt.bundle["certificate"]["name"] == "张小明"


def test_a_mirror_s_bundle_holds_and_says_that_nobody_signed_it(world: World, text: str) -> None:
    receipt = check_receipt(unsigned(world, bundle_of(world, text)), world.root_key())
    assert (receipt.verdict, receipt.counter_signed) == (Verdict.VALID, False)


@pytest.mark.parametrize("key", ["list_key", "status_key", "log_key", "receipt_key"])
def test_it_holds_after_every_key_was_rotated(world: World, text: str, key: str) -> None:
    document, pinned = receipt_of(world, text), world.root_key()
    setattr(world, key, Key(f"another {key}"))
    world.epoch += 1
    assert check_receipt(document, pinned).verdict is Verdict.VALID


def test_it_holds_years_after_its_delegation_and_its_status_token_ended(world: World, text: str) -> None:
    document = receipt_of(world, text)
    for key in ("list_key", "status_key", "log_key", "receipt_key"):
        setattr(world, key, Key(f"of another year: {key}"))
    world.now += timedelta(days=3650)
    assert check_receipt(document, world.root_key()).verdict is Verdict.VALID


def rotated(world: World) -> tuple[list[RootKey], bytes]:
    """Three roots, each committed to the next, and the chain of the second and the third."""
    keys = [world.root, Key("second root"), Key("third root")]
    thumbprints: list[str | None] = [base64url(thumbprint(key.public_key)) for key in keys[1:]]
    roots = [RootKey(key.public_key, following) for key, following in zip(keys, [*thumbprints, None], strict=True)]
    links = [
        world.jws(ROOT_CHAIN_TYPE, key, chain_link_payload(root, previous))
        for key, root, previous in zip(keys[1:], roots[1:], roots, strict=False)
    ]
    return roots, chain_file(links)


@pytest.mark.parametrize("made_under", [0, 1, 2])
def test_an_old_pin_checks_receipts_of_every_later_root(world: World, text: str, made_under: int) -> None:
    roots, chain = rotated(world)
    world.root = [world.root, Key("second root"), Key("third root")][made_under]
    document = receipt_of(world, text)
    assert check_receipt(document, roots[0], chain).verdict is Verdict.VALID
    if made_under:
        assert refused(document, roots[0]) == "receipt_of_other_root"


def test_a_chain_that_is_none_leads_nowhere(world: World, text: str) -> None:
    document, pinned = receipt_of(world, text), RootKey(Key("another").public_key, None)
    assert refused(document, pinned, b"no chain") == "receipt_of_other_root"


STATES = [State.SUSPENDED, State.REVOKED, State.CANCELLED]


@pytest.mark.parametrize("state", STATES)
def test_each_state_makes_a_receipt(world: World, text: str, state: State) -> None:
    world.status_event(INDEX, state)
    receipt = check_receipt(receipt_of(world, text), world.root_key())
    assert receipt.verdict is Verdict.NOT_IN_FORCE
    assert receipt.bundle["status"]["state"] == state.value


def test_one_that_has_expired(world: World) -> None:
    text = world.issue(world.institution(), expires_at=NOW - timedelta(hours=1))
    receipt = check_receipt(receipt_of(world, text), world.root_key())
    assert (receipt.verdict, receipt.bundle["status"]["state"]) == (Verdict.NOT_IN_FORCE, "expired")


def test_one_that_is_not_in_the_register_shows_nothing_of_its_content(world: World) -> None:
    text = world.issue(world.institution(), logged_at=None, issued_at=NOW - timedelta(days=9))
    bundle = check_receipt(receipt_of(world, text), world.root_key()).bundle
    assert (bundle["verdict"], bundle["log"], bundle["certificate"], bundle["status"]) == (
        *("not_genuine", None, None, None),
    )
    assert "张小明" not in json.dumps(bundle, ensure_ascii=False)


def test_a_stolen_key_s_certificate_carries_its_proof_all_the_same(world: World) -> None:
    code = world.institution()
    text = world.issue(code)
    (key,) = world.institutions[code].keys
    world.change_institution(code, keys=(replace(key, compromised_at=NOW - timedelta(days=2)),))
    bundle = check_receipt(receipt_of(world, text), world.root_key()).bundle
    assert (bundle["verdict"], bundle["checks"][1]["code"]) == ("not_genuine", "key_compromised_before")
    assert bundle["log"] is not None


# --- what a bundle holds


def test_a_bundle_has_no_characters_of_the_id(world: World, text: str) -> None:
    assert "123X" not in json.dumps(bundle_of(world, text))


def test_a_bundle_tells_the_report_of_its_check(world: World, text: str) -> None:
    world.status_event(INDEX, State.REVOKED, reason_code="exam_misconduct", void_from_start=True)
    told = report_of_bundle(bundle_of(world, text))
    report = report_json(world.verify(text), ReportContext("7K3F-92QD", NOW))
    report["certificate"] |= {"id_tail": None, "id_type": None}
    report |= {"next_step": {"zh": "", "en": ""}, "equivalence": []}
    assert told == report


def test_the_digests_of_the_title_policies_are_those_of_the_trust_list(world: World, text: str) -> None:
    policies = bundle_of(world, text)["policies"]
    assert policies
    assert all(name.startswith("policies/") and len(digest) == 64 for name, digest in policies.items())


# --- what is never made


@pytest.mark.parametrize("missing", ["trust-list.jws", "status/lists/0.jwt", "log/checkpoint", "log/tile/0/000"])
def test_without_what_proves_it_there_is_no_receipt(world: World, text: str, missing: str) -> None:
    whole = published(world).files
    files = {name: content for name, content in whole.items() if not name.startswith(missing)}
    assert files.keys() < whole.keys()
    with pytest.raises(KezhengError, match="receipt_unavailable"):
        bundle_of(world, text, given=Published(files, lambda path: files.get(f"log/{path}")))


def test_a_status_token_that_lags_behind_makes_no_receipt(world: World, text: str) -> None:
    before = status_list_files(world)
    world.status_event(INDEX, State.REVOKED)
    files = dict(published(world).files) | before
    with pytest.raises(KezhengError, match="receipt_unavailable"):
        bundle_of(world, text, given=Published(files, lambda path: files.get(f"log/{path}")))


# --- what does not hold


def changes_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every single value inside a value."""
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from changes_of(value[name], (*path, name))
    else:
        yield path


def changed(bundle: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The bundle with one value written otherwise."""
    copy = json.loads(json.dumps(bundle))
    at = copy
    for name in path[:-1]:
        at = at[name]
    value = at[path[-1]]
    at[path[-1]] = value + 1 if type(value) is int else f"{value}x" if isinstance(value, str) else not value
    return dict(copy)


def test_one_changed_value_anywhere_is_refused(world: World, text: str) -> None:
    bundle, root = bundle_of(world, text), world.root_key()
    header, _, signature = json.loads(signed(world, bundle))["receipt"].split(".")
    ways = list(changes_of(bundle))
    assert len(ways) > 60
    for way in ways:
        payload = base64url(encode_json(changed(bundle, way)))
        document = json.dumps({"format": 1, "receipt": f"{header}.{payload}.{signature}"}).encode()
        assert refused(document, root) == "receipt_untrusted", way


PROVED = {
    ("verdict",): "receipt_inconsistent",
    ("at",): "receipt_inconsistent",
    ("envelope_digest",): "receipt_proof_wrong",
    ("checks", 0, "outcome"): "receipt_inconsistent",
    ("log", "kid"): "receipt_proof_wrong",
    ("log", "leaf_index"): "receipt_proof_wrong",
    ("log", "logged_at_ms"): "receipt_proof_wrong",
    ("log", "entry"): "receipt_proof_wrong",
    ("trust_list", "digest"): "receipt_proof_wrong",
    ("trust_list", "entry"): "receipt_proof_wrong",
}
OTHERWISE: dict[tuple[Any, ...], Any] = {
    ("verdict",): "undetermined",
    ("at",): int(NOW.timestamp()) + 1,
    ("envelope_digest",): "00" * 32,
    ("checks", 0, "outcome"): "failed",
    ("log", "kid"): "00" * 8,
    ("log", "leaf_index"): 0,
    ("log", "logged_at_ms"): 0,
    ("log", "entry"): "01" + "00" * 48,
    ("trust_list", "digest"): "00" * 32,
    ("trust_list", "entry"): "05" + "00" * 40,
}


def put(bundle: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    at: Any = bundle
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value


@pytest.mark.parametrize("path", PROVED, ids=str)
def test_what_is_proved_cannot_be_written_otherwise_even_by_whoever_signs(
    world: World, text: str, path: tuple[Any, ...]
) -> None:
    bundle = bundle_of(world, text)
    put(bundle, path, OTHERWISE[path])
    for document in (signed(world, bundle), unsigned(world, bundle)):
        assert refused(document, world.root_key()) == PROVED[path]


@pytest.mark.parametrize("part", ["log", "envelope_digest"])
def test_the_proofs_of_another_certificate_are_refused(world: World, text: str, part: str) -> None:
    other = world.issue(next(iter(world.institutions)), name="李明")
    bundle, another = bundle_of(world, text), bundle_of(world, other)
    bundle[part] = another[part]
    assert refused(unsigned(world, bundle), world.root_key()) == "receipt_proof_wrong"


def test_a_proof_of_a_private_fork_is_refused(world: World, text: str) -> None:
    bundle = bundle_of(world, text)
    thief = World(log_key=Key("a thief's log"), institutions=world.institutions, keys=world.keys, logged=world.logged)
    bundle["log"]["proof"] = bundle_of(thief, text)["log"]["proof"]
    assert refused(signed(world, bundle), world.root_key()) == "receipt_untrusted"


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: bundle.pop(name) and None


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    **{f"without {name}": without(name) for name in ("verdict", "checks", "log", "status", "trust_list", "at")},
    "a strange verdict": lambda bundle: bundle.update(verdict="perhaps"),
    "a strange check": lambda bundle: bundle["checks"][0].update(name="colour"),
    "a strange outcome": lambda bundle: bundle["checks"][0].update(outcome="maybe"),
    "a log that is text": lambda bundle: bundle.update(log="yes"),
    "hex that is none": lambda bundle: bundle["log"].update(entry="zz"),
    "an index that is text": lambda bundle: bundle["status"].update(index="7"),
    "a token beyond ASCII": lambda bundle: bundle["status"].update(token="é"),
    "a time that is text": lambda bundle: bundle.update(checked_at="now"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_bundle_of_another_shape_is_malformed(world: World, text: str, name: str) -> None:
    bundle = bundle_of(world, text)
    MALFORMED[name](bundle)
    for document in (signed(world, bundle), unsigned(world, bundle)):
        assert refused(document, world.root_key()) == "receipt_malformed"


NO_RECEIPTS = [
    b"", b"{", b"[]", b"{}", b'{"format":2}', b'{"format":1}', b'{"format":1,"receipt":7}',
    b'{"format":1,"receipt":"a.b.c"}', b'{"format":1,"bundle":{}}', b'{"format":1,"bundle":[],"delegation":"x"}',
    b'{"format":1,"receipt":"' + b"e30.e30.e30" + b'"}', b'{"format":1,"pad":"' + b"x" * MAX_BYTES + b'"}',
]  # fmt: skip


@pytest.mark.parametrize("document", NO_RECEIPTS, ids=range(len(NO_RECEIPTS)))
def test_what_is_no_receipt(world: World, document: bytes) -> None:
    assert refused(document, world.root_key()) == "receipt_malformed"


def test_checks_must_be_all_of_them_once(world: World, text: str) -> None:
    for checks in (lambda made: made[:4], lambda made: [*made, made[0]], lambda made: [made[0]] * 5):
        bundle = bundle_of(world, text)
        bundle["checks"] = checks(bundle["checks"])
        assert refused(signed(world, bundle), world.root_key()) == "receipt_inconsistent"


def test_a_passed_register_check_needs_its_proof(world: World, text: str) -> None:
    bundle = bundle_of(world, text) | {"log": None}
    assert refused(signed(world, bundle), world.root_key()) == "receipt_inconsistent"


# --- who signed what


def test_only_the_receipt_key_of_the_delegation_counter_signs(world: World, text: str) -> None:
    bundle, header = bundle_of(world, text), {"delegation": world.delegation().decode()}
    for key in (world.list_key, world.status_key, world.log_key, world.root, Key("a thief")):
        document = receipt_document(bundle, world.jws(RECEIPT_TYPE, key, bundle, **header), b"")
        assert refused(document, world.root_key()) == "receipt_untrusted"


def test_a_token_of_another_type_is_no_counter_signature(world: World, text: str) -> None:
    bundle, header = bundle_of(world, text), {"delegation": world.delegation().decode()}
    document = receipt_document(bundle, world.jws(TRUST_LIST_TYPE, world.receipt_key, bundle, **header), b"")
    assert refused(document, world.root_key()) == "receipt_untrusted"


def test_a_delegation_under_another_root_is_of_no_use(world: World, text: str) -> None:
    bundle = bundle_of(world, text)
    thief = World(root=Key("a thief's root"))
    for document in (
        signed(world, bundle, delegation=thief.delegation().decode()),
        receipt_document(bundle, None, thief.delegation()),
        receipt_document(bundle, None, b"no.delegation.at all"),
    ):
        assert refused(document, world.root_key()) == "receipt_of_other_root"


@pytest.mark.parametrize(("moved", "is_in"), [(-SECOND, False), (0 * SECOND, True), (SECOND, True)])
def test_a_receipt_is_made_in_the_time_of_its_delegation(
    world: World, text: str, moved: timedelta, is_in: bool
) -> None:
    """The delegation begins one second after, at, or before the check."""
    bundle = bundle_of(world, text)
    world.delegation_issued_at = NOW - moved
    document = signed(world, bundle)
    if is_in:
        assert check_receipt(document, world.root_key()).verdict is Verdict.VALID
    else:
        assert refused(document, world.root_key()) == "receipt_untrusted"


# --- the status token


def test_a_token_of_another_key_is_refused(world: World, text: str) -> None:
    bundle = bundle_of(world, text)
    thief = World(status_key=Key("a thief"))
    bundle["status"]["token"] = status_list_files(thief)["status/lists/0.jwt"].decode()
    assert refused(signed(world, bundle), world.root_key()) == "receipt_untrusted"


def test_a_token_that_says_otherwise_is_refused(world: World, text: str) -> None:
    bundle = bundle_of(world, text)
    world.status_event(INDEX, State.REVOKED)
    bundle["status"]["token"] = status_list_files(world)["status/lists/0.jwt"].decode()
    assert refused(signed(world, bundle), world.root_key()) == "receipt_status_differs"


def test_a_revoked_one_does_not_pass_with_an_old_token(world: World, text: str) -> None:
    old = status_list_files(world)["status/lists/0.jwt"].decode()
    world.status_event(INDEX, State.REVOKED)
    bundle = bundle_of(world, text)
    bundle["status"]["token"] = old
    assert refused(signed(world, bundle), world.root_key()) == "receipt_status_differs"


@pytest.mark.parametrize("verdict", ["valid", "not_in_force"])
def test_a_verdict_about_the_status_needs_its_token(world: World, text: str, verdict: str) -> None:
    if verdict == "not_in_force":
        world.status_event(INDEX, State.REVOKED)
    bundle = bundle_of(world, text) | {"status": None}
    assert refused(signed(world, bundle), world.root_key()) == "receipt_status_differs"


def test_another_list_is_not_the_certificate_s(world: World, text: str) -> None:
    bundle = bundle_of(world, text)
    bundle["status"]["index"] += 131_072
    assert refused(signed(world, bundle), world.root_key()) == "receipt_status_differs"


@pytest.mark.parametrize(("end", "late", "is_in"), [("issued_at", -1, False), ("issued_at", 0, True),
                                                     ("expires_at", 0, True), ("expires_at", 1, False)])  # fmt: skip
def test_the_token_covers_the_time_of_the_check(world: World, text: str, end: str, late: int, is_in: bool) -> None:
    bundle = bundle_of(world, text)
    token = open_status_list_jwt(bundle["status"]["token"].encode(), world.status_key.public_key)
    at = int(getattr(token, end).timestamp()) + late
    document = signed(world, bundle | {"at": at, "checked_at": at})
    if is_in:
        assert check_receipt(document, world.root_key()).verdict is Verdict.VALID
    else:
        assert refused(document, world.root_key()) == "receipt_status_differs"
