"""Subsets of the face for personal text: the same outlines as in the whole face, whatever program reads them."""

import re
from io import BytesIO

import pytest
from fontTools.cffLib import CFFFontSet
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont

from registry.rendering.font_files import PERSON_FACE
from registry.rendering.person_face import PersonFace

SIGNS = list("张小明 P0123456789M*·年月日-:")


@pytest.fixture(scope="module")
def face() -> PersonFace:
    return PersonFace()


def test_glyphs_are_those_of_the_face_in_the_order_asked_for(face: PersonFace) -> None:
    subset = face.subset(SIGNS)
    read = CFFFontSet()
    read.decompile(BytesIO(subset.outlines), None)
    top = read.topDictIndex[0]
    assert read.fontNames == [f"{subset.tag.decode()}+KezhengFormPerson"]
    assert top.FontBBox == list(face.box)
    with TTFont(PERSON_FACE) as whole:
        glyphs, names = whole.getGlyphSet(), whole.getBestCmap()
        for name, source in zip(top.charset, [".notdef", *(names[ord(sign)] for sign in SIGNS)], strict=True):
            mine, theirs = RecordingPen(), RecordingPen()
            top.CharStrings[name].draw(mine)
            glyphs[source].draw(theirs)
            assert mine.value == theirs.value
            assert top.CharStrings[name].width == glyphs[source].width
        widths = [glyphs[".notdef"].width, *(glyphs[names[ord(sign)]].width for sign in SIGNS)]
    assert subset.widths == b"[0[%b]]" % b" ".join(b"%d" % width for width in widths)


def test_each_glyph_tells_its_character_in_blocks_of_a_hundred(face: PersonFace) -> None:
    signs = [chr(point) for point in range(0x4E00, 0x5000) if face.has(chr(point))][:230]
    subset = face.subset(signs)
    table = subset.to_unicode.decode()
    assert re.findall(r"(\d+) beginbfchar", table) == ["100", "100", "30"]
    mapped = re.findall(r"^<(\w{4})> <(\w{4})>$", table.partition("beginbfchar")[2], re.MULTILINE)
    assert [(int(glyph, 16), chr(int(shown, 16))) for glyph, shown in mapped] == list(enumerate(signs, 1))
    assert "".join(format(byte, "08b") for byte in subset.listed) == "1" * 231 + "0"


def test_name_of_a_subset_follows_from_its_characters(face: PersonFace) -> None:
    assert face.subset(SIGNS) == PersonFace().subset(SIGNS)
    assert face.subset(SIGNS).tag != face.subset(SIGNS[1:]).tag
    assert re.fullmatch(rb"[A-Z]{6}", face.subset(SIGNS).tag)


def test_nothing_in_the_face_makes_a_page_depend_on_the_chosen_hanzi() -> None:
    """What page_shape.py builds on: all equally wide, and no table that moves or replaces glyphs."""
    with TTFont(PERSON_FACE) as whole:
        assert not {"GSUB", "GPOS", "kern", "morx"} & set(whole.keys())
        names = whole.getBestCmap()
        hanzi = [point for point in names if 0x4E00 <= point < 0x9FA6]
        assert len(hanzi) > 6_700
        assert {whole["hmtx"][names[point]][0] for point in hanzi} == {1000}


def test_face_says_what_it_lacks(face: PersonFace) -> None:
    assert face.has("张小明·X")
    assert not face.has("张𬭎")
    with pytest.raises(KeyError):
        face.subset(["𬭎"])
