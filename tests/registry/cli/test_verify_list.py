"""``kezheng verify --list``: a sheet or a text of codes, with the register or off-line; the workbook handed back."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

ADDED = ["查验结果", "说明", "职业", "等级", "方向", "发证机构", "发证日期", "当前状态", "新证书编号", "查验时间"]


def sheet(path: Path, *rows: tuple[str, ...]) -> Path:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    written = book.add_worksheet("员工")
    for number, row in enumerate(rows):
        for place, text in enumerate(row):
            written.write_string(number, place, text)
    book.close()
    path.write_bytes(content.getvalue())
    return path


@pytest.fixture
def staff(kezheng: Any, certificates: Any, tmp_path: Path) -> Path:
    """Three people of whom one has another name, and two lines that ask for nobody."""
    names = [kezheng.json("verify", each["qr"])["certificate"]["name"] for each in certificates]
    numbers = [each["number"] for each in certificates]
    return sheet(
        tmp_path / "staff.xlsx",
        ("员工名单", "", ""),
        ("部门", "姓名", "证书编号"),
        ("一部", names[0], numbers[0]),
        ("二部", names[1] + "某", numbers[1]),
        ("三部", names[2], numbers[2][:-1]),
        ("四部", "", ""),
        ("=1+1", names[2], numbers[2]),
    )


def cells(path: Path, name: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)[name].iter_rows()]


def test_a_sheet_of_numbers_and_names(kezheng: Any, staff: Path, tmp_path: Path) -> None:
    out = tmp_path / "checked.xlsx"
    answer = kezheng("verify", "--list", staff, "--out", out, "--json")
    found = answer.document
    assert (answer.code, answer.err) == (1, "")
    assert (found["count"], found["results"]) == (4, {"valid": 2, "no_match": 1, "malformed": 1})
    assert [(row["row"], row["result"]) for row in found["rows"]] == [(4, "no_match"), (5, "malformed")]
    assert found["file"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = cells(out, "查验结果")
    assert rows[1] == ["部门", "姓名", "证书编号", *ADDED]
    assert [row[3] for row in rows] == [None, "查验结果", "有效", "未查到或姓名不符", "格式不对", None, "有效"]
    assert rows[2][4:12] == [
        *("查验通过", "智能制造工程技术人员", "中级", "智能装备与产线应用", "北疆数字技术评价中心"),
        *(rows[6][9], "有效", None),
    ]
    assert rows[3][5:12] == [None] * 7
    assert rows[6][0] == "=1+1"
    assert {row[12] for row in rows[2:5]} == {found["checked_at"].replace("T", " ")[:19]}


def test_the_summary_is_the_first_sheet_and_counts(kezheng: Any, staff: Path, tmp_path: Path) -> None:
    out = tmp_path / "checked.xlsx"
    found = kezheng("verify", "--list", staff, "--out", out, "--json").document
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["汇总", "查验结果"]
    assert all(str(page.page_setup.paperSize) == "9" and page.sheet_properties.pageSetUpPr.fitToPage for page in book)
    rows = cells(out, "汇总")
    assert rows[0][0] == "批量查验结果单"
    assert rows[2] == ["查验编号", found["check_id"]]
    counted = [["有效", "2"], ["未查到或姓名不符", "1"], ["格式不对", "1"], ["合计", "4"]]
    assert rows[7:11] == counted


def test_results_have_colours(kezheng: Any, staff: Path, tmp_path: Path) -> None:
    out = tmp_path / "checked.xlsx"
    kezheng("verify", "--list", staff, "--out", out)
    written = openpyxl.load_workbook(out)["查验结果"]
    colours = [written.cell(row, 4).fill.fgColor.rgb for row in (3, 4, 5)]
    assert colours == ["FFC6EFCE", "FFFFEB9C", "FFFFEB9C"]


def test_for_people_the_counts_come_first(kezheng: Any, staff: Path) -> None:
    answer = kezheng("verify", "--list", staff)
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.startswith("有效 2 / valid\n未查到或姓名不符 1 / ")
    assert "     4  未查到或姓名不符：" in answer.out


def test_many_faults_are_cut_for_people_not_for_programs(kezheng: Any, tmp_path: Path) -> None:
    listed = tmp_path / "codes.txt"
    listed.write_text("nothing\n" * 30)
    assert "…… 10" in kezheng("verify", "--list", listed).out
    assert len(kezheng("verify", "--list", listed, "--json").document["rows"]) == 30


def test_codes_off_line(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    folder, listed = tmp_path / "published", tmp_path / "codes.txt"
    kezheng.json("publish", folder)
    listed.write_text("\ufeff" + "\n".join(each["qr"] for each in certificates) + "\n", "utf-8")
    offline = ("--evidence", folder, "--root", folder / "root.jwk")
    stranger = tmp_path / "stranger"
    found = kezheng.json("verify", "--list", listed, *offline, home=stranger)
    assert found["results"] == {"valid": len(certificates)}
    assert not (stranger / "kezheng.db").exists()


def test_codes_in_a_sheet(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    listed = sheet(tmp_path / "codes.xlsx", ("二维码",), *((each["qr"],) for each in certificates))
    assert kezheng.json("verify", "--list", listed)["results"] == {"valid": len(certificates)}


def test_off_line_there_is_nobody_to_ask_for_numbers(kezheng: Any, staff: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    kezheng.json("publish", folder)
    answer = kezheng("verify", "--list", staff, "--evidence", folder, "--root", folder / "root.jwk", "--json")
    assert (answer.code, answer.document["code"]) == (2, "list_needs_register")


def test_evidence_that_is_not_trusted_leaves_everything_open(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    """A root that merely came with the files is nobody's anchor."""
    folder, listed = tmp_path / "published", tmp_path / "codes.txt"
    kezheng.json("publish", folder)
    listed.write_text(certificates[0]["qr"])
    answer = kezheng("verify", "--list", listed, "--evidence", folder, "--json", home=tmp_path / "stranger")
    assert (answer.code, answer.document["results"]) == (2, {"undetermined": 1})


def test_a_list_as_of_another_time(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    listed = tmp_path / "codes.txt"
    listed.write_text(certificates[0]["qr"])
    found = kezheng("verify", "--list", listed, "--at", "2026-01-01", "--json").document
    assert found["as_of"].startswith("2026-01-01T23:59:59")
    assert found["results"] != {"valid": 1}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "list_empty"),
        (b"\n \n", "list_empty"),
        (b"\xff\xfe\x00", "file_not_xlsx"),
        (b"PK\x03\x04broken", "file_damaged"),
    ],
)
def test_files_that_are_no_list(kezheng: Any, tmp_path: Path, content: bytes, code: str) -> None:
    listed = tmp_path / "list"
    listed.write_bytes(content)
    answer = kezheng("verify", "--list", listed, "--json")
    assert (answer.code, answer.document["code"]) == (3, code)


def test_a_sheet_without_a_heading(kezheng: Any, tmp_path: Path) -> None:
    listed = sheet(tmp_path / "other.xlsx", ("姓名", "证件编号"), ("某某", "1"))
    answer = kezheng("verify", "--list", listed, "--json")
    assert (answer.code, answer.document["code"]) == (3, "list_header_missing")


def test_a_list_that_is_not_there(kezheng: Any, tmp_path: Path) -> None:
    answer = kezheng("verify", "--list", tmp_path / "none.xlsx", "--json")
    assert (answer.code, answer.document["code"]) == (3, "file_not_found")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("text", "--list", "list.xlsx"),
        ("text", "--out", "out.xlsx"),
        ("--out", "out.xlsx"),
        ("--list", "list.xlsx", "--root", "root.jwk"),
    ],
)
def test_wrong_usage(kezheng: Any, arguments: tuple[str, ...]) -> None:
    assert kezheng("verify", *arguments).code == 64
