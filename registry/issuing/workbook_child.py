"""The process that reads one uploaded workbook: bytes on stdin, a frame on stdout, nothing else.

It is started once for each workbook and imports little, so that the start costs a few hundredths of a second.
"""

from __future__ import annotations

import gc
import resource
import sys

from certs.errors import KezhengError
from registry.issuing.workbook_cells import CellTable, read_shared_strings
from registry.issuing.workbook_dates import read_date_styles
from registry.issuing.workbook_frame import encode_fault, encode_workbook
from registry.issuing.workbook_limits import WorkbookLimits
from registry.issuing.workbook_package import Package
from registry.issuing.workbook_parts import SheetPart, WorkbookParts, find_parts
from registry.issuing.workbook_rows import SheetReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def main(arguments: list[str]) -> None:
    """Reads stdin within the limits given as ``name=value`` arguments."""
    limits = WorkbookLimits.from_arguments(arguments)
    _confine(limits)
    gc.disable()  # short-lived, and nothing it builds refers to itself
    try:
        frame = b"".join(read_to_frame(sys.stdin.buffer.read(), limits))
    except KezhengError as error:
        frame = encode_fault(error.code, error.params)
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()


def read_to_frame(data: bytes, limits: WorkbookLimits) -> Iterator[bytes]:
    """A whole workbook as the pieces of a frame. Raises KezhengError for what disqualifies it."""
    package = Package(data, limits)
    parts = find_parts(package)
    chosen, ignored = _choose_sheets(parts)
    table = CellTable(limits.text_bytes)
    shared = read_shared_strings(package.chunks(parts.strings), table) if parts.strings else {}
    dates = read_date_styles(package.chunks(parts.styles)) if parts.styles else set()
    reader = SheetReader(table, shared, dates, parts.date1904, limits)
    sheets = [reader.read(sheet.name, package.chunks(sheet.part)) for sheet in chosen]
    return encode_workbook(table, sheets, ignored)


def _choose_sheets(parts: WorkbookParts) -> tuple[list[SheetPart], list[str]]:
    """The visible sheets, and the names of the hidden ones; where none is visible, all."""
    visible = [sheet for sheet in parts.sheets if not sheet.hidden]
    if not visible:
        return parts.sheets, []
    return visible, [sheet.name for sheet in parts.sheets if sheet.hidden]


def _confine(limits: WorkbookLimits) -> None:
    """From here on: bounded memory and time, no file can grow, no core is dumped."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
