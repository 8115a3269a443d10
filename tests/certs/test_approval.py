"""Two people, and the rows that they saw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator import NOW

from certs.approval import Approval, approve, check_still_approved, check_two_people, comparable_name
from certs.errors import KezhengError

DIGEST = bytes(range(32))

SPELLINGS = [
    ("李明", "李明"),
    ("李明", "李明 "),
    ("李明", " 李 明"),
    ("李明", "李\u3000明"),
    ("李明", "李\u00a0明\t"),
    ("李明", "李\u200b明"),
    ("李明", "李明\ufeff"),
    ("李明", "李\u00ad明"),
    ("李明", "李明\ufe0f"),
    ("李明", "李明\U000e0100"),
    ("李明", "李\u034f明"),
    ("李明", "李\u3164明"),
    ("李明", "李\u2800明"),
    ("李明", "李\u202e明"),
    ("li.ming", "Li.Ming"),
    ("Li Ming", "ＬＩ　ＭＩＮＧ"),
    ("ﬁona", "FIONA"),
    ("STRASSE", "straße"),
    ("Éva", "E\u0301VA"),
    ("E\u200b\u0301va", "Éva"),
    ("神", "\ufa19"),
    ("ǅ", "ǆ"),
    ("王①", "王1"),
]


@pytest.mark.parametrize(("operator", "approver"), SPELLINGS)
def test_one_person_in_two_spellings_is_one(operator: str, approver: str) -> None:
    for one, other in ((operator, approver), (approver, operator)):
        with pytest.raises(KezhengError) as refused:
            check_two_people(one, other)
        assert refused.value.code == "approver_is_operator"


@pytest.mark.parametrize(
    ("operator", "approver"), [("李明", "李铭"), ("王莉", "王丽"), ("A1", "A2"), ("Li Ming", "Ming")]
)
def test_two_people_are_two(operator: str, approver: str) -> None:
    check_two_people(operator, approver)


@pytest.mark.parametrize("nobody", ["", " ", "\u3000", "\u200b", "\ufe0f\u3164", "\t\n"])
def test_a_name_that_shows_nothing_is_nobody(nobody: str) -> None:
    for operator, approver in ((nobody, "李明"), ("李明", nobody), (nobody, nobody)):
        with pytest.raises(KezhengError) as refused:
            check_two_people(operator, approver)
        assert refused.value.code == "person_missing"


@given(st.text(max_size=12))
def test_what_is_compared_does_not_change_when_compared_again(name: str) -> None:
    assert comparable_name(comparable_name(name)) == comparable_name(name)
    assert comparable_name(name.upper()) == comparable_name(name.lower()) or not name.isascii()


def test_an_approval_says_who_what_and_when_and_that_names_are_only_declared() -> None:
    assert approve(" 李明 ", "王莉\n", DIGEST, NOW) == Approval("李明", "王莉", DIGEST, NOW, True)
    assert approve("李明", "王莉", DIGEST, NOW, declared=False).declared is False
    with pytest.raises(KezhengError, match="approver_is_operator"):
        approve("李明", "李 明", DIGEST, NOW)


@given(st.binary(min_size=32, max_size=32))
def test_an_approval_holds_for_the_rows_that_were_seen(digest: bytes) -> None:
    check_still_approved(DIGEST, bytes(DIGEST))
    if digest != DIGEST:
        with pytest.raises(KezhengError, match="approval_stale"):
            check_still_approved(DIGEST, digest)
