"""What the engine is given to keep: counts and codes, in JSON, and no word of anybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from register_desk import id_number, name_of

from certs.errors import KezhengError
from registry.jobs.job_text import FORMAT, JobSerializer

TEXT = JobSerializer()
CODES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:-]{0,30}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | CODES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(CODES, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_counts_and_codes_come_back(value: Any) -> None:
    kept = TEXT.serialize(value)
    assert TEXT.deserialize(kept) == value
    json.loads(kept)


def test_a_tuple_comes_back_as_a_list() -> None:
    assert TEXT.deserialize(TEXT.serialize({"args": (1, 2), "kwargs": {}})) == {"args": [1, 2], "kwargs": {}}


@pytest.mark.parametrize(
    "value",
    [
        *(name_of(1), id_number(1), "150102190401001", "11010119000101123x", "two words", "/a/path", "a" * 121),
        *(b"x", 1.5, {"name": "阿"}, {"姓名": 1}, {1: 2}, [id_number(2)], object(), {1, 2}),
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        TEXT.serialize(value)


def test_a_refusal_keeps_its_code_and_what_is_no_secret() -> None:
    error = KezhengError("batch_state", batch="B20261120-3f2a9c01de", state="void", row=7, name=name_of(1))
    back = TEXT.deserialize(TEXT.serialize(error))
    assert isinstance(back, KezhengError)
    assert (back.code, back.params) == (
        "batch_state",
        {"batch": "B20261120-3f2a9c01de", "state": "void", "row": 7, "name": "–"},
    )


def test_of_another_failure_no_word_is_kept() -> None:
    kept = TEXT.serialize(ValueError(f"{name_of(1)} {id_number(1)}"))
    assert name_of(1) not in kept
    assert id_number(1) not in kept
    back = TEXT.deserialize(kept)
    assert isinstance(back, KezhengError)
    assert back.code == "internal"


def test_the_format_has_a_name_of_its_own() -> None:
    assert TEXT.name() == FORMAT
    assert "pickle" not in TEXT.name()
