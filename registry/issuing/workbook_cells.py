"""The different cells of a workbook, each kept once: what a sheet holds are numbers of this table."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from certs.errors import KezhengError
from registry.issuing.workbook_xml import stream_children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY = 0
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


class CellTable:
    """Cells by number. Number 0 stands for no cell; ``sizes`` are the bytes of the texts in UTF-8."""

    def __init__(self, text_bytes: int) -> None:
        self.kinds = ["-"]
        self.texts = [""]
        self.sizes = [0]
        self._left = text_bytes
        self._numbers: dict[str, int] = {}

    def number(self, kind: str, text: str) -> int:
        """The number of this cell; an empty text is no cell. Raises KezhengError ``file_unsafe_size``."""
        if not text:
            return EMPTY
        key = kind + text
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = self._add(kind, text)
        return known

    def add_texts(self, texts: list[str]) -> list[int]:
        """The numbers of many texts, of which few are alike. Faster than :meth:`number`; keeps each anew."""
        first = len(self.texts)
        self._append("s" * len(texts), texts)
        return [number if text else EMPTY for number, text in enumerate(texts, first)]

    def _add(self, kind: str, text: str) -> int:
        size = len(text) if text.isascii() else len(text.encode())
        self._left -= size
        if self._left < 0:
            raise KezhengError("file_unsafe_size")
        self.kinds.append(kind)
        self.texts.append(text)
        self.sizes.append(size)
        return len(self.texts) - 1

    def _append(self, kinds: str, texts: list[str]) -> None:
        sizes = [len(text) if text.isascii() else len(text.encode()) for text in texts]
        self._left -= sum(sizes)
        if self._left < 0:
            raise KezhengError("file_unsafe_size")
        self.kinds += kinds
        self.texts += texts
        self.sizes += sizes


def read_shared_strings(chunks: Iterator[bytes], table: CellTable) -> dict[str, int]:
    """Puts the shared strings into the table; their cell numbers by their index as a cell writes it."""
    numbers: list[int] = []
    lists = stream_children(chunks, "sst", "sst")
    tags = TextTags(next(lists)[0].tag.removesuffix("sst"))
    for items in lists:
        numbers += table.add_texts([tags.text_of(item) for item in items if item.tag == tags.item])
    return dict(zip(map(str, range(len(numbers))), numbers, strict=True))


class TextTags:
    """The tags of rich text in the namespace of one part."""

    __slots__ = ("item", "run", "text")

    def __init__(self, namespace: str) -> None:
        self.item, self.run, self.text = namespace + "si", namespace + "r", namespace + "t"

    def text_of(self, element: Element) -> str:
        """The text of an ``si`` or ``is``: its ``t`` and those of its runs, without phonetic readings."""
        if len(element) == 1 and element[0].tag == self.text:
            return unescape(element[0].text or "")
        pieces: list[str] = []
        for child in element:
            if child.tag == self.text:
                pieces.append(child.text or "")
            elif child.tag == self.run:
                pieces += [text.text or "" for text in child.iter(self.text)]
        return unescape("".join(pieces))


def unescape(text: str) -> str:
    """Decodes ``_x000D_`` and its like. Halves of a surrogate pair and NUL stay as written."""
    return _ESCAPE.sub(_unescaped, text) if "_x" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = int(found.group(1), 16)
    return found.group() if code == 0 or 0xD800 <= code <= 0xDFFF else chr(code)
