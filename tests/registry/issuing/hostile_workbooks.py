"""Workbooks as an attacker would write them, made when a test asks for them: bytes of a file each."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_FIRST_ROW = '<row r="1"><c r="A1"><v>1</v></c></row>'
LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + "]>"
)


def parts(
    rows: str = '<row r="1"><c r="A1" t="inlineStr"><is><t>姓名</t></is></c></row>',
    *,
    strings: str = "",
    styles: str = "",
    main_type: str = _SHEET_TYPE,
    namespace: str = NAMESPACE,
    relations: str = RELATIONS,
    workbook_rest: str = "",
    before_rows: str = "",
    sheet_state: str = "visible",
) -> dict[str, str | bytes]:
    """The parts of a smallest workbook around these rows, to be changed by the caller."""
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main_type}"/></Types>',
        "_rels/.rels": _rels(("rId1", f"{relations}/officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{namespace}" xmlns:r="{relations}">{workbook_rest}'
        f'<sheets><sheet name="名单" sheetId="1" state="{sheet_state}" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _rels(
            ("rId1", f"{relations}/worksheet", "worksheets/sheet1.xml"),
            ("rId2", f"{relations}/sharedStrings", "/xl/sharedStrings.xml"),
            ("rId3", f"{relations}/styles", "styles.xml"),
        ),
        "xl/worksheets/sheet1.xml": f'{_HEAD}<worksheet xmlns="{namespace}">{before_rows}<sheetData>{rows}'
        "</sheetData></worksheet>",
        "xl/sharedStrings.xml": f'{_HEAD}<sst xmlns="{namespace}">{strings}</sst>',
        "xl/styles.xml": f'{_HEAD}<styleSheet xmlns="{namespace}">{styles}</styleSheet>',
    }


def pack(contents: dict[str, str | bytes]) -> bytes:
    """The parts as a package."""
    with _package() as (buffer, package):
        for name, content in contents.items():
            package.writestr(name, content)
    return buffer.getvalue()


def workbook(rows: str = "", **changes: str) -> bytes:
    """A small workbook with these rows."""
    return pack(parts(rows, **changes) if rows else parts(**changes))


def two_far_cells() -> bytes:
    """A1 and XFD1048576: a reader that fills the rectangle between them needs 17 thousand million cells."""
    return workbook(f'{_FIRST_ROW}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def far_row() -> bytes:
    """The moderate form: a cell at the far end of row 100,000."""
    return workbook(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="100000"><c r="XFD100000"><v>1</v></c></row>'
    )


def dense_rectangle() -> bytes:
    """Within the bounds: A1 and IV100000. It must be read, and in no more memory than two cells need."""
    return workbook(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="100000"><c r="IV100000"><v>1</v></c></row>'
    )


def one_text_everywhere() -> bytes:
    """A shared string of 30 kB that 100,000 cells refer to."""
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 100_001))
    return workbook(rows, strings=f"<si><t>{'证' * 10_000}</t></si>")


def zip_bomb() -> bytes:
    """A sheet of half a megabyte that inflates to 600 MB."""
    opening = parts()["xl/worksheets/sheet1.xml"]
    assert isinstance(opening, str)
    with _package() as (buffer, package):
        for name, content in parts().items():
            if name != "xl/worksheets/sheet1.xml":
                package.writestr(name, content)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(opening.removesuffix("</sheetData></worksheet>").encode())
            for _ in range(600):
                sheet.write(b" " * (1 << 20))
    return buffer.getvalue()


def lying_directory() -> bytes:
    """The directory declares a sheet of 100 bytes; it inflates to 50 MB. The local header says the same."""
    sheet = "xl/worksheets/sheet1.xml"
    swollen = str(parts()[sheet]).replace("<sheetData>", "<sheetData>" + " " * 50_000_000)
    data = bytearray(pack(parts() | {sheet: swollen}))
    _set_size(data, sheet, 100)
    return bytes(data)


def understated_directory() -> bytes:
    """As above, but the other way: more bytes declared than there are."""
    data = bytearray(workbook())
    _set_size(data, "xl/worksheets/sheet1.xml", 100_000)
    return bytes(data)


def nested_zip() -> bytes:
    """A bomb as a part that no one asks for, inside an honest workbook."""
    return pack(parts() | {"xl/media/inner.zip": zip_bomb()})


def external_link() -> bytes:
    """A formula's other workbook."""
    link = _rels(("rId1", f"{RELATIONS}/externalLinkPath", "file:///etc/passwd"), external=True)
    return pack(parts() | {"xl/externalLinks/_rels/externalLink1.xml.rels": link})


def external_relation() -> bytes:
    """A hyperlink of the sheet, which is a relation to the outside."""
    link = _rels(("rId1", f"{RELATIONS}/hyperlink", "http://127.0.0.1/"), external=True)
    return pack(parts() | {"xl/worksheets/_rels/sheet1.xml.rels": link})


def laughs_in_sheet() -> bytes:
    """Entities of entities in the sheet."""
    return _with_doctype("xl/worksheets/sheet1.xml", "<sheetData>", "<sheetData><!--&j;-->")


def laughs_in_styles() -> bytes:
    """Entities of entities in the styles."""
    return _with_doctype("xl/styles.xml", "</styleSheet>", "<x>&j;</x></styleSheet>")


def laughs_in_strings() -> bytes:
    """Entities of entities in the shared strings."""
    return _with_doctype("xl/sharedStrings.xml", "</sst>", "<si><t>&j;</t></si></sst>")


def laughs_in_workbook() -> bytes:
    """Entities of entities in the list of sheets."""
    return _with_doctype("xl/workbook.xml", 'name="名单"', 'name="&j;"')


def external_entity() -> bytes:
    """An entity that names a file of the server."""
    contents = parts('<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>')
    sheet = str(contents["xl/worksheets/sheet1.xml"])
    contents["xl/worksheets/sheet1.xml"] = sheet.replace(
        _HEAD, _HEAD + '<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    )
    return pack(contents)


def doubled_entry() -> bytes:
    """Two sheets of one name: which one counts?"""
    return _with_second("xl/worksheets/sheet1.xml")


def doubled_entry_in_other_case() -> bytes:
    """The same, with names that are equal only by the rules of packages."""
    return _with_second("XL/Worksheets/Sheet1.XML")


def overlapping_entries() -> bytes:
    """Two entries of the directory over the same bytes."""
    data = workbook()
    end = data.rindex(b"PK\x05\x06")
    first = data.index(b"PK\x01\x02")
    name_size = struct.unpack_from("<H", data, first + 28)[0]
    entry = bytearray(data[first : first + 46 + name_size])
    entry[46:47] = b"{"
    count, size = (struct.unpack_from(form, data, at)[0] for form, at in (("<H", end + 10), ("<I", end + 12)))
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, count + 1, count + 1, size + len(entry))
    return data[:end] + bytes(entry) + bytes(tail)


def truncated() -> bytes:
    """The first two thirds of a workbook."""
    data = workbook()
    return data[: len(data) * 2 // 3]


def damaged() -> bytes:
    """One bit of a packed part turned over."""
    data = bytearray(workbook())
    at = data.index(b"xl/worksheets/sheet1.xml") + len("xl/worksheets/sheet1.xml") + 40
    data[at] ^= 0x10
    return bytes(data)


def encrypted() -> bytes:
    """The container of a workbook with a password: its head and the name of the stream in its directory."""
    return _ole("EncryptedPackage")


def old_xls() -> bytes:
    """The head of a workbook of Excel 97."""
    return _ole("Workbook")


def locked_entry() -> bytes:
    """A package whose sheet is locked by the password of the ZIP format itself."""
    data = bytearray(workbook())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = -1
        while (position := data.find(mark, position + 1)) >= 0:
            data[position + at] |= 1
    return bytes(data)


def macro_by_part() -> bytes:
    """A macro project beside an innocent content type."""
    return pack(parts() | {"xl/vbaProject.bin": b"\0"})


def macro_by_type() -> bytes:
    """A workbook that declares itself able to run macros."""
    return workbook(main_type="application/vnd.ms-excel.sheet.macroEnabled.main+xml")


def too_many_rows() -> bytes:
    """150,000 rows of a person each."""
    return workbook("".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 150_001)))


def too_many_columns() -> bytes:
    """257 cells in a row that do not say where they stand."""
    return workbook(f'<row r="1">{"<c><v>1</v></c>" * 257}</row>')


def endless_row() -> bytes:
    """A row of thirty million elements: nothing in it counts, and all of it must be held until it ends."""
    contents = parts()
    with _package() as (buffer, package):
        for name, content in contents.items():
            if name != "xl/worksheets/sheet1.xml":
                package.writestr(name, content)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{NAMESPACE}"><sheetData><row r="1">'.encode())
            for _ in range(300):
                sheet.write(b"<x/>" * 100_000)
            sheet.write(b"</row></sheetData></worksheet>")
    return buffer.getvalue()


def endless_token() -> bytes:
    """One attribute of 300 MB, which a parser looks at again with every piece that comes."""
    with _package() as (buffer, package):
        for name, content in parts().items():
            if name != "xl/worksheets/sheet1.xml":
                package.writestr(name, content)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{NAMESPACE}" x="'.encode())
            for _ in range(300):
                sheet.write(b"x" * (1 << 20))
            sheet.write(b'"><sheetData/></worksheet>')
    return buffer.getvalue()


def deep_elements() -> bytes:
    """Ten million elements, each inside the other."""
    sheet = f'<worksheet xmlns="{NAMESPACE}"><sheetData>{"<x>" * 10_000_000}'
    return pack(parts() | {"xl/worksheets/sheet1.xml": sheet})


def many_entries() -> bytes:
    """A package of 10,001 parts."""
    return pack(parts() | {f"xl/media/{n}.png": b"" for n in range(10_001)})


HOSTILE: dict[Callable[[], bytes], str] = {
    two_far_cells: "file_unsafe_size",
    far_row: "file_unsafe_size",
    one_text_everywhere: "file_unsafe_size",
    zip_bomb: "file_unsafe_size",
    lying_directory: "file_unsafe_size",
    understated_directory: "file_damaged",
    external_link: "file_external_link",
    external_relation: "file_external_link",
    laughs_in_sheet: "file_has_dtd",
    laughs_in_styles: "file_has_dtd",
    laughs_in_strings: "file_has_dtd",
    laughs_in_workbook: "file_has_dtd",
    external_entity: "file_has_dtd",
    doubled_entry: "file_ambiguous",
    doubled_entry_in_other_case: "file_ambiguous",
    overlapping_entries: "file_ambiguous",
    truncated: "file_damaged",
    damaged: "file_damaged",
    encrypted: "file_encrypted",
    locked_entry: "file_encrypted",
    old_xls: "file_not_xlsx",
    macro_by_part: "file_has_macro",
    macro_by_type: "file_has_macro",
    too_many_rows: "too_many_rows",
    too_many_columns: "file_unsafe_size",
    endless_row: "workbook_too_complex",
    endless_token: "workbook_too_complex",
    deep_elements: "workbook_too_complex",
    many_entries: "file_unsafe_size",
}


@contextmanager
def _package() -> Iterator[tuple[io.BytesIO, zipfile.ZipFile]]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        yield buffer, package


def _rels(*relations: tuple[str, str, str], external: bool = False) -> str:
    mode = ' TargetMode="External"' if external else ""
    inner = "".join(f'<Relationship Id="{i}" Type="{t}" Target="{g}"{mode}/>' for i, t, g in relations)
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _with_doctype(part: str, old: str, new: str) -> bytes:
    contents = parts()
    contents[part] = str(contents[part]).replace(old, new).replace(_HEAD, _HEAD + LAUGHS)
    return pack(contents)


def _with_second(name: str) -> bytes:
    buffer = io.BytesIO(workbook())
    with zipfile.ZipFile(buffer, "a") as package:
        package.filelist, names = package.filelist, package.NameToInfo
        names.clear()  # or the writer warns of the second entry
        package.writestr(name, parts()["xl/worksheets/sheet1.xml"])
    return buffer.getvalue()


def _ole(stream: str) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
    return head + stream.encode("utf-16-le") + b"\0" * 512


def _set_size(data: bytearray, name: str, size: int) -> None:
    """Writes this inflated size for a part in its local header and in the directory."""
    for mark, size_at, name_at in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        position = -1
        while (position := data.find(mark, position + 1)) >= 0:
            if data[position + name_at :].startswith(name.encode()):
                struct.pack_into("<I", data, position + size_at, size)
