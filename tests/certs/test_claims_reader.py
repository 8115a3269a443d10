"""Claims read at their places: never another answer than the general decoder's, for any bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import World

from certs import claims_reader
from certs.certificate import CertificateClaims, decode_claims, encode_claims
from certs.claims_reader import read_claims
from certs.errors import KezhengError
from certs.grades import Grade

CLAIMS = World().claims("P000115000001")
INDEXES = [0, 23, 24, 255, 256, 65_535, 65_536, 131_071, 2**32 - 1, 2**32, 2**40]
SHAPES = {
    "three characters, a direction's number": CLAIMS,
    "no direction": CLAIMS._replace(direction=None),
    "a direction as text": CLAIMS._replace(direction="工业互联网平台应用开发"),
    "a direction above 23": CLAIMS._replace(direction=24),
    "with an end": CLAIMS._replace(expires_at=CLAIMS.issued_at),
    "a name of seven characters": CLAIMS._replace(name="古丽米热艾合"[:6] + "麦"),
    "a name of eight characters": CLAIMS._replace(name="古丽米热艾合麦提"),
    "the longest name": CLAIMS._replace(name="名" * 60),
    "a name with dots and letters": CLAIMS._replace(name="Li·Wei·𠮷"),
    **{f"status index {index}": CLAIMS._replace(status_index=index) for index in INDEXES},
}
"""Claims that lie differently."""
USUAL = sorted(set(SHAPES) - {"status index 4294967296", "status index 1099511627776"})

Outcome = CertificateClaims | str


def outcome(read: Callable[[bytes], CertificateClaims], payload: bytes) -> Outcome:
    try:
        return read(payload)
    except KezhengError as error:
        return error.code


def same(payload: bytes) -> Outcome:
    """What both say of a payload."""
    said = outcome(decode_claims, payload)
    assert outcome(read_claims, payload) == said
    return said


@pytest.mark.parametrize("name", SHAPES)
def test_all_shapes_are_read(name: str) -> None:
    assert same(encode_claims(SHAPES[name])) == SHAPES[name]


@pytest.mark.parametrize("name", USUAL)
def test_usual_shapes_are_read_at_their_places(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_reader, "decode_claims", lambda _: pytest.fail("the general decoder was asked"))
    assert read_claims(encode_claims(SHAPES[name])) == SHAPES[name]


@pytest.mark.parametrize("name", ["three characters, a direction's number", "with an end", "the longest name"])
def test_any_other_byte_anywhere_means_the_same_to_both(name: str) -> None:
    payload = encode_claims(SHAPES[name])
    said: set[Outcome] = set()
    for place in range(len(payload)):
        said |= {same(payload[:place] + bytes((byte,)) + payload[place + 1 :]) for byte in range(256)}
    assert {"claims_not_canonical", "claims_malformed", "envelope_version_unsupported"} <= said


@pytest.mark.parametrize("name", SHAPES)
def test_bytes_that_go_come_or_move_mean_the_same_to_both(name: str) -> None:
    payload = encode_claims(SHAPES[name])
    for place in range(len(payload)):
        assert isinstance(same(payload[:place]), str)
        same(payload[:place] + payload[place + 1 :])
        for byte in (0x00, 0x07, 0x18, 0x19, 0x1A, 0x61, 0x78):
            same(payload[:place] + bytes((byte,)) + payload[place:])
        same(payload[place:] + payload[:place])


@pytest.mark.parametrize("day", [0x0719, 0x071A, 0x0718, 0x0700, 0x0717])
@pytest.mark.parametrize("index", INDEXES)
def test_a_day_that_looks_like_the_head_of_the_status_index(day: int, index: int) -> None:
    claims = CLAIMS._replace(assessed_on=date.fromordinal(date(1970, 1, 1).toordinal() + day), status_index=index)
    assert same(encode_claims(claims)) == claims


@pytest.mark.parametrize("index", [0x0719_0001, 0x0718_0019, 0x0718_FF07, 0x071A_0000, 0x0717, 0x0718, 0x0719])
def test_a_status_index_that_looks_like_another(index: int) -> None:
    claims = CLAIMS._replace(status_index=index)
    assert same(encode_claims(claims)) == claims


texts = st.text(max_size=70) | st.text("张小明·aZ 0-’", max_size=30)
numbers = st.integers(-3, 70_000) | st.sampled_from([*INDEXES, 2**32, 2**64 - 1]) | st.booleans() | st.floats()
values = texts | numbers | st.binary(max_size=70) | st.none() | st.lists(st.integers(0, 3), max_size=2)


@settings(max_examples=400)
@given(st.data())
def test_values_of_any_kind_mean_the_same_to_both(data: st.DataObject) -> None:
    """One or two members of honest claims get any value, in the one right encoding."""
    whole: dict[Any, Any] = cbor2.loads(encode_claims(data.draw(st.sampled_from(list(SHAPES.values())))))
    for _ in range(data.draw(st.integers(1, 2))):
        target = data.draw(st.sampled_from([whole, whole.get(-65537)]).filter(lambda found: type(found) is dict))
        target[data.draw(st.sampled_from([*target, 4]))] = data.draw(values)
    ordered = dict(sorted(whole.items(), key=lambda item: cbor2.dumps(item[0])))
    same(cbor2.dumps(ordered))


@settings(max_examples=300)
@given(
    st.builds(
        CertificateClaims,
        number=st.text("P0123456789ABC", min_size=1, max_size=64),
        issued_at=st.datetimes(datetime(1970, 1, 1), datetime(2110, 1, 1)).map(
            lambda time: time.replace(microsecond=0, tzinfo=UTC)
        ),
        expires_at=st.none() | st.just(CLAIMS.issued_at),
        name=st.text("张王小明·abc ", min_size=1, max_size=61),
        id_tail=st.text("0123456789X ~é", min_size=1, max_size=5),
        occupation_code=st.text("0123456789-", min_size=1, max_size=17),
        direction=st.none() | st.integers(0, 70_000) | st.text("方向ab", min_size=1, max_size=65),
        grade=st.sampled_from(Grade),
        assessed_on=st.dates(date(1970, 1, 1), date(2160, 1, 1)),
        status_index=st.integers(0, 2**41),
    )
)
def test_claims_of_any_size_mean_the_same_to_both(claims: CertificateClaims) -> None:
    said = same(encode_claims(claims))
    assert said in (claims, "claims_malformed")


@settings(max_examples=300)
@given(st.binary(max_size=120), st.integers(0, 90))
def test_an_honest_beginning_with_any_end_means_the_same_to_both(end: bytes, kept: int) -> None:
    same(encode_claims(CLAIMS)[:kept] + end)


def test_what_was_refused_once_is_not_kept() -> None:
    """A shared part that failed to be read is read again, and one that was read stands for nothing else."""
    payload = encode_claims(CLAIMS)
    other = payload.replace(b"\x05\x02", b"\x05\x04")
    for _ in range(2):
        assert same(other) == "claims_malformed"
        assert same(payload) == CLAIMS
