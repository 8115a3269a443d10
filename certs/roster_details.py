"""The optional columns of a row, each with its own rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from certs.assessment import read_mark
from certs.candidate import NO_DETAILS, CandidateDetails
from certs.id_document import IdDocument
from certs.roster_columns import Header
from certs.roster_context import RosterContext
from certs.roster_date import DateFault, read_day
from certs.roster_findings import RowCells

_LIMITS = {
    "batch": 40,
    "admission_number": 32,
    "photo": 120,
    "employer": 60,
    "education": 20,
    "eligibility": 60,
    "official_number": 64,
    "remark": 200,
}
_PHONE = re.compile(r"(?:\+?86)?1[0-9]{10}|\+852[0-9]{8}|\+853[0-9]{8}|\+886[0-9]{8,10}")
_HIGHEST_HOURS = 2000
_EDUCATIONS = frozenset(
    (
        *("高中", "中专", "中技", "技校", "高级技工", "预备技师", "技师", "大专", "专科", "高职"),
        *("本科", "大学本科", "大学", "第二学士学位", "双学位"),
        *("硕士", "硕士研究生", "研究生", "博士", "博士研究生"),
    )
)
_PLAIN_TEXTS = ("employer", "eligibility", "official_number", "remark")


class DetailReader:
    """Reads the optional columns of the row that ``cells`` has loaded.

    Columns that the header lacks cost nothing.
    """

    def __init__(self, header: Header, context: RosterContext, cells: RowCells) -> None:
        self._cells = cells
        self._context = context
        self._readers = [(key, read) for key, read in self._rules().items() if key in header.places]
        self._other_places = tuple(place for _, place in header.others)
        self._is_plain = not (self._readers or self._other_places or "nationality" in header.places)
        self._default = NO_DETAILS._replace(batch=context.default_batch)
        self._admissions: dict[str, int] = {}
        self._document: IdDocument | None = None

    def read(self, nationality: str, document: IdDocument | None) -> CandidateDetails:
        """The details of the row. ``document`` is what sex and birth date are compared with."""
        if self._is_plain:
            return self._default
        self._document = document
        details: dict[str, Any] = {"batch": self._context.default_batch, "nationality": nationality}
        for key, read in self._readers:
            details[key] = read()
        return CandidateDetails(**details, others=self._cells.texts_at(self._other_places))

    def _rules(self) -> Mapping[str, Callable[[], object]]:
        """How each optional column is read.

        Nationality comes with the ID document, site and result elsewhere.
        """
        return {
            "batch": self._batch,
            "admission_number": self._admission_number,
            "photo": self._photo,
            "phone": self._phone,
            "sex": self._sex,
            "birth_date": self._birth_date,
            "education": self._education,
            "hours": self._hours,
            **{key: partial(self._text, key) for key in _PLAIN_TEXTS},
        }

    def _batch(self) -> str:
        return self._text("batch") or self._context.default_batch

    def _text(self, key: str) -> str:
        text = self._cells.text(key)
        if not text:
            return ""
        if not text.isprintable():
            text = " ".join(text.split())
            if not text.isprintable():
                self._cells.report(key, "text_invisible_character")
        if len(text) > _LIMITS[key]:
            self._cells.report(key, "text_too_long", {"limit": _LIMITS[key], "found": len(text)})
        return text

    def _admission_number(self) -> str:
        number = self._text("admission_number")
        first = self._admissions.setdefault(number, self._cells.row) if number else self._cells.row
        if first != self._cells.row:
            self._cells.report("admission_number", "admission_number_repeated", {"other": first})
        return number

    def _photo(self) -> str:
        name = self._text("photo")
        if name and self._context.photo_finding is not None:
            code = self._context.photo_finding(name)
            if code is not None:
                self._cells.report("photo", code)
        return name

    def _phone(self) -> str:
        text = self._cells.text("phone")
        if not text:
            return ""
        phone = text if text.isdecimal() else re.sub(r"[\s\-()（）]", "", text)
        if _PHONE.fullmatch(phone) is None:
            self._cells.report("phone", "phone_invalid")
        return phone

    def _sex(self) -> str:
        sex = self._cells.text("sex")
        if not sex:
            return ""
        if sex not in ("男", "女"):
            self._cells.report("sex", "sex_unknown")
        elif self._document is not None and self._document.is_male not in (None, sex == "男"):
            self._cells.report("sex", "sex_contradicts_id")
        return sex

    def _birth_date(self) -> date | None:
        text = self._cells.text("birth_date")
        if not text:
            return None
        day = read_day(text)
        if isinstance(day, DateFault):
            self._cells.report("birth_date", day.code, day.params)
            return None
        if day > self._context.today:
            self._cells.report("birth_date", "birth_date_in_future")
        elif self._document is not None and self._document.birth_date not in (None, day):
            self._cells.report("birth_date", "birth_date_contradicts_id")
        return day

    def _education(self) -> str:
        text = self._text("education")
        if text and text not in _EDUCATIONS:
            self._cells.report("education", "education_unknown")
        return text

    def _hours(self) -> int | None:
        """Hours in hundredths: up to 100 they have the form of a mark, above that they are whole."""
        text = self._cells.text("hours")
        if not text:
            return None
        whole = int(text) * 100 if text.isascii() and text.isdigit() and len(text) <= 4 else read_mark(text)
        if isinstance(whole, str) or not 0 < whole <= _HIGHEST_HOURS * 100:
            self._cells.report("hours", "hours_invalid", {"limit": _HIGHEST_HOURS})
            return None
        return whole
