"""Who a row is about: name and ID document, judged together with the columns that complete them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from certs.candidate import CandidateDetails
from certs.errors import Param
from certs.id_document import IdDocument, IdFault, IdType, IdWord, id_word, normalise_id, read_id
from certs.nationality import nationality_code
from certs.person_name import read_name
from certs.roster_context import RosterContext
from certs.roster_details import DetailReader
from certs.roster_findings import RowCells, digits_lost, whole_number_text


class Person(NamedTuple):
    """None: that part was refused, and why has been reported."""

    name: str | None
    document: IdDocument | None
    details: CandidateDetails


class PersonReader:
    """Reads the person of the row that ``cells`` has loaded."""

    def __init__(self, context: RosterContext, cells: RowCells, details: DetailReader) -> None:
        self._context = context
        self._cells = cells
        self._details = details
        self._drawn: set[str] = set()

    def read(self) -> Person:
        """Name, document and optional columns of the row."""
        name = self._name()
        nationality = self._nationality()
        document = self._document(nationality)
        return Person(name, document, self._details.read(nationality or "", document))

    def _name(self) -> str | None:
        cell = self._cells.cell("name")
        raw = cell.text if cell is not None and cell.kind == "s" else self._cells.text("name")
        if raw is None:
            return None
        reading = read_name(raw)
        for notice in reading.notices if raw else ():
            self._cells.report("name", notice.code, notice.params)
        if reading.fault is not None:
            self._cells.report("name", reading.fault.code, reading.fault.params)
            return None
        return reading.name if self._can_be_drawn(reading.name) else None

    def _can_be_drawn(self, name: str) -> bool:
        """Whether the fonts have every character; each character is asked for once per file."""
        if self._drawn.issuperset(name):
            return True
        missing = self._context.missing_glyphs(name)
        if missing:
            self._cells.report("name", "name_glyph_missing", {"characters": missing})
            return False
        self._drawn.update(name)
        return True

    def _nationality(self) -> str | None:
        text = self._cells.text("nationality")
        if not text:
            return text
        code = nationality_code(text)
        if code is None:
            self._cells.report("nationality", "nationality_unknown")
        return code

    def _document(self, nationality: str | None) -> IdDocument | None:
        word, number = self._id_word(), self._number()
        if word is None or number is None or (nationality is None and word.type is IdType.PASSPORT):
            return None
        found = read_id(word, number, self._context.today, nationality or "")
        if isinstance(found, IdFault):
            self._refused(found)
            return None
        self._note(word)
        return found

    def _id_word(self) -> IdWord | None:
        text = self._cells.text("id_type")
        word = id_word(text) if text else None
        if word is None and text is not None:
            self._cells.report("id_type", "id_type_unknown" if text else "id_type_missing")
        return word

    def _number(self) -> str | None:
        cell = self._cells.cell("id_number")
        if cell is not None and cell.kind == "n":
            if digits_lost(cell.text):
                self._cells.report("id_number", "id_stored_as_number")
                return None
            return normalise_id(whole_number_text(cell.text))
        text = self._cells.text("id_number")
        number = normalise_id(text) if text else text
        if number == "":
            self._cells.report("id_number", "id_missing")
            return None
        if number is not None and _is_scientific(number):
            self._cells.report("id_number", "id_stored_as_number")
            return None
        return number

    def _refused(self, fault: IdFault) -> None:
        column = "nationality" if fault.code == "nationality_missing" else "id_number"
        params: Mapping[str, Param] = fault.params
        self._cells.report(column, fault.code, params)

    def _note(self, word: IdWord) -> None:
        if word.lookalike:
            self._cells.report("id_type", "id_type_lookalike")
        if word.type is IdType.OTHER:
            self._cells.report("id_type", "id_type_other")
            if not self._cells.text("remark"):
                self._cells.report("remark", "remark_missing")


def _is_scientific(number: str) -> bool:
    """Text that was a number once: ``1.10105E+17``."""
    return "E+" in number and "." in number
