"""The delegation: what the root signs is read back as it was, and no other shape is a delegation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_log import cosignature_key
from simulator import Key, World

from certs.delegation import (
    LARGEST_COUNT,
    DelegatedLog,
    Delegation,
    LogKey,
    delegation_payload,
    hex_digest,
    open_delegation,
    whole_count,
)
from certs.errors import KezhengError
from certs.jws import DELEGATION_TYPE, STATUS_TYPE, TRUST_LIST_TYPE
from certs.root_chain import RootKey
from certs.tlog.note import ED25519, ED25519_COSIGNATURE, NoteKey, encode_vkey

Json = dict[str, Any]
ROOT = Key("root")
ANCHOR = RootKey(ROOT.public_key, None)
ORIGIN = "verify.example.cn/2026"
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
COSIGNER, WITNESS = cosignature_key(ORIGIN + "/cosigner").key, cosignature_key("witness.example/w2").key
W1 = NoteKey("witness.example/w1", ED25519_COSIGNATURE, Key("w1").public_key)


def log_key(seed: str, size: int | None = None, root: bytes | None = None) -> LogKey:
    return LogKey(NoteKey(ORIGIN, ED25519, Key(seed).public_key), size, root)


LOG = DelegatedLog(
    ORIGIN,
    (log_key("old", 7, b"\xab" * 32), log_key("older", 0, bytes(32)), log_key("log")),
    COSIGNER,
    (W1, WITNESS),
    2,
)
GIVEN = Delegation(
    Key("list").public_key,
    Key("status").public_key,
    Key("receipt").public_key,
    LOG,
    "0f" * 32,
    3,
    FROM,
    TO,
)


def signed(payload: Any, key: Key = ROOT, typ: str = DELEGATION_TYPE) -> bytes:
    return World.jws(typ, key, payload)


def opened(payload: Any) -> Delegation:
    return open_delegation(signed(payload), ANCHOR)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        call()
    return refused.value.code


# --- round trip


def test_it_is_read_as_it_was_given() -> None:
    assert opened(delegation_payload(GIVEN)) == GIVEN


def test_its_members_are_these_and_no_more() -> None:
    """Written out, so that no member comes or goes unseen: other programs read it."""
    payload = orjson.loads(orjson.dumps(delegation_payload(GIVEN)))
    assert sorted(payload) == ["document_ca", "epoch", "exp", "iat", "keys", "log"]
    assert (payload["epoch"], payload["iat"], payload["exp"]) == (3, 1_767_225_600, 1_798_761_599)
    assert {role: sorted(jwk) for role, jwk in payload["keys"].items()} == {
        role: ["alg", "crv", "kid", "kty", "use", "x"] for role in ("list", "status", "receipt")
    }
    assert payload["log"] == {
        "origin": ORIGIN,
        "keys": [
            {"vkey": encode_vkey(LOG.keys[0].key), "final": {"size": 7, "root": "ab" * 32}},
            {"vkey": encode_vkey(LOG.keys[1].key), "final": {"size": 0, "root": "00" * 32}},
            {"vkey": encode_vkey(LOG.keys[2].key), "final": None},
        ],
        "cosigner": encode_vkey(COSIGNER),
        "witnesses": [encode_vkey(W1), encode_vkey(WITNESS)],
        "quorum": 2,
    }
    assert payload["document_ca"] == "0f" * 32


NAMES = st.text(st.characters(codec="ascii", min_codepoint=33, exclude_characters="+\x7f"), min_size=1, max_size=30)
DIGESTS = st.binary(min_size=32, max_size=32)
SECONDS = st.integers(0, 253_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@st.composite
def delegations(draw: st.DrawFn) -> Delegation:
    own = [bytes([place + 1]) + draw(st.binary(min_size=31, max_size=31)) for place in range(5)]
    origin = draw(NAMES)
    final = draw(st.none() | st.tuples(st.integers(0, LARGEST_COUNT), DIGESTS))
    keys = [LogKey(NoteKey(origin, ED25519, own[3]))]
    keys += [] if final is None else [LogKey(NoteKey(origin, ED25519, own[4]), *final)]
    witnesses = tuple(draw(st.lists(st.sampled_from([W1, WITNESS]), unique=True)))
    quorum = draw(st.integers(0, len(witnesses)))
    log = DelegatedLog(origin, tuple(keys), COSIGNER, witnesses, quorum)
    epoch = draw(st.integers(0, LARGEST_COUNT))
    start = draw(SECONDS)
    end = start + timedelta(seconds=draw(st.integers(-86_400, 366 * 86_400)))
    return Delegation(own[0], own[1], own[2], log, draw(DIGESTS).hex(), epoch, start, end)


@given(delegations())
@settings(max_examples=50)
def test_any_delegation_is_read_as_it_was_given(given_one: Delegation) -> None:
    assert opened(delegation_payload(given_one)) == given_one


@pytest.mark.parametrize(("seconds", "is_read"), [(-1, True), (0, True), (1, False), (10**6, False)])
def test_no_delegation_runs_for_more_than_a_year(seconds: int, is_read: bool) -> None:
    long = GIVEN._replace(expires_at=GIVEN.issued_at + timedelta(days=366, seconds=seconds))
    if is_read:
        assert opened(delegation_payload(long)) == long
    else:
        assert refusal(lambda: opened(delegation_payload(long))) == "delegation_too_long"


# --- who signs it


@pytest.mark.parametrize("seed", ["list", "status", "receipt", "log", "thief"])
def test_only_the_root_delegates(seed: str) -> None:
    token = signed(delegation_payload(GIVEN), Key(seed))
    assert refusal(lambda: open_delegation(token, ANCHOR)) == "jws_signature_wrong"


@pytest.mark.parametrize("typ", [TRUST_LIST_TYPE, STATUS_TYPE])
def test_a_file_of_another_type_is_no_delegation(typ: str) -> None:
    token = signed(delegation_payload(GIVEN), typ=typ)
    assert refusal(lambda: open_delegation(token, ANCHOR)) == "jws_type_wrong"


@given(st.data())
@settings(max_examples=40)
def test_one_changed_byte_is_refused(data: st.DataObject) -> None:
    token = signed(delegation_payload(GIVEN))
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.integers(1, 255))
    changed = token[:place] + bytes([token[place] ^ other]) + token[place + 1 :]
    assert refusal(lambda: open_delegation(changed, ANCHOR)).startswith("jws_")


# --- other shapes


def changed(*path: str | int, to: Any) -> Json:
    payload: Json = orjson.loads(orjson.dumps(delegation_payload(GIVEN)))
    place: Any = payload
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return payload


VKEY = encode_vkey(LOG.keys[0].key)
OTHER_NAME = encode_vkey(NoteKey("verify.example.cn/2027", ED25519, Key("log").public_key))


@pytest.mark.parametrize(
    "path",
    [
        *[(member,) for member in ("epoch", "iat", "exp", "keys", "log", "document_ca")],
        *[("log", member) for member in ("origin", "keys", "cosigner", "witnesses", "quorum")],
        *[("log", "keys", 0, member) for member in ("vkey", "final")],
        *[("log", "keys", 0, "final", member) for member in ("size", "root")],
        *[("keys", role) for role in ("list", "status", "receipt")],
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_no_member_may_be_missing(path: tuple[str | int, ...]) -> None:
    payload: Json = orjson.loads(orjson.dumps(delegation_payload(GIVEN)))
    place: Any = payload
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    assert refusal(lambda: opened(payload)) == "jws_malformed"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("epoch",), [-1, 2**53 + 1, 1.0, "1", True, None, [1]]),
        (("iat",), ["0", None, [], 253_402_272_000, 1e300, -(10**15)]),
        (("exp",), ["0", None, {}, 253_402_272_000]),
        (("document_ca",), ["", "0F" * 32, "0f" * 31, "0f" * 33, "0g" * 32, " " + "0f" * 32, 5, None, ["0f" * 32]]),
        (("keys",), [None, [], "list", 5]),
        (("log",), [None, [], "log", 5]),
        (("log", "origin"), ["", None, 5, ORIGIN + "/", "verify.example.cn/2027"]),
        (("log", "keys"), [[], None, {}, "x", [None], ["x"], [[]], [VKEY], [{"vkey": OTHER_NAME, "final": None}]]),
        (("log", "keys", 0, "final"), [0, "x", [], {}, {"size": 1}, {"root": "ab" * 32}]),
        (("log", "keys", 0, "final", "size"), [-1, True, "7", 7.0, None, 2**53 + 1]),
        (("log", "keys", 0, "final", "root"), ["", "AB" * 32, "ab" * 31, None, 5]),
        (("log", "cosigner"), [VKEY, encode_vkey(W1)]),
        (("log", "witnesses"), [None, 5, [VKEY]]),
        (("log", "quorum"), [-1, 3, True, "2", 2.0, None]),
    ],
    ids=lambda given: ".".join(map(str, given)) if isinstance(given, tuple) else "",
)
def test_no_member_may_be_of_another_shape(path: tuple[str | int, ...], values: list[Any]) -> None:
    for payload in [changed(*path, to=value) for value in values]:
        assert refusal(partial(opened, payload)) == "jws_malformed", payload


@pytest.mark.parametrize("path", [("log", "keys", 0, "vkey"), ("log", "cosigner"), ("log", "witnesses", 1)])
@pytest.mark.parametrize("value", [None, 5, "", "x", "a+b+c", VKEY + "A", VKEY[:-4], VKEY.replace("+", " ", 1)])
def test_what_is_no_key_in_the_log(path: tuple[str | int, ...], value: Any) -> None:
    assert refusal(lambda: opened(changed(*path, to=value))) == "log_key_malformed"


@pytest.mark.parametrize("payload", [[], "text", 5, None])
def test_a_payload_that_is_no_object(payload: Any) -> None:
    assert refusal(lambda: opened(payload)) == "jws_malformed"


@pytest.mark.parametrize(
    "clash",
    [
        GIVEN._replace(status_key=GIVEN.list_key),
        GIVEN._replace(receipt_key=GIVEN.status_key),
        GIVEN._replace(log=LOG._replace(keys=(log_key("list"),))),
        GIVEN._replace(log=LOG._replace(keys=(log_key("log"), log_key("log")))),
        GIVEN._replace(log=LOG._replace(keys=(log_key("log"), log_key("log", 5, bytes(32))))),
    ],
)
def test_every_role_and_every_log_key_has_its_own_key(clash: Delegation) -> None:
    assert refusal(lambda: opened(delegation_payload(clash))) == "jws_malformed"


@pytest.mark.parametrize(("quorum", "is_read"), [(0, True), (1, True), (2, True), (3, False)])
def test_a_quorum_is_never_larger_than_its_witnesses(quorum: int, is_read: bool) -> None:
    payload = delegation_payload(GIVEN._replace(log=LOG._replace(quorum=quorum)))
    if is_read:
        assert opened(payload).log.quorum == quorum
    else:
        assert refusal(lambda: opened(payload)) == "jws_malformed"


# --- counts and digests


@pytest.mark.parametrize("value", [0, 1, LARGEST_COUNT])
def test_counts_in_range(value: int) -> None:
    assert whole_count(value) == value


@pytest.mark.parametrize("value", [-1, LARGEST_COUNT + 1, True, False, 1.0, "1", None, [1]])
def test_what_is_no_count(value: Any) -> None:
    with pytest.raises(ValueError, match="not a count"):
        whole_count(value)


def test_a_count_has_the_largest_value_that_is_asked_for() -> None:
    assert whole_count(3, 3) == 3
    with pytest.raises(ValueError, match="not a count"):
        whole_count(4, 3)


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_in_lower_case_hex(digest: bytes) -> None:
    assert hex_digest(digest.hex()) == digest.hex()


@pytest.mark.parametrize("value", ["", "ab", "AB" * 32, "ab " * 32, "zz" * 32, "٣" * 64, b"ab" * 32, None, 5])
def test_what_is_no_digest(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a digest|hexadecimal"):
        hex_digest(value)
