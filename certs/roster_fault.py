"""What is wrong or worth saying in a roster.

A code, its place in the sheet, and a value that gives nobody's ID away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from certs.errors import Param
from certs.id_document import mask_id
from certs.roster_columns import columns_by_key
from certs.wording import words

NAMESPACE = "roster"
MAX_VALUE = 80
_LIKE_AN_ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15,20}(?![0-9A-Za-z])")
_MASKED_COLUMNS = ("id_number", "phone")


class Fault(NamedTuple):
    """A fault, or a warning, which has the same shape.

    ``row`` is the sheet's own number, None when the file as a whole is meant; ``ordinal`` the row's 序号 or
    empty; ``column`` a column key; ``value`` what the cell holds, already masked; ``params`` fill the words
    of the code.
    """

    row: int | None
    column: str | None
    code: str
    value: str = ""
    params: Mapping[str, Param] = {}
    ordinal: str = ""

    @property
    def zh(self) -> str:
        """``第7行（序号5）证件号码：…``."""
        return self._place()[0] + words(NAMESPACE, self.code, **self.params).zh

    @property
    def en(self) -> str:
        """The same in English."""
        return self._place()[1] + words(NAMESPACE, self.code, **self.params).en

    @property
    def heading(self) -> str | None:
        """The heading of the column, as the template prints it."""
        return None if self.column is None else columns_by_key()[self.column].heading

    def to_json(self) -> dict[str, Param | None]:
        """The form of ``roster check --json``."""
        place: dict[str, Param | None] = {"row": self.row, "column": self.heading}
        return place | {"code": self.code, "value": self.value, "zh": self.zh, "en": self.en}

    def _place(self) -> tuple[str, str]:
        if self.row is None:
            return "", ""
        column = None if self.column is None else columns_by_key()[self.column]
        numbered = "place_row_numbered" if self.ordinal else "place_row"
        said = words(
            NAMESPACE,
            numbered,
            row=self.row,
            ordinal=self.ordinal,
            column_zh="" if column is None else column.heading,
            column_en="" if column is None else f", {column.heading_en} ({column.heading})",
        )
        return said.zh, said.en


def shown_value(column: str | None, value: str) -> str:
    """A cell's text as a message may repeat it.

    ID numbers and telephones masked, wherever they were typed.
    """
    if column in _MASKED_COLUMNS:
        return mask_id(value[:MAX_VALUE])
    return _LIKE_AN_ID.sub(lambda match: mask_id(match[0]), value[:MAX_VALUE])


def shown_params(params: Mapping[str, Param]) -> Mapping[str, Param]:
    """The same for what fills the words."""
    return {
        name: shown_value(None, value) if isinstance(value, str) else value for name, value in params.items()
    }
