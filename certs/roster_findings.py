"""Collects what is found row by row, and reads the cells of the row at hand by column key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from operator import itemgetter

from certs.errors import Param
from certs.roster_columns import Header, columns, columns_by_key
from certs.roster_fault import Fault, shown_params, shown_value
from certs.sheet import Cell, Row

WARNINGS = frozenset(
    (
        "bottom_rows_ignored",
        "columns_not_known",
        "hidden_sheet_ignored",
        "id_type_lookalike",
        "id_type_other",
        "name_characters_normalised",
        "name_dot_normalised",
        "name_space_removed",
        "other_direction_held",
        "phone_invalid",
        "photo_missing",
        "photo_unreadable",
        "possible_same_person",
        "training_certificate_empty",
    )
)
"""Codes that do not stop a roster; the approver confirms each."""
EXACT_DIGITS = 15
"""A spreadsheet keeps 15 digits of a number and replaces the rest by zeros."""
_LONGEST_EXPONENT = 40


class Findings:
    """Faults and warnings in the order in which they were found."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    @property
    def count(self) -> int:
        """How many there are of both."""
        return len(self.faults) + len(self.warnings)

    def add(self, fault: Fault) -> None:
        """File a finding under what its code means."""
        (self.warnings if fault.code in WARNINGS else self.faults).append(fault)


class RowCells:
    """The cells of one row after the other.

    A column that the header lacks is an empty cell: its place lies behind the last known column, where each
    row is cut off and padded.
    """

    def __init__(self, header: Header, findings: Findings) -> None:
        self._width = max(header.places.values()) + 1
        self._places = {column.key: header.places.get(column.key, self._width) for column in columns()}
        self._padding = (None,) * (self._width + 1)
        self._whole_row: tuple[Cell | None, ...] = ()
        self._cells: tuple[Cell | None, ...] = ()
        self.row = 0
        self._ordinal = ""
        self.findings = findings

    def load(self, row: Row) -> str:
        """Turn to the next row; returns its 序号, empty where there is none."""
        self._whole_row = row.cells
        known = row.cells[: self._width]
        self._cells = known + self._padding[len(known) :]
        self.row = row.number
        cell = self._cells[self._places["ordinal"]]
        self._ordinal = cell.text.strip()[:20] if cell is not None and cell.kind in "sn" else ""
        return self._ordinal

    def picker(self, keys: Iterable[str]) -> Callable[[], tuple[Cell | None, ...]]:
        """What gives several cells of the row at hand, by column keys."""
        pick = itemgetter(*(self._places[key] for key in keys))
        return lambda: pick(self._cells)

    def cell(self, key: str) -> Cell | None:
        """The cell as it is."""
        return self._cells[self._places[key]]

    def texts_at(self, places: tuple[int, ...]) -> tuple[str, ...]:
        """The texts at places of columns that the register does not know, as they are."""
        cells = self._whole_row
        found = (cells[place] if place < len(cells) else None for place in places)
        return tuple("" if cell is None else cell.text for cell in found)

    def text(self, key: str) -> str | None:
        """The cell's text without spaces around it, empty for an empty cell.

        None when a fault was reported.
        """
        cell = self._cells[self._places[key]]
        if cell is None:
            return ""
        return cell.text.strip() if cell.kind == "s" else self._other_text(key, cell)

    def report(self, key: str | None, code: str, params: Mapping[str, Param] | None = None) -> None:
        """Report a fault or warning about a column of this row, or about the row."""
        cell = None if key is None else self.cell(key)
        value = "" if cell is None else shown_value(key, cell.text)
        filled = {} if params is None else shown_params(params)
        self.findings.add(Fault(self.row, key, code, value, filled, self._ordinal))

    def _other_text(self, key: str, cell: Cell) -> str | None:
        if cell.kind == "f":
            self.report(key, "formula_cell")
            return None
        if cell.kind == "e":
            self.report(key, "error_cell")
            return None
        if cell.kind != "n":
            return cell.text
        if columns_by_key()[key].numeric and digits_lost(cell.text):
            self.report(key, "code_stored_as_number")
            return None
        return whole_number_text(cell.text)


def digits_lost(number: str) -> bool:
    """Whether a number cell may have lost digits of a longer code: 15 digits and more, or an exponent."""
    return "E" in number.upper() or sum(map(str.isdigit, number)) >= EXACT_DIGITS


def whole_number_text(number: str) -> str:
    """A number cell's text as a person would write it: no exponent, no ``.0``."""
    if number.isdigit():
        return number
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST_EXPONENT:
        return number
    return format(value.to_integral_value() if value == value.to_integral_value() else value, "f")
