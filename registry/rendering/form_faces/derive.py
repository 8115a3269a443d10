"""Makes the form faces from Noto CJK: ``python registry/rendering/form_faces/derive.py``.

A face of Noto CJK holds 65,535 glyphs whose outlines share subroutines; taking a page's few glyphs out of it costs
more than a millisecond for each face of each PDF, three quarters of the whole work. The form faces have the same
outlines with the subroutines written out, for the characters that certificates mostly need. Any other character
is taken from the full face, at that price. Run it again when the words of the form change; the result is committed.

Noto CJK is under the SIL Open Font License 1.1 (OFL.txt beside this file), which wants modified versions renamed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
NOTO = Path("/usr/share/fonts/opentype/noto")
REGION = "SC"
ASCII = "".join(map(chr, range(32, 127)))
TITLE_WORDS = "专业技术等级证书培训合格初中高演示样张 "
NAMES_BEYOND_GB_2312 = "玥堃喆珺琰瑄晞昪甯翀赟韡镕昇璟瑀玘珩琤瑧祎祐禔禛旻昉昶煊煜烜焜熠燚淏湉滢濛瀞彧懿翊翎翾芃芫苒茜荻菡菀蓁蕤薇薏妧姮婳婧媖嫄嬿"
DROPPED_TABLES = ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]


def gb_2312() -> str:
    """The hanzi and signs of GB 2312-80."""
    cells = (bytes([row, cell]) for row in (*range(0xA1, 0xA4), *range(0xB0, 0xF8)) for cell in range(0xA1, 0xFF))
    return "".join(cell.decode("gb2312", "ignore") for cell in cells)


def form_words() -> str:
    """Every character of the sources that hold the form's words."""
    sources = [HERE.parent / "certificate_face.py", *sorted((HERE.parent / "certificate_form").glob("*.typ"))]
    return "".join(source.read_text("utf-8") for source in sources)


def region_face(path: Path, family: str) -> TTFont:
    """The face of a collection whose family name is given."""
    for number in range(64):
        face = TTFont(path, fontNumber=number, lazy=True)
        if face["name"].getDebugName(1) == family:
            return face
    raise LookupError(family)


def derive(source: str, family: str, name: str, characters: str) -> None:
    """Write one form face."""
    face = region_face(NOTO / source, family)
    options = Options(
        layout_features=[], hinting=False, desubroutinize=True, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14]
    )
    options.drop_tables += DROPPED_TABLES
    subsetter = Subsetter(options)
    subsetter.populate(unicodes={ord(character) for character in characters if character.isprintable()})
    subsetter.subset(face)
    rename(face, name)
    face["head"].modified = face["head"].created
    face.recalcTimestamp = False
    face.save(HERE / f"{name.replace(' ', '')}.otf")


def rename(face: TTFont, name: str) -> None:
    """Give the face its own family name: it is no longer Noto."""
    for record in face["name"].names:
        if record.nameID in (1, 4):
            record.string = name
        elif record.nameID in (3, 6):
            record.string = name.replace(" ", "")
    top = face["CFF "].cff
    top.fontNames[0] = name.replace(" ", "")
    top.topDictIndex[0].FullName = top.topDictIndex[0].FamilyName = name


def main() -> None:
    """Write the three faces."""
    words = ASCII + form_words()
    values = words + gb_2312() + NAMES_BEYOND_GB_2312
    derive("NotoSerifCJK-Regular.ttc", f"Noto Serif CJK {REGION}", "Kezheng Form Person", values)
    derive("NotoSerifCJK-Regular.ttc", f"Noto Serif CJK {REGION}", "Kezheng Form Serif", values)
    derive("NotoSansCJK-Regular.ttc", f"Noto Sans CJK {REGION}", "Kezheng Form Sans", words)
    derive("NotoSerifCJK-Bold.ttc", f"Noto Serif CJK {REGION}", "Kezheng Form Title", TITLE_WORDS)
    sys.stdout.write("three form faces written\n")


if __name__ == "__main__":
    main()
