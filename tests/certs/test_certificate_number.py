"""Certificate numbers.

Layouts as data, text to parts and back, and sets of layouts that would be ambiguous.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.certificate_number import (
    LayoutSet,
    format_number,
    grouped,
    layout_set,
    layout_set_from_files,
    load_layouts,
    normalise_typed_number,
    number_prefix,
    parse_number,
)
from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.identifiers import ALPHANUMERIC, mod_37_36_check
from certs.institution_code import make_institution_code, parse_institution_code
from certs.jurisdictions import provinces
from certs.package_data import read_toml

LAYOUTS = load_layouts()
KZ1 = LAYOUTS.by_id("kz-1")
EXAMPLE = "P000115000001242000123M"
PROVINCES = [place.code for place in provinces()]


def entry(**changes: Any) -> dict[str, Any]:
    return read_toml("number_layouts", "kz-1.toml") | {"id": "other"} | changes


def test_the_example_of_the_contract() -> None:
    text = format_number(
        KZ1, institution_code="P000115000001", issued_year=2024, grade=Grade.INTERMEDIATE, serial=123
    )
    assert text == EXAMPLE
    number = parse_number(EXAMPLE, LAYOUTS)
    assert number.text == EXAMPLE
    assert number.kind is CertificateKind.ASSESSMENT
    assert number.institution_code == "P000115000001"
    assert (number.year, number.grade, number.serial) == (2024, Grade.INTERMEDIATE, 123)
    assert number.layout.id == "kz-1"
    assert not number.layout.official
    assert grouped(number) == "P0001 15 000001 24 2 000123 M"


@given(
    st.sampled_from(CertificateKind),
    st.integers(0, 9999),
    st.sampled_from(PROVINCES),
    st.integers(0, 999_999),
    st.integers(2000, 2099),
    st.sampled_from(Grade),
    st.integers(1, 999_999),
)
def test_what_is_formatted_is_parsed(
    kind: CertificateKind,
    registration: int,
    province: str,
    sequence: int,
    year: int,
    grade: Grade,
    serial: int,
) -> None:
    code = make_institution_code(kind, registration, province, sequence)
    assert parse_institution_code(code.text) == code
    text = format_number(KZ1, institution_code=code.text, issued_year=year, grade=grade, serial=serial)
    number = parse_number(text, LAYOUTS)
    assert len(text) == KZ1.length == 23
    assert number[2:] == (kind, code.text, year, grade, serial)
    assert text.startswith(number_prefix(KZ1, institution_code=code.text, issued_year=year, grade=grade))
    assert normalise_typed_number(grouped(number)) == text


def test_every_single_wrong_character_is_noticed() -> None:
    for place in range(len(EXAMPLE)):
        for character in ALPHANUMERIC:
            if character != EXAMPLE[place]:
                with pytest.raises(KezhengError) as caught:
                    parse_number(EXAMPLE[:place] + character + EXAMPLE[place + 1 :], LAYOUTS)
                assert caught.value.code in ("number_check_failed", "number_layout_unknown")


@pytest.mark.parametrize(
    "typed",
    [
        "p000115000001242000123m",
        " P0001 15 000001 24 2 000123 M\n",
        "P0001-15-000001-24-2-000123-M",
        "Ｐ０００１１５０００００１２４２０００１２３Ｍ",
        "P0001\u30001500\u200b0001·24·2·000123·M",
    ],
)
def test_typed_forms_are_normalised(typed: str) -> None:
    assert normalise_typed_number(typed) == EXAMPLE


def with_check(body: str) -> str:
    return body + mod_37_36_check(body)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (EXAMPLE[:-1] + "N", "number_check_failed"),
        ("P000115000001242000132M", "number_check_failed"),
        ("", "number_layout_unknown"),
        (EXAMPLE + "0", "number_layout_unknown"),
        (EXAMPLE[:-1], "number_layout_unknown"),
        (EXAMPLE.lower(), "number_layout_unknown"),
        (EXAMPLE + "\n", "number_layout_unknown"),
        ("Y" + EXAMPLE[1:], "number_layout_unknown"),
        (EXAMPLE.replace("000123", "00012O"), "number_layout_unknown"),
        (EXAMPLE.replace("000123", "00012３"), "number_layout_unknown"),
        (with_check("P000115000001244000123"), "number_layout_unknown"),
        (with_check("P000199000001242000123"), "number_layout_unknown"),
        (with_check("P000115000001242000000"), "number_layout_unknown"),
        ("Y000123000000195000001", "number_layout_unknown"),
    ],
)
def test_other_text_is_refused(text: str, code: str) -> None:
    with pytest.raises(KezhengError) as caught:
        parse_number(text, LAYOUTS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"institution_code": "P00011500001"}, "institution_code_malformed"),
        ({"institution_code": "X000115000001"}, "institution_code_malformed"),
        ({"institution_code": "P000100000001"}, "institution_code_malformed"),
        ({"issued_year": 1999}, "number_year_out_of_range"),
        ({"issued_year": 2100}, "number_year_out_of_range"),
        ({"grade": None}, "number_grade_missing"),
        ({"serial": 0}, "number_serial_out_of_range"),
        ({"serial": 1_000_000}, "number_serial_out_of_range"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], code: str) -> None:
    parts = {"institution_code": "P000115000001", "issued_year": 2024, "grade": Grade.SENIOR, "serial": 1}
    with pytest.raises(KezhengError) as caught:
        format_number(KZ1, **(parts | changes))
    assert caught.value.code == code


@pytest.mark.parametrize("parts", [(10_000, "15", 1), (1, "15", 1_000_000), (-1, "15", 1), (1, "00", 1)])
def test_an_institution_code_of_parts_that_do_not_fit_is_refused(parts: tuple[int, str, int]) -> None:
    with pytest.raises(KezhengError) as caught:
        make_institution_code(CertificateKind.TRAINING, *parts)
    assert caught.value.code == "institution_code_malformed"


def test_a_layout_without_grade_and_check_stands_beside_ours() -> None:
    segments = [segment for segment in entry()["segments"] if segment["name"] != "grade"]
    changed = entry(segments=segments, check=None, groups=[21], official=True)
    layouts = layout_set([entry(id="kz-1"), changed])
    text = format_number(
        layouts.by_id("other"), institution_code="T000145000001", issued_year=2026, grade=None, serial=7
    )
    assert text == "T00014500000126000007"
    number = parse_number(text, layouts)
    assert (number.grade, number.layout.official, number.serial) == (None, True, 7)
    assert parse_number(EXAMPLE, layouts).layout.id == "kz-1"


def test_layouts_that_one_string_may_fit_are_refused_together() -> None:
    with pytest.raises(KezhengError) as caught:
        layout_set([entry(id="kz-1"), entry()])
    assert caught.value.code == "layouts_overlap"
    assert caught.value.params == {"one": "kz-1", "other": "other"}


def test_layouts_that_one_place_tells_apart_are_accepted_together() -> None:
    segments = [{"name": "kind", "values": ["Y", "S"]}, *entry()["segments"][1:]]
    assert len(layout_set([entry(id="kz-1"), entry(segments=segments)]).layouts) == 2


def test_two_layouts_of_one_name_are_refused() -> None:
    segments = [{"name": "kind", "values": ["Y", "S"]}, *entry()["segments"][1:]]
    with pytest.raises(KezhengError) as caught:
        layout_set([entry(), entry(segments=segments)])
    assert caught.value.code == "layouts_overlap"


@pytest.mark.parametrize(
    "changes",
    [
        {"segments": entry()["segments"][1:]},
        {"segments": [*entry()["segments"], entry()["segments"][0]]},
        {"segments": [*reversed(entry()["segments"])]},
        {"segments": [{"name": "kind", "values": ["P", "TT"]}, *entry()["segments"][1:]]},
        {"segments": [{"name": "kind", "values": ["p"]}, *entry()["segments"][1:]]},
        {"segments": [{"name": "colour", "digits": 1}, *entry()["segments"]]},
        {"segments": [{"name": "kind"}, *entry()["segments"][1:]]},
        {"check": "luhn"},
        {"groups": [5, 2]},
    ],
)
def test_what_is_not_a_layout_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(KezhengError) as caught:
        layout_set([entry(**changes)])
    assert caught.value.code == "layout_malformed"


@pytest.mark.parametrize("content", [b"\xff", b"id = ", b"id = 'x'"])
def test_a_file_that_is_not_a_layout_is_refused(content: bytes) -> None:
    with pytest.raises(KezhengError) as caught:
        layout_set_from_files({"x.toml": content})
    assert caught.value.code == "layout_malformed"


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(KezhengError) as caught:
        LAYOUTS.by_id("kz-2")
    assert caught.value.code == "number_layout_unknown"


# --- numbers of a series that is known against the reading of every number as a whole

UNKNOWN_LENGTHS = LayoutSet(LAYOUTS.layouts, {})
SHORTER = layout_set([entry(id="kz-1"), entry(check=None, groups=[22])])


def parsed(text: str, layouts: LayoutSet) -> object:
    """The parts of a number, else the code of the refusal."""
    try:
        return parse_number(text, layouts)
    except KezhengError as error:
        return error.code


def with_check(body: str) -> str:
    return body + mod_37_36_check(body)


@given(st.text(ALPHANUMERIC + "-_ ０٣²", min_size=1, max_size=9), st.integers(0, 22), st.booleans())
def test_a_known_series_changes_no_answer(part: str, place: int, is_checked: bool) -> None:
    """Parts of a number are overwritten, mostly with its check character made right again."""
    text = EXAMPLE[:place] + part + EXAMPLE[place + len(part) :]
    if is_checked and set(text[:-1]) <= set(ALPHANUMERIC):
        text = with_check(text[:-1])
    parse_number(EXAMPLE, LAYOUTS)
    assert parsed(text, LAYOUTS) == parsed(text, UNKNOWN_LENGTHS)


@given(st.integers(0, 1_000_000), st.sampled_from(ALPHANUMERIC))
def test_serials_of_a_known_series(serial: int, check: str) -> None:
    body = f"{EXAMPLE[:16]}{serial:06}"
    for text in (body + check, with_check(body)):
        assert parsed(text, LAYOUTS) == parsed(text, UNKNOWN_LENGTHS)


@pytest.mark.parametrize("code", ["P000199000001", "X000115000001"])
def test_a_series_that_no_institution_can_have(code: str) -> None:
    for serial in (1, 2):
        assert parsed(with_check(f"{code}242{serial:06}"), LAYOUTS) == "number_layout_unknown"


def test_layouts_of_two_lengths_with_series_of_one_beginning() -> None:
    """Without check character the same beginning is another series: the length tells them apart."""
    for text, layout_id in ((EXAMPLE, "kz-1"), (EXAMPLE[:-1], "other"), (EXAMPLE, "kz-1")):
        number = parse_number(text, SHORTER)
        assert (number.layout.id, number.text, number.serial) == (layout_id, text, 123)
    assert parsed(EXAMPLE[:-2], SHORTER) == "number_layout_unknown"
