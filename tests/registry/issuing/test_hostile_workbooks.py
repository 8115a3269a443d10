"""Every hostile workbook ends as one fault, in bounded time, and the process that asked is unharmed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import hostile_workbooks as hostile
import pytest

from certs.errors import KezhengError
from registry.issuing.roster_workbook import WorkbookLimits, read_workbook

# Smaller than in earnest where the attack is on the processor, so that the tests do not wait for it.
QUICK = WorkbookLimits(cpu_seconds=3, wall_seconds=20)


@pytest.mark.parametrize(
    ("make", "code"), hostile.HOSTILE.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_hostile_workbook_is_refused(make: Callable[[], bytes], code: str) -> None:
    data, process, started = make(), os.getpid(), time.monotonic()
    with pytest.raises(KezhengError) as caught:
        read_workbook(data, QUICK)
    assert caught.value.code == code
    assert os.getpid() == process
    assert time.monotonic() - started < QUICK.wall_seconds


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_not_xlsx"),
        (b"PK", "file_not_xlsx"),
        ("姓名,证件号码\n".encode("gbk"), "file_not_xlsx"),
        (b"<html><table></table></html>", "file_not_xlsx"),
        (b"PK\x03\x04" + b"\0" * 100, "file_damaged"),
        (hostile.pack({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "file_not_xlsx"),
        (hostile.workbook(main_type="application/vnd.ms-excel.sheet.binary.main"), "file_not_xlsx"),
        (
            hostile.workbook(
                main_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            ),
            "file_not_xlsx",
        ),
        (hostile.workbook('<row r="2"/><row r="1"/>'), "file_damaged"),
        (hostile.workbook('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'), "file_damaged"),
        (hostile.workbook('<row r="1"><c r="A2"><v>1</v></c></row>'), "file_damaged"),
        (hostile.workbook('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), "file_damaged"),
        (
            hostile.workbook('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>', strings="<si><t>x</t></si>"),
            "file_damaged",
        ),
        (hostile.workbook('<row r="1"><c r="IW1"><v>1</v></c></row>'), "file_unsafe_size"),
        (hostile.workbook("<row>"), "file_damaged"),
    ],
)
def test_what_is_no_proper_workbook(data: bytes, code: str) -> None:
    with pytest.raises(KezhengError) as caught:
        read_workbook(data)
    assert caught.value.code == code


def test_an_upload_beyond_the_limit_is_not_even_opened() -> None:
    with pytest.raises(KezhengError, match="file_unsafe_size"):
        read_workbook(hostile.workbook(), WorkbookLimits(file_bytes=1000))


def test_a_nested_bomb_is_never_opened() -> None:
    assert read_workbook(hostile.nested_zip()).sheets[0].rows[0].number == 1


def test_a_wide_gap_costs_nothing() -> None:
    sheet = read_workbook(hostile.dense_rectangle(), WorkbookLimits(memory_bytes=200 << 20)).sheets[0]
    assert [(row.number, len(row.cells)) for row in sheet.rows] == [(1, 1), (100_000, 256)]


def test_cells_beyond_the_bounds_may_exist_for_their_style() -> None:
    far = '<row r="1048576"><c r="A1048576" s="0"/></row>'
    rows = f'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="0"/></row>{far}'
    assert len(read_workbook(hostile.workbook(rows)).sheets[0].rows) == 1


def test_a_process_that_takes_too_long_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(KezhengError, match="workbook_too_complex"):
        read_workbook(hostile.endless_token(), WorkbookLimits(wall_seconds=1))
    assert time.monotonic() - started < 30


def test_a_small_file_is_given_little_time_and_a_large_one_more() -> None:
    limits = WorkbookLimits()
    assert [limits.for_file(mb << 20).cpu_seconds for mb in (0, 1, 7, 60)] == [10, 16, 52, 60]
    assert WorkbookLimits(cpu_seconds=3).for_file(7 << 20).cpu_seconds == 3


def test_too_much_output_is_not_taken() -> None:
    with pytest.raises(KezhengError, match="workbook_too_complex"):
        read_workbook(hostile.workbook(), WorkbookLimits(output_bytes=10))


def test_every_cut_of_a_workbook_is_refused() -> None:
    data = hostile.workbook()
    for size in range(0, len(data), 97):
        with pytest.raises(KezhengError):
            read_workbook(data[:size])
