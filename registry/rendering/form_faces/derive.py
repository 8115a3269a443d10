"""Makes the face for personal text from Noto Serif CJK: ``python registry/rendering/form_faces/derive.py``.

Names and numbers change with every certificate, so they stand in a face of their own, from which the few glyphs of
one certificate are taken (person_face.py), while the glyphs of all other text stay the same. The full face would not
do: its 65,535 glyphs share subroutines. This face has the same outlines with the subroutines written out, for the
characters that names mostly need, and no tables that move or replace glyphs. Any other character comes from the full
face. The result is committed, because making it takes some 20 seconds.

Noto CJK is under the SIL Open Font License 1.1 (OFL.txt beside this file), which wants modified versions renamed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc")
SOURCE_FAMILY = "Noto Serif CJK SC"
NAME = "Kezheng Form Person"
PLAIN = "".join(map(chr, range(32, 127))) + "·"
"""ASCII, and the dot of names (U+00B7), which GB 2312 has under another code point."""
NAMES_BEYOND_GB_2312 = (
    "玥堃喆珺琰瑄晞昪甯翀赟韡镕昇璟瑀玘珩琤瑧祎祐禔禛旻昉昶煊煜烜焜熠燚淏湉滢濛瀞"
    "彧懿翊翎翾芃芫苒茜荻菡菀蓁蕤薇薏妧姮婳婧媖嫄嬿"
)
DROPPED_TABLES = ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]


def gb_2312() -> str:
    """The hanzi and the commoner signs of GB 2312-80."""
    cells = (bytes([row, cell]) for row in (*range(0xA1, 0xA4), *range(0xB0, 0xF8)) for cell in range(0xA1, 0xFF))
    return "".join(cell.decode("gb2312", "ignore") for cell in cells)


def source_face() -> TTFont:
    """The face of simplified Chinese in the collection. Raises LookupError."""
    for number in range(16):
        face = TTFont(SOURCE, fontNumber=number, lazy=True)
        if face["name"].getDebugName(1) == SOURCE_FAMILY:
            return face
    raise LookupError(SOURCE_FAMILY)


def reduce_to(face: TTFont, characters: str) -> None:
    """Keep these characters, outlines without subroutines and hints, and the licence."""
    options = Options(
        layout_features=[],
        hinting=False,
        desubroutinize=True,
        notdef_outline=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
    )
    options.drop_tables += DROPPED_TABLES
    subsetter = Subsetter(options)
    subsetter.populate(unicodes={ord(character) for character in characters})
    subsetter.subset(face)


def rename(face: TTFont) -> None:
    """Give the face its own family name: it is no longer Noto."""
    file_name = NAME.replace(" ", "")
    for record in face["name"].names:
        if record.nameID in (1, 4):
            record.string = NAME
        elif record.nameID in (3, 6):
            record.string = file_name
    outlines = face["CFF "].cff
    outlines.fontNames[0] = file_name
    outlines.topDictIndex[0].FullName = outlines.topDictIndex[0].FamilyName = NAME


def main() -> None:
    """Write the face; the same sources give the same bytes."""
    face = source_face()
    reduce_to(face, PLAIN + gb_2312() + NAMES_BEYOND_GB_2312)
    rename(face)
    face.recalcTimestamp = False
    target = HERE / f"{NAME.replace(' ', '')}.otf"
    face.save(target)
    sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
