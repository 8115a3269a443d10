"""Answers to the lines of a list: every result is reached, and nothing more is told than whoever asks may know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator import DIRECTION, NOW, World

from certs.certificate_number import normalise_typed_number
from certs.cose import take_apart
from certs.list_answer import NO_MATCH, RESULTS, ListAnswer, answer_asked, same_name, typed_numbers
from certs.list_sheet import Asked
from certs.qr import read_qr_text
from certs.status import State
from certs.unavailable import Unavailable
from certs.wording import all_codes, words

NAME = "张小明"
CERTIFIED = ("智能制造工程技术人员", "中级", DIRECTION, "北疆数字技术评价中心", "2026-11-19")


class Register:
    """One certificate with its QR text, and what a list may ask of it."""

    def __init__(self, **claims: object) -> None:
        self.world = World()
        self.code = self.world.institution()
        self.text = self.world.issue(self.code, **claims)
        [(self.number, self.envelope)] = self.world.envelopes.items()

    def asked(self, asked: Asked, **missing: object) -> ListAnswer:
        evidence = replace(self.world.evidence(), **missing)
        return answer_asked(asked, evidence, self.world.now, {self.number: self.envelope})

    def by_code(self, **missing: object) -> ListAnswer:
        return self.asked(Asked(self.text), **missing)

    def by_name(self, name: str = NAME, number: str | None = None, **missing: object) -> ListAnswer:
        return self.asked(Asked(self.number if number is None else number, name), **missing)


@pytest.fixture(scope="module")
def register() -> Register:
    return Register()


@pytest.fixture
def fresh() -> Register:
    return Register()


def test_by_code_and_by_number_and_name_the_answer_is_the_same(register: Register) -> None:
    answer = register.by_code()
    assert answer == ListAnswer("valid", "查验通过", *CERTIFIED, "有效", "")
    assert register.by_name() == answer


@pytest.mark.parametrize("state", [state for state in State if state not in (State.VALID, State.EXPIRED)])
def test_every_state_is_a_result(fresh: Register, state: State) -> None:
    successor = "P000115000001262000009X" if state is State.SUPERSEDED else None
    fresh.world.status_event(7919, state, successor=successor)
    answer = fresh.by_code()
    assert (answer.result, answer.state) == (state.value, words("status", state.value).zh)
    assert answer.said.startswith(words("verdict", "suspended_open" if state is State.SUSPENDED else state.value).zh)
    assert answer.successor == (successor or "")
    assert answer[2:7] == CERTIFIED


def test_an_expired_certificate() -> None:
    answer = Register(expires_at=NOW - timedelta(seconds=1)).by_name()
    assert (answer.result, answer.state) == ("expired", "已过期")


def test_an_unknown_number_another_name_and_no_name_are_one_answer(register: Register) -> None:
    unknown = register.asked(Asked(other_number(register.number), NAME))
    assert unknown == ListAnswer(NO_MATCH, words("verdict", "no_match").advice_zh)
    assert register.by_name("张晓明") == register.by_name("") == unknown


def other_number(number: str) -> str:
    """A well-formed number that nobody has."""
    world = World()
    code = world.institution()
    world.issue(code)
    world.issue(code)
    return next(found for found in world.envelopes if found != number)


@pytest.mark.parametrize(
    "typed", [" P0001 15 000001 26 2 000001 ", "P0001-15-000001-26-2-000001-", "ｐ000115000001262000001"]
)
def test_numbers_are_taken_as_people_type_them(register: Register, typed: str) -> None:
    typed += register.number[-1]
    assert normalise_typed_number(typed) == register.number
    assert register.by_name(number=typed).result == "valid"
    assert typed_numbers([Asked(typed, NAME), Asked(register.text), Asked("x", "")]) == [register.number, "X"]


@pytest.mark.parametrize(
    ("number", "code"), [("", "number_layout_unknown"), ("123", "number_layout_unknown"), (None, "number_check_failed")]
)
def test_a_mistyped_number_is_said_to_be_one(register: Register, number: str | None, code: str) -> None:
    wrong_check = register.number[:-1] + ("A" if register.number[-1] != "A" else "B")
    answer = register.by_name(number=wrong_check if number is None else number)
    assert answer == ListAnswer("malformed", words("error", code).zh)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "hello",
        lambda _: "https://example.cn/",
        lambda text: text[:-40],
        lambda text: text + "A",
        lambda text: text + "A" * 3000,
    ],
)
def test_a_text_that_holds_no_whole_code_is_malformed(register: Register, damage: Callable[[str], str]) -> None:
    answer = register.asked(Asked(damage(register.text)))
    assert answer.result == "malformed"
    assert answer.said
    assert answer[2:] == ("",) * 7


def test_what_is_not_genuine_shows_nothing_of_its_content(fresh: Register) -> None:
    envelope = bytearray(read_qr_text(fresh.text).envelope)
    envelope[-1] ^= 1
    fresh.envelope = bytes(envelope)
    assert fresh.by_name() == ListAnswer(NO_MATCH, words("verdict", "no_match").advice_zh)
    altered = fresh.text.replace("VERIFY.EXAMPLE", "VERLFY.EXAMPLE")
    answer = fresh.asked(Asked(altered))
    assert (answer.result, answer[2:]) == ("not_genuine", ("",) * 7)
    never_logged = Register(issued_at=NOW - timedelta(days=3), logged_at=None)
    answer = never_logged.by_code()
    assert (answer.result, answer[2:]) == ("not_genuine", ("",) * 7)
    assert "登记簿" in answer.said


def test_without_evidence_nothing_is_said_of_a_certificate(register: Register) -> None:
    """Neither that it is there nor that it is not."""
    missing = Unavailable("trust_list_unavailable")
    for answer in (register.by_code(trust=missing), register.by_name(trust=missing, data=missing)):
        assert answer.result == "undetermined"
        assert answer[2:] == ("",) * 7
    assert register.by_name(trust=missing).result == "undetermined"
    assert register.by_name("张晓明", trust=missing).result == "undetermined"


def test_without_the_status_the_name_is_compared_all_the_same(register: Register) -> None:
    missing = Unavailable("status_unavailable")
    answer = register.by_name(status=missing)
    assert (answer.result, answer.state, answer.issued_on) == ("undetermined", "", "2026-11-19")
    assert register.by_name("张晓明", status=missing).result == NO_MATCH


def test_notices_are_part_of_the_explanation(fresh: Register) -> None:
    fresh.world.environment = "demo"
    assert fresh.by_code().said == f"查验通过；{words('notice', 'demo_environment').zh}"


def test_a_stolen_status_index_or_kid_changes_no_words(register: Register) -> None:
    """The ID's last characters, the name and the key are in no answer."""
    claims_tail, kid = "123X", take_apart(register.envelope).kid.hex()
    for answer in (register.by_code(), register.by_name()):
        text = "".join(answer)
        assert NAME not in text
        assert claims_tail not in text
        assert kid not in text


@pytest.mark.parametrize(
    ("typed", "signed"),
    [
        ("张 小明", "张小明"),
        (" 张小明\u3000", "张小明"),
        ("阿依古丽・买买提", "阿依古丽·买买提"),
        ("阿依古丽.买买提", "阿依古丽·买买提"),
        ("ＬＩ　ｗｅｉ", "Li Wei"),
    ],
)
def test_names_are_compared_as_people_type_them(typed: str, signed: str) -> None:
    assert same_name(typed, signed)


@given(st.text("张章小晓明名·Li ", max_size=6), st.text("张章小晓明名·Li ", max_size=6))
def test_other_characters_are_other_names(one: str, other: str) -> None:
    assert same_name(one, other) == (one.replace(" ", "").lower() == other.replace(" ", "").lower())


def test_every_result_has_words() -> None:
    assert set(RESULTS) <= set(all_codes("list"))
    assert len(set(RESULTS)) == len(RESULTS) == 10
