"""Cutting the content of a page where it shows text in one font."""

import pytest

from registry.rendering.page_content import HOLE, cut_content, glyph_characters

CONTENT = (
    b"q 1 0 0 -1 9 9 cm\nBT 0 Tr/f0 9 Tf 1 0 0 -1 0 0 Tm[(\\000\\001)]TJ\nET\n"
    b"BT 0 Tr/f3 12 Tf 1 0 0 -1 0 0 Tm[(\\000\\001\\000\\))-30(\\000\\b\\000]\\000\\\\)11.5<0001000A>]TJ\nET\n"
    b"BT 0 Tr/f3 8.6 Tf 1 0 0 -1 0 0 Tm[<005D>]TJ\nET Q"
)
CHARACTERS = {1: "甲", 8: "乙", 10: "丙", 0x29: "丁", 0x5C: "戊", 0x5D: "己"}


def test_only_this_font_is_cut_and_what_moves_glyphs_stays() -> None:
    cut = cut_content(CONTENT, b"f3", CHARACTERS)
    assert cut.shown == [
        b"[<%b>-30<%b>11.5<%b>]TJ" % (HOLE * 2, HOLE * 3, HOLE * 2),
        b"[<%b>]TJ" % HOLE,
    ]
    assert cut.text == "甲丁乙己戊甲丙己"
    assert len(cut.kept) == 3
    assert b"".join(cut.kept).count(b"TJ") == 1
    assert b"".join((cut.kept[0], b"!", cut.kept[1], b"!", cut.kept[2])).count(b"Tm!\nET") == 2


def test_another_font_leaves_the_content_whole() -> None:
    assert cut_content(CONTENT, b"f9", CHARACTERS).kept == [CONTENT]


def test_glyph_without_a_character_is_refused() -> None:
    with pytest.raises(KeyError):
        cut_content(CONTENT, b"f3", {1: "甲"})


def test_table_of_characters_is_read_and_its_code_space_is_not() -> None:
    space = b"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
    mapped = b"2 beginbfchar\n<0001> <5F20>\n<000A> <D86DDF4E>\nendbfchar"
    assert glyph_characters(space + mapped) == {1: "张", 10: "𫝎"}
