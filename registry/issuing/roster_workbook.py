"""An uploaded XLSX file to sheets of typed cells, whatever the file may hold.

There is one reader: the bounded walk over the XML, in a process of its own. What it counts is what it reads:
no second parser can see something else. The upload stays in memory; it is never written to a file.
"""

from __future__ import annotations

from functools import partial

from certs.errors import KezhengError
from certs.sheet import Cell, Row, Sheet, Workbook
from registry.issuing.workbook_frame import Frame
from registry.issuing.workbook_guard import run_guarded
from registry.issuing.workbook_limits import WorkbookLimits
from registry.issuing.workbook_rows import SheetRows

__all__ = ["WorkbookLimits", "read_workbook"]

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DEFAULT_LIMITS = WorkbookLimits()


def read_workbook(data: bytes, limits: WorkbookLimits = _DEFAULT_LIMITS) -> Workbook:
    """The visible worksheets of an XLSX file.

    ``faults`` of the result holds ``("hidden_sheet_ignored", {"sheet": name})`` for each sheet that was
    passed over because it is hidden. Hidden rows come back marked, formulas with kind ``f``.

    Raises KezhengError for the whole file: ``file_not_xlsx``, ``file_encrypted``, ``file_has_macro``,
    ``file_external_link``, ``file_has_dtd``, ``file_damaged``, ``file_ambiguous``, ``file_unsafe_size``,
    ``too_many_rows``, ``workbook_too_complex``.
    """
    _refuse_other_files(data, limits)
    limits = limits.for_file(len(data))
    output = run_guarded(
        "registry.issuing.workbook_child",
        limits.to_arguments(),
        data,
        wall_seconds=limits.wall_seconds,
        output_bytes=limits.output_bytes,
    )
    if output is None:
        raise KezhengError("workbook_too_complex")
    return decode_frame(output)


def decode_frame(data: bytes) -> Workbook:
    """The workbook in a frame. Raises the KezhengError in it, or ``workbook_too_complex``."""
    try:
        frame = Frame(data)
        if frame.fault is None:
            return _build_workbook(frame)
    except (ValueError, IndexError, StopIteration, RuntimeError):
        raise KezhengError("workbook_too_complex") from None
    code, *params = frame.fault
    raise KezhengError(code, **dict(param.split("=", 1) for param in params))


def _refuse_other_files(data: bytes, limits: WorkbookLimits) -> None:
    if data.startswith(_OLE):  # an old .xls, or the container of an encrypted .xlsx
        raise KezhengError("file_encrypted" if _ENCRYPTED in data else "file_not_xlsx")
    if not data.startswith(_ZIP):
        raise KezhengError("file_not_xlsx")
    if len(data) > limits.file_bytes:
        raise KezhengError("file_unsafe_size")


def _build_workbook(frame: Frame) -> Workbook:
    cells: list[Cell | None] = [None]
    # tuple.__new__ in place of Cell(...): the same object, made three times as fast.
    cells += map(partial(tuple.__new__, Cell), zip(frame.kinds[1:], frame.texts[1:], strict=True))
    sheets = [Sheet(sheet.name, _build_rows(sheet, cells)) for sheet in frame.sheets]
    return Workbook(sheets, [("hidden_sheet_ignored", {"sheet": name}) for name in frame.ignored])


def _build_rows(sheet: SheetRows, cells: list[Cell | None]) -> list[Row]:
    found = list(map(cells.__getitem__, sheet.cells))
    rows: list[Row] = []
    start = 0
    for number, width, hidden in zip(sheet.numbers, sheet.widths, sheet.hidden, strict=True):
        end = start + width
        rows.append(Row(number, tuple(found[start:end]), hidden != 0))
        start = end
    return rows
