"""Check characters, against published examples and against values found by the standards' own definitions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.identifiers import (
    ALPHANUMERIC,
    check_credit_code,
    credit_code_check,
    mod_11_2_check,
    mod_37_36_check,
    organisation_code_check,
    resident_id_check,
)

VECTORS = Path(__file__).parent / "vectors"
SYSTEMS: dict[str, Callable[[str], str]] = {
    "mod_37_36": mod_37_36_check,
    "mod_11_2": mod_11_2_check,
    "credit_code": credit_code_check,
    "organisation_code": organisation_code_check,
}
CASES = [
    (system, body, check)
    for system, parts in json.loads((VECTORS / "check_characters.json").read_text(encoding="utf-8")).items()
    for part in parts.values()
    for body, check in part
]
GOOD = "12150000MB0012343X"


@pytest.mark.parametrize(("system", "body", "check"), CASES)
def test_vector(system: str, body: str, check: str) -> None:
    assert SYSTEMS[system](body) == check


def test_the_vectors_are_what_their_generator_writes(tmp_path: Path) -> None:
    script = tmp_path / "make_check_characters.py"
    script.write_text((VECTORS / "make_check_characters.py").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, str(script)], check=True)
    written = (tmp_path / "check_characters.json").read_text(encoding="utf-8")
    assert written == (VECTORS / "check_characters.json").read_text(encoding="utf-8")


@given(st.text(alphabet="0123456789", min_size=17, max_size=17))
def test_the_fast_form_for_resident_ids_is_mod_11_2(digits: str) -> None:
    assert resident_id_check(digits) == mod_11_2_check(digits)


@given(st.text(alphabet=ALPHANUMERIC, min_size=1, max_size=30), st.data())
def test_mod_37_36_finds_every_single_error(body: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.sampled_from([c for c in ALPHANUMERIC if c != body[place]]))
    assert mod_37_36_check(body[:place] + other + body[place + 1 :]) != mod_37_36_check(body)


def test_mod_37_36_finds_nearly_every_swap_of_neighbours() -> None:
    """A hybrid system misses a few: 3 % of all pairs of different characters at the front of a number."""
    pairs = [(one, two) for one in ALPHANUMERIC for two in ALPHANUMERIC if one != two]
    missed = [pair for pair in pairs if mod_37_36_check("".join(pair)) == mod_37_36_check("".join(reversed(pair)))]
    assert len(missed) <= 0.03 * len(pairs)


@pytest.mark.parametrize("check", SYSTEMS.values())
@pytest.mark.parametrize("text", ["a", "-", "０", "É", " "])
def test_other_characters_are_refused(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        check(text)


def test_letters_are_no_digits_of_mod_11_2() -> None:
    with pytest.raises(ValueError, match="not a digit"):
        mod_11_2_check("12A")


def test_a_right_credit_code_passes() -> None:
    check_credit_code(GOOD)
    check_credit_code("91350100M000100Y43")


def with_outer_check(seventeen: str) -> str:
    return seventeen + credit_code_check(seventeen)


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("", "credit_code_length"),
        (GOOD[:-1], "credit_code_length"),
        (GOOD + "0", "credit_code_length"),
        (GOOD.lower(), "credit_code_alphabet"),
        (GOOD.replace("B", "I"), "credit_code_alphabet"),
        ("１" + GOOD[1:], "credit_code_alphabet"),
        (GOOD[:-1] + "Y", "credit_code_check_failed"),
        ("2" + GOOD[1:], "credit_code_check_failed"),
        (with_outer_check("12150000MB0012344"), "credit_code_inner_check_failed"),
        (with_outer_check("12150000MB0012353"), "credit_code_inner_check_failed"),
    ],
)
def test_a_wrong_credit_code_is_refused(code: str, refusal: str) -> None:
    with pytest.raises(KezhengError) as caught:
        check_credit_code(code)
    assert caught.value.code == refusal
