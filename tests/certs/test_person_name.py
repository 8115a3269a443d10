"""Names: what is put right, what is refused, and that what is signed is one text in one form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.person_name import MAX_CHARACTERS, has_han, read_name

NEWEST_HAN = "\U00031350\U0002ebf0"


@pytest.mark.parametrize(
    "name",
    [
        "张三",
        "王",
        "欧阳娜娜",
        "𠮷田",
        "㐂多",
        "𪻐",
        "李" + NEWEST_HAN,
        "刘〇",
        "佐々木",
        "买买提·艾力",
        "John Smith",
        "José María",
        "汉" * 25,
        "a" * 50,
    ],
)
def test_names_that_stay_as_they_are(name: str) -> None:
    assert read_name(name) == (name, None, ())


@pytest.mark.parametrize(
    ("raw", "name", "notices"),
    [
        ("张 三", "张三", ["name_space_removed"]),
        ("张\u3000三", "张三", ["name_space_removed"]),
        (" 张三 \n", "张三", ["name_space_removed"]),
        ("John  Smith", "John Smith", ["name_space_removed"]),
        ("阿卜杜拉 · 买买提", "阿卜杜拉·买买提", ["name_space_removed"]),
        *((f"买买提{dot}艾力", "买买提·艾力", ["name_dot_normalised"]) for dot in "・•‧．."),
        ("Jose\u0301", "José", ["name_characters_normalised"]),
        ("Ｊｏｈｎ", "John", ["name_characters_normalised"]),
        ("\uf900", "豈", ["name_characters_normalised"]),
    ],
)
def test_names_that_are_put_right_with_a_notice(raw: str, name: str, notices: list[str]) -> None:
    reading = read_name(raw)
    assert (reading.name, reading.fault) == (name, None)
    assert [notice.code for notice in reading.notices] == notices


@pytest.mark.parametrize(
    ("raw", "code", "params"),
    [
        ("", "name_empty", {}),
        (" \u3000", "name_empty", {}),
        ("张\u200b三", "name_invisible_character", {"place": 1}),
        ("张三\u202e", "name_invisible_character", {"place": 2}),
        ("张三\u0000丰", "name_invisible_character", {"place": 2}),
        ("张\ufe00三", "name_invisible_character", {"place": 1}),
        ("ab\u0301\u0301", "name_invisible_character", {"place": 2}),
        ("张\ud800", "name_invisible_character", {"place": 1}),
        ("\ufeff张三", "name_invisible_character_first", {}),
        ("\u3164", "name_invisible_character_first", {}),
        ("\u0301a", "name_invisible_character_first", {}),
        ("张三1", "name_character_not_allowed", {"character": "1"}),
        ("<b>", "name_character_not_allowed", {"character": "<"}),
        ("O'Brien", "name_character_not_allowed", {"character": "'"}),
        ("张😀", "name_character_not_allowed", {"character": "😀"}),
        ("·张三", "name_character_not_allowed", {"character": "·"}),
        ("张三·", "name_character_not_allowed", {"character": "·"}),
        ("张··三", "name_character_not_allowed", {"character": "·"}),
        ("a· ·b", "name_character_not_allowed", {"character": "·"}),
        ("汉" * 26, "name_too_long", {"limit": 25}),
        ("a" * 51, "name_too_long_letters", {"limit": 50}),
        ("a " * 35, "name_too_long_letters", {"limit": 50}),
    ],
)
def test_names_that_are_refused(raw: str, code: str, params: dict[str, object]) -> None:
    fault = read_name(raw).fault
    assert fault is not None
    assert (fault.code, dict(fault.params)) == (code, params)


@pytest.mark.parametrize(
    ("character", "code_point", "proposal"),
    [
        ("\ue863", "U+E863", "“䶮”"),
        ("\ue816", "U+E816", "“𠂇”"),
        ("\uf8ff", "U+F8FF", ""),
        ("\U000f0000", "U+F0000", ""),
    ],
)
def test_a_private_character_is_shown_with_its_standard_form(
    character: str, code_point: str, proposal: str
) -> None:
    fault = read_name(f"张{character}").fault
    assert fault is not None
    assert fault.code == "name_private_use_character"
    assert fault.params == {"character": character, "code_point": code_point, "proposal": proposal}


@given(st.text(max_size=70))
def test_an_accepted_name_is_settled_and_safe(raw: str) -> None:
    reading = read_name(raw)
    if reading.fault is None:
        name = reading.name
        assert read_name(name) == (name, None, ())
        assert unicodedata.is_normalized("NFC", name)
        assert 1 <= len(name) <= MAX_CHARACTERS
        assert all(unicodedata.category(c)[0] == "L" or c in " ·〇" or has_han(c) for c in name)
        assert "  " not in name
        assert name == name.strip()


@given(st.text(alphabet="张三・•\u3000 \u200bé\u0301Ａa.1\ue863𠮷", max_size=12))
def test_the_same_holds_for_text_made_of_what_the_rules_are_about(raw: str) -> None:
    reading = read_name(raw)
    if reading.fault is None:
        assert read_name(reading.name) == (reading.name, None, ())
