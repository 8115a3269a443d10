"""Division codes: which are known, how they are read, and what a city falls back to."""

from __future__ import annotations

import pytest

from certs.errors import KezhengError
from certs.jurisdictions import Jurisdiction, parse_place, provinces


def test_there_are_34_provinces_and_one_declared_extension() -> None:
    assert len([place for place in provinces() if not place.is_extension]) == 34
    assert [place.code for place in provinces() if place.is_extension] == ["66"]
    assert len({place.code for place in provinces()}) == 35


@pytest.mark.parametrize("text", ["45", "4500", "450000", " 45 "])
def test_trailing_zero_pairs_do_not_matter(text: str) -> None:
    place = parse_place(text)
    assert (place.code, place.jurisdiction.name_zh) == ("45", "广西壮族自治区")
    assert place.lookup_order == ("45",)


@pytest.mark.parametrize("text", ["0", "00", "0000", "000000"])
def test_zeros_are_the_nation(text: str) -> None:
    assert parse_place(text).is_national


def test_a_county_is_looked_up_from_the_nearest_rule() -> None:
    assert parse_place("450102").lookup_order == ("450102", "4501", "45")
    assert parse_place("450100").lookup_order == ("4501", "45")
    assert parse_place("152501").jurisdiction.code == "15"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "451",
        "45010",
        "4501000",
        "99",
        "990100",
        "450001",
        "000100",
        "gx",
        "４５",
        "٤٥",
        "45\n01",
        "-5",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(KezhengError) as caught:
        parse_place(text)
    assert caught.value.code == "jurisdiction_unknown"


@pytest.mark.parametrize("province", provinces(), ids=lambda place: place.code)
def test_every_province_parses_and_has_names(province: Jurisdiction) -> None:
    assert parse_place(province.code).jurisdiction == province
    assert province.name_zh.startswith(province.short_zh[:1]) or province.short_zh == "兵团"
    assert province.name_en
