"""The result page poured from moulds: the template is rendered once for each shape that a page can have.

Pages of one shape (language, verdict, which lines there are) differ in their texts alone. The template is rendered
once with marks in the place of the texts; after that a page is the pieces between the marks with its own texts,
escaped, put between them. Nothing that belongs to a certificate is kept: a mould holds the site's own words and links.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from markupsafe import escape

from verify_site.record_view import CheckLine, Line, Record, ResultView

MAX_MOULDS = 256
"""Kept shapes, about 15 KB each: a day of scans of all kinds meets a few dozen."""
_BETWEEN = "\x00"
_MARK = re.compile("\ue000([0-9]+)\ue001")
Take = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class PageContent:
    """All that a result page is made of. ``frame``: names and values of the template that are the same in its shape."""

    view: ResultView
    technical: tuple[Line, ...]
    frame: Mapping[str, Any]

    def values(self) -> dict[str, Any]:
        """What the template is given."""
        return {**self.frame, "view": self.view, "technical": self.technical}


class PageMoulds:
    """Moulds by shape, the most recently used ones. For one thread."""

    def __init__(self, render: Callable[[PageContent], str]) -> None:
        self._render = render
        self._moulds: OrderedDict[Hashable, _Mould] = OrderedDict()

    def page(self, content: PageContent) -> bytes:
        """The page, byte for byte as the template gives it."""
        texts = _texts(content)
        shape = _shape(content, texts)
        mould = self._moulds.get(shape)
        if mould is None:
            mould = self._moulds[shape] = _Mould(self._render(_marked(content)))
            if len(self._moulds) > MAX_MOULDS:
                self._moulds.popitem(last=False)
        else:
            self._moulds.move_to_end(shape)
        return mould.filled(texts)


class _Mould:
    """A page with marks, taken apart."""

    def __init__(self, marked: str) -> None:
        pieces = _MARK.split(marked)
        self._pieces = [piece.encode("utf-8") for piece in pieces]
        self._places = [(place, int(pieces[place])) for place in range(1, len(pieces), 2)]

    def filled(self, texts: list[str]) -> bytes:
        """The page with these texts, each escaped."""
        escaped = _escaped(texts)
        pieces = self._pieces.copy()
        for place, number in self._places:
            pieces[place] = escaped[number]
        return b"".join(pieces)


def _escaped(texts: list[str]) -> list[bytes]:
    """Each text escaped for HTML: all at once, unless one of them holds the character put between them."""
    together = escape(_BETWEEN.join(texts)).encode("utf-8").split(_BETWEEN.encode("ascii"))
    return together if len(together) == len(texts) else [escape(text).encode("utf-8") for text in texts]


def _texts(content: PageContent) -> list[str]:
    """Every text of a page, in the order of `_marked`; an absent one is empty."""
    view = content.view
    record = view.record
    texts = [view.headline, view.second, view.next_step, view.checked_at, view.check_id, view.institution_code or ""]
    if record is not None:
        texts += (record.name or "", record.title, record.subject, record.direction or "", record.issuer)
        texts += (record.issuer_now or "", record.id_tail or "", *record.number_groups)
    texts += view.notices
    for check in view.checks:
        texts += (check.label, check.outcome_text, check.text, check.advice)
    for lines in (view.facts, view.institution, content.technical):
        for line in lines:
            texts += (line.label, line.value, line.note)
    return texts


def _shape(content: PageContent, texts: list[str]) -> Hashable:
    """All that the template decides by, and the texts that are no texts of the page but part of its frame."""
    view, record = content.view, content.view.record
    return (
        *content.frame.values(),
        view.verdict,
        view.tone,
        view.is_demo,
        view.is_dense,
        None if record is None else (record.is_long_name, len(record.number_groups)),
        len(view.notices),
        tuple([check.outcome for check in view.checks]),
        tuple([line.is_wide for line in view.facts]),
        tuple([line.is_wide for line in view.institution]),
        tuple([line.is_wide for line in content.technical]),
        tuple([not text for text in texts]),
    )


def _marked(content: PageContent) -> PageContent:
    """The same page with a mark in the place of every text that is not empty, in the order of `_texts`."""
    view, take = content.view, _marks()
    marked = view._replace(
        headline=take(view.headline),
        second=take(view.second),
        next_step=take(view.next_step),
        checked_at=take(view.checked_at),
        check_id=take(view.check_id),
        institution_code=take(view.institution_code or ""),
        record=None if view.record is None else _marked_record(view.record, take),
        notices=tuple(take(notice) for notice in view.notices),
        checks=tuple(_marked_check(check, take) for check in view.checks),
        facts=_marked_lines(view.facts, take),
        institution=_marked_lines(view.institution, take),
    )
    return PageContent(marked, _marked_lines(content.technical, take), content.frame)


def _marks() -> Take:
    numbers: Iterator[int] = count()

    def take(text: str) -> str:
        number = next(numbers)
        return f"\ue000{number}\ue001" if text else ""

    return take


def _marked_record(record: Record, take: Take) -> Record:
    return record._replace(
        name=take(record.name or ""),
        title=take(record.title),
        subject=take(record.subject),
        direction=take(record.direction or ""),
        issuer=take(record.issuer),
        issuer_now=take(record.issuer_now or ""),
        id_tail=take(record.id_tail or ""),
        number_groups=tuple(take(group) for group in record.number_groups),
    )


def _marked_check(check: CheckLine, take: Take) -> CheckLine:
    return check._replace(
        label=take(check.label),
        outcome_text=take(check.outcome_text),
        text=take(check.text),
        advice=take(check.advice),
    )


def _marked_lines(lines: Iterable[Line], take: Take) -> tuple[Line, ...]:
    return tuple(
        line._replace(label=take(line.label), value=take(line.value), note=take(line.note)) for line in lines
    )
