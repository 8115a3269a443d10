"""Lists left for a later check: sealed, answered once, gone when fetched or after a day."""

from __future__ import annotations

import stat
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from register_desk import Desk, name_of, people

from certs.errors import KezhengError
from registry.left_lists import (
    KEPT,
    check_list,
    count_of_list,
    fetch_result,
    forget_old_lists,
    leave_list,
)
from registry.list_file import read_list

ASSESSOR = "P000115000001"
SECOND = timedelta(seconds=1)


def sheet(*rows: tuple[str, str]) -> bytes:
    """An XLSX list of numbers and names."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        written = book.add_worksheet()
        for place, row in enumerate((("证书编号", "姓名"), *rows)):
            for column, text in enumerate(row):
                written.write_string(place, column, text)
    return buffer.getvalue()


def issued_list(desk: Desk) -> tuple[bytes, list[str]]:
    """A list of two certificates, one under another name, and its numbers."""
    numbers = [certificate.number for certificate in desk.certify(people(1, 2), ASSESSOR)]
    return sheet((numbers[0], name_of(1)), (numbers[1], name_of(9))), numbers


def files(desk: Desk) -> list[Path]:
    return sorted((desk.home.settings.home / "lists").iterdir())


def test_a_list_is_kept_sealed_and_answered(desk: Desk) -> None:
    content, numbers = issued_list(desk)
    name = leave_list(desk.home, content, desk.now)
    assert count_of_list(name) == 2
    done: list[int] = []
    check_list(desk.home, name, desk.clock, done.append)
    assert sum(done) == 2
    for path in files(desk):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert content[:200] not in path.read_bytes()
        assert not any(number.encode() in path.read_bytes() for number in numbers)
    book = openpyxl.load_workbook(BytesIO(fetch_result(desk.home, name)))
    texts = {str(cell.value) for row in book.worksheets[-1].iter_rows() for cell in row if cell.value}
    assert {*numbers, "有效"} <= texts
    assert files(desk) == []


def test_a_list_is_answered_once(desk: Desk) -> None:
    name = leave_list(desk.home, issued_list(desk)[0], desk.now)
    check_list(desk.home, name, desk.clock, lambda _: None)
    (answered,) = [path for path in files(desk) if path.suffix == ".answered"]
    before = answered.read_bytes()
    check_list(desk.home, name, desk.clock, lambda _: None)
    assert answered.read_bytes() == before


def test_a_text_of_codes_is_a_list(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    assert len(read_list(b"HTTPS://VERIFY.EXAMPLE.CN/V/2KCE\nsecond\n")[1]) == 2
    assert number


@pytest.mark.parametrize(
    ("content", "code"), [(b"\xff\xfe\xff", "file_not_xlsx"), (b"", "list_empty"), (sheet(), "list_empty")]
)
def test_what_is_no_list_is_not_kept(desk: Desk, content: bytes, code: str) -> None:
    with pytest.raises(KezhengError, match=code):
        leave_list(desk.home, content, desk.now)
    assert not (desk.home.settings.home / "lists").exists()


@pytest.mark.parametrize("name", ["", "L20261120-0123456789ab", "../L1-0-2", "L20261120-0123456789ab-2"])
def test_a_list_nobody_left(desk: Desk, name: str) -> None:
    for act in (lambda: fetch_result(desk.home, name), lambda: check_list(desk.home, name, desk.clock, print)):
        with pytest.raises(KezhengError, match="list_not_kept"):
            act()


def test_a_sealed_list_opens_under_its_own_name_only(desk: Desk) -> None:
    content, _ = issued_list(desk)
    names = [leave_list(desk.home, content, desk.now) for _ in range(2)]
    first, second = ((desk.home.settings.home / "lists" / f"{name}.asked") for name in names)
    first.write_bytes(second.read_bytes())
    with pytest.raises(KezhengError, match="data_damaged"):
        check_list(desk.home, names[0], desk.clock, print)


@pytest.mark.parametrize(("later", "gone"), [(KEPT - SECOND, 0), (KEPT, 0), (KEPT + SECOND, 1)])
def test_after_a_day_a_list_is_gone(desk: Desk, later: timedelta, gone: int) -> None:
    assert forget_old_lists(desk.home.settings, desk.now) == 0
    name = leave_list(desk.home, issued_list(desk)[0], desk.now)
    assert forget_old_lists(desk.home.settings, desk.now + later) == gone
    if gone:
        with pytest.raises(KezhengError, match="list_not_kept"):
            check_list(desk.home, name, desk.clock, print)
