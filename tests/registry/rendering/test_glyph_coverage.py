"""A character that would print as a box is found before anything is signed."""

from pathlib import Path

import pytest
from fontTools.ttLib import TTCollection

from certs.errors import KezhengError
from registry.rendering import font_files
from registry.rendering.glyph_coverage import missing_glyphs


@pytest.mark.parametrize("name", ["张小明", "买买提·吐尔逊", "𠮷田", "𪻐", "㐀龘", "Anna Müller", "Đặng Thị Hương"])
def test_names_that_print(name: str) -> None:
    assert missing_glyphs(name) == ""


@pytest.mark.parametrize("character", ["\ue000", "\U000323af", "\U000f0000", "\u200b", "\u202e", "\x07"])
def test_characters_that_do_not(character: str) -> None:
    assert missing_glyphs(f"张{character}小{character}") == character


def test_each_missing_character_once_in_order() -> None:
    assert missing_glyphs("\U000323af张\ue000\U000323af") == "\U000323af\ue000"


@pytest.mark.parametrize("name", ["NotoSerifCJK-Regular.ttc", "NotoSansCJK-Regular.ttc"])
def test_faces_of_a_collection_have_the_same_characters(name: str) -> None:
    """So the first face may answer for the one that is printed."""
    path = font_files.font_files()[name]
    with TTCollection(path, lazy=True) as collection:
        assert len({frozenset(face.getBestCmap()) for face in collection}) == 1


def test_missing_fonts_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "HanaMinA.ttf").touch()
    monkeypatch.setattr(font_files, "_DEBIAN_FOLDERS", (tmp_path, tmp_path / "absent"))
    monkeypatch.setattr(font_files, "_known_to_fontconfig", list)
    font_files.font_files.cache_clear()
    try:
        with pytest.raises(KezhengError) as raised:
            font_files.font_files()
    finally:
        font_files.font_files.cache_clear()
    assert raised.value.code == "fonts_missing"
    assert "NotoSerifCJK-Regular.ttc" in str(raised.value.params["files"])
    assert "HanaMinA.ttf" not in str(raised.value.params["files"])
    assert "fonts-noto-cjk" in str(raised.value.params["packages"])
