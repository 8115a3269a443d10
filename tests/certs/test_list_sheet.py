"""Lists that are to be checked: which columns mean something, and which lines ask something."""

from __future__ import annotations

import pytest

from certs.errors import KezhengError
from certs.list_sheet import Asked, Line, ListSheet, find_list, list_of_texts
from certs.sheet import Cell, Row, Sheet, Workbook

NUMBER = "P000115000001242000123M"


def row(number: int, *texts: str | None) -> Row:
    return Row(number, tuple(None if text is None else Cell("s", text) for text in texts), hidden=False)


def workbook(*rows: Row) -> Workbook:
    return Workbook([Sheet("说明", []), Sheet("名单", list(rows))], [])


def found(*headings: str | None) -> ListSheet:
    return find_list(workbook(row(1, *headings)))


@pytest.mark.parametrize(
    ("headings", "number", "name"),
    [
        (("证书编号", "姓名"), 0, 1),
        (("序号", "姓 名", "证书编号"), 2, 1),
        (("员工姓名", "单位", "数字技术工程师证书编号"), 2, 0),
        (("姓名", "证书号"), 1, 0),
        (("姓名", "编号"), 1, 0),
        (("编号", "姓名", "证书号"), 2, 1),
        (("编号", "姓名", "证书编号（必填）"), 2, 1),
        (("国家证书编号", "姓名", "证书编号"), 2, 1),
        (("新证书编号", "姓名", "证书编号"), 2, 1),
        (("原证书编号", "证件编号", "身份证编号", "姓名", "编号"), 4, 3),
        (("机构编号", "批次编号", "职工编号", "查验编号", "姓名", "证书编号"), 5, 4),
        (("姓名拼音", "曾用姓名", "姓名", "证书编号"), 3, 2),
        (("证书编号", "姓名", "证书编号", "姓名"), 0, 1),
        (("證", "\uff33 姓名", "证书\n编号"), 2, 1),
    ],
)
def test_columns_of_numbers_and_names(headings: tuple[str, ...], number: int, name: int) -> None:
    listed = found(*headings)
    assert (listed.number, listed.name, listed.code) == (number, name, None)


@pytest.mark.parametrize("heading", ["二维码", "二维码文字", "QR", "qr text", "证书 二维码 内容", "ＱＲ"])
def test_columns_of_codes(heading: str) -> None:
    assert found(None, heading).code == 1


@pytest.mark.parametrize(
    "headings",
    [
        (),
        ("证书编号",),
        ("姓名",),
        ("姓名", "证件编号"),
        ("姓名", "国家证书编号"),
        ("姓名拼音", "证书编号"),
        ("编", "号", "名"),
    ],
)
def test_sheets_without_a_list(headings: tuple[str, ...]) -> None:
    with pytest.raises(KezhengError, match=r"^list_header_missing$"):
        found(*headings)


@pytest.mark.parametrize(("header", "is_found"), [(1, True), (10, True), (11, False)])
def test_the_heading_stands_in_one_of_the_first_ten_rows(header: int, is_found: bool) -> None:
    book = workbook(*([row(1, "某某公司持证人员名单")] if header > 1 else []), row(header, "姓名", "证书编号"))
    if is_found:
        assert find_list(book).header_row == header
    else:
        with pytest.raises(KezhengError, match=r"^list_header_missing$"):
            find_list(book)


def test_the_first_sheet_with_a_list_is_taken() -> None:
    sheets = [Sheet(name, [row(1, "姓名", "证书编号"), row(2, name, NUMBER)]) for name in ("一", "二")]
    assert [line.asked for line in find_list(Workbook(sheets, [])).lines()] == [Asked(NUMBER, "一")]


def test_lines_ask_by_code_or_by_number_and_name() -> None:
    listed = find_list(
        workbook(
            row(2, "证书编号", "姓名", "二维码", "备注"),
            row(3, f" {NUMBER} ", " 周 文远", None, "x"),
            row(5, NUMBER, "周文远", "https://verify.example.cn/V/AAAA"),
            row(6, None, "周文远"),
            row(7, NUMBER),
            row(8, None, None, None, "只有备注"),
            row(9, " ", "", "　"),
        )
    )
    assert list(listed.lines()) == [
        Line(3, Asked(NUMBER, "周 文远")),
        Line(5, Asked("https://verify.example.cn/V/AAAA")),
        Line(6, Asked("", "周文远")),
        Line(7, Asked(NUMBER, "")),
    ]


def test_a_column_of_codes_alone_asks_nothing_by_name() -> None:
    listed = find_list(workbook(row(1, "二维码", "姓名"), row(2, None, "周文远"), row(3, "A", "周文远")))
    assert list(listed.lines()) == [Line(3, Asked("A"))]


def test_a_text_is_a_list_of_codes() -> None:
    listed = list_of_texts("A\r\n\n  B \n")
    assert list(listed.lines()) == [Line(2, Asked("A")), Line(4, Asked("B"))]
    assert find_list(Workbook([listed.sheet], [])) == listed
    assert list(list_of_texts(" \n").lines()) == []
