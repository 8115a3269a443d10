"""What an honest workbook holds, in all the forms in which programs write it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import hostile_workbooks as made
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import registry
from certs.errors import KezhengError
from certs.sheet import Cell, Row
from registry.issuing.roster_workbook import WorkbookLimits, decode_frame, read_workbook
from registry.issuing.workbook_child import read_to_frame

STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
DATE_STYLE = '<numFmts><numFmt numFmtId="164" formatCode="yyyy/m/d;@"/></numFmts><cellXfs><xf numFmtId="0"/>'
STYLES = f'{DATE_STYLE}<xf numFmtId="164"/><xf numFmtId="14"/><xf numFmtId="46"/></cellXfs>'


def read_here(data: bytes) -> list[Row]:
    """The rows of the first sheet, read in this process: an exception that is not ours would show."""
    return decode_frame(b"".join(read_to_frame(data, WorkbookLimits()))).sheets[0].rows


def one_cell(cell: str, **changes: str) -> Cell | None:
    rows = read_here(made.workbook(f'<row r="1">{cell}</row>', **changes))
    return rows[0].cells[0] if rows else None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c r="A1"><v>59.5</v></c>', Cell("n", "59.5")),
        ('<c r="A1" t="n"><v>1.1010519491231E+17</v></c>', Cell("n", "1.1010519491231E+17")),
        ('<c r="A1"><v> 12 </v></c>', Cell("n", "12")),
        ('<c r="A1"><v>1E999999999</v></c>', Cell("s", "1E999999999")),
        ('<c r="A1"><v>NaN</v></c>', Cell("s", "NaN")),
        ('<c r="A1" t="b"><v>1</v></c>', Cell("b", "TRUE")),
        ('<c r="A1" t="b"><v>0</v></c>', Cell("b", "FALSE")),
        ('<c r="A1" t="e"><v>#N/A</v></c>', Cell("e", "#N/A")),
        ('<c r="A1" t="str"><v>张三</v></c>', Cell("s", "张三")),
        ('<c r="A1" t="inlineStr"><is><t xml:space="preserve"> 张 三 </t></is></c>', Cell("s", " 张 三 ")),
        ('<c r="A1" t="inlineStr"><is><r><t>张</t></r><r><rPr/><t>三</t></r></is></c>', Cell("s", "张三")),
        ('<c r="A1" t="inlineStr"><is><t>李</t><rPh sb="0" eb="1"><t>リ</t></rPh></is></c>', Cell("s", "李")),
        ('<c r="A1" t="inlineStr"><is><t>a_x000D_b_x005F_x000D_</t></is></c>', Cell("s", "a\rb_x000D_")),
        ('<c r="A1" t="inlineStr"><is><t>_xD800__x0000_</t></is></c>', Cell("s", "_xD800__x0000_")),
        ('<c r="A1" t="inlineStr"><is><t>a<!-- no -->b<![CDATA[<c>]]></t></is></c>', Cell("s", "ab<c>")),
        ('<c r="A1"><f>1+1</f><v>2</v></c>', Cell("f", "=1+1")),
        (
            '<c r="A1" t="str"><f>HYPERLINK("http://x/","张三")</f><v>张三</v></c>',
            Cell("f", '=HYPERLINK("http://x/","张三")'),
        ),
        ('<c r="A1"><f t="shared" si="0"/><v>2</v></c>', Cell("f", "=")),
        ('<c r="A1" s="1"><v>45432</v></c>', Cell("d", "2024-05-20")),
        ('<c r="A1" s="2"><v>45432.5</v></c>', Cell("d", "2024-05-20T12:00:00")),
        ('<c r="A1" s="2"><v>45431.999999</v></c>', Cell("d", "2024-05-20")),
        ('<c r="A1" s="3"><v>0.75</v></c>', Cell("d", "18:00:00")),
        ('<c r="A1" s="1"><v>1</v></c>', Cell("d", "1900-01-01")),
        ('<c r="A1" s="1"><v>60</v></c>', Cell("d", "1900-02-29")),
        ('<c r="A1" s="1"><v>61</v></c>', Cell("d", "1900-03-01")),
        ('<c r="A1" s="1"><v>-1</v></c>', Cell("n", "-1")),
        ('<c r="A1" s="1"><v>20240520</v></c>', Cell("n", "20240520")),
        ('<c r="A1" s="99"><v>45432</v></c>', Cell("n", "45432")),
        ('<c r="A1" t="d"><v>2024-05-20T00:00:00Z</v></c>', Cell("d", "2024-05-20")),
        ('<c r="A1" t="d"><v>2024-05-20T08:30:00.000</v></c>', Cell("d", "2024-05-20T08:30:00")),
        ('<c r="A1" t="d"><v>soon</v></c>', Cell("s", "soon")),
        ('<c r="A1" s="1"/>', None),
        ('<c r="A1" t="inlineStr"><is><t/></is></c>', None),
        ("<c><v>7</v></c>", Cell("n", "7")),
        ('<c r="A1">\n  <v>\n7</v>\n</c>', Cell("n", "7")),
    ],
)
def test_forms_of_a_cell(cell: str, expected: Cell | None) -> None:
    assert one_cell(cell, styles=STYLES) == expected


@pytest.mark.parametrize("cell", ['<c r="A1" t="s"><v>0</v></c>', '<c r="A1" t="s"><v> 0 </v></c>'])
@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("<si><t>李四</t></si>", "李四"),
        ('<si><r><t>李</t></r><r><t xml:space="preserve"> 四</t></r></si>', "李 四"),
        ('<si><t>李四</t><rPh sb="0" eb="1"><t>リシ</t></rPh><phoneticPr fontId="1"/></si>', "李四"),
        ("<si>\n <t>𠮷&#38;&lt;</t>\n</si>", "𠮷&<"),
    ],
)
def test_shared_strings(cell: str, item: str, text: str) -> None:
    assert one_cell(cell, strings=item) == Cell("s", text)


def test_strict_form() -> None:
    cell = '<c r="A1" t="s"><v>0</v></c>'
    found = one_cell(cell, strings="<si><t>王五</t></si>", namespace=STRICT, relations=STRICT_RELATIONS)
    assert found == Cell("s", "王五")


@pytest.mark.parametrize("value", ["1", "true"])
def test_dates_from_1904(value: str) -> None:
    rest = f'<workbookPr date1904="{value}"/>'
    assert one_cell('<c r="A1" s="1"><v>0</v></c>', styles=STYLES, workbook_rest=rest) == Cell(
        "d", "1904-01-01"
    )
    assert one_cell('<c r="A1" s="1"><v>60</v></c>', styles=STYLES, workbook_rest=rest) == Cell(
        "d", "1904-03-01"
    )


def test_prefixed_names_and_utf16() -> None:
    contents = made.parts('<row r="1"><c r="A1"><v>3</v></c></row>')
    sheet = str(contents["xl/worksheets/sheet1.xml"])
    for name in ("worksheet", "sheetData", "row"):
        sheet = sheet.replace(f"<{name}", f"<x:{name}").replace(f"</{name}", f"</x:{name}")
    sheet = (
        sheet.replace("<c ", "<x:c ")
        .replace("</c>", "</x:c>")
        .replace("<v>", "<x:v>")
        .replace("</v>", "</x:v>")
    )
    sheet = sheet.replace("xmlns=", "xmlns:x=").replace("UTF-8", "UTF-16")
    contents["xl/worksheets/sheet1.xml"] = sheet.encode("utf-16")
    assert read_here(made.pack(contents))[0].cells == (Cell("n", "3"),)


def test_gaps_numbers_and_hidden_rows() -> None:
    rows = read_here(
        made.workbook(
            '<row r="2"><c r="B2"><v>1</v></c><c r="D2" s="0"/></row><row r="4"/>'
            '<row r="5" hidden="1"><c r="A5"><v>2</v></c></row>'
            '<row r="7" ht="0" customHeight="1"><c r="A7"><v>3</v></c></row>'
            "<row><c><v>4</v></c><c><v>5</v></c></row>"
        )
    )
    assert [(row.number, row.hidden, len(row.cells)) for row in rows] == [
        (2, False, 2),
        (5, True, 1),
        (7, True, 1),
        (8, False, 2),
    ]
    assert rows[0].cells == (None, Cell("n", "1"))


def test_hidden_sheets_are_passed_over_and_named() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    for name in ("名单", "参数"):
        book.add_worksheet(name).write_string(0, 0, name)
    book.worksheets()[1].very_hidden()
    book.close()
    found = read_workbook(buffer.getvalue())
    assert [sheet.name for sheet in found.sheets] == ["名单"]
    assert found.faults == [("hidden_sheet_ignored", {"sheet": "参数"})]


def test_where_every_sheet_is_hidden_they_are_read() -> None:
    found = read_workbook(made.workbook(sheet_state="hidden"))
    assert [len(sheet.rows) for sheet in found.sheets] == [1]


def test_a_full_sheet_of_rows_is_read_and_more_is_refused() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 100_003))
    assert (
        len(read_here(made.workbook(rows))) == 100_002
    )  # a header and one too many: the roster counts people
    rows += "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(100_003, 100_200))
    with pytest.raises(KezhengError, match="too_many_rows"):
        read_here(made.workbook(rows))


def test_parts_may_lie_elsewhere_and_be_written_in_other_ways() -> None:
    contents = made.parts()
    moved = {
        name.replace("xl/worksheets/sheet1", "xl\\Worksheets\\Sheet1"): text
        for name, text in contents.items()
    }
    assert read_here(made.pack(moved))[0].cells[0] == Cell("s", "姓名")


def test_large_zip_format() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name, content in made.parts().items():
            with package.open(name, "w", force_zip64=True) as part:
                part.write(content.encode() if isinstance(content, str) else content)
    assert read_here(buffer.getvalue())[0].cells[0] == Cell("s", "姓名")


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_from_the_reading_process_are_a_workbook_or_a_fault(data: bytes) -> None:
    for frame in (data, b"W" + data, b"F" + data):
        with contextlib.suppress(KezhengError):
            decode_frame(frame)


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=300)
def test_any_damage_ends_as_a_workbook_or_a_fault(changes: list[tuple[int, int]]) -> None:
    data = bytearray(made.workbook(strings="<si><t>李四</t></si>", styles=STYLES))
    for position, value in changes:
        data[position % len(data)] = value
    with contextlib.suppress(KezhengError):
        read_here(bytes(data))


def test_the_reading_process_needs_only_the_standard_library() -> None:
    """It starts without site packages; a heavier import would be paid for at each upload."""
    code = (
        "import sys; sys.path.append(sys.argv[1]); import registry.issuing.workbook_child;"
        "print([m for m in ('typing', 'dataclasses', 'orjson', 'pydantic', 'zipfile') if m in sys.modules])"
    )
    root = str(Path(registry.__file__).parent.parent)
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
