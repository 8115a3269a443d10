"""Reads one file of ``title_policies/`` and refuses it unless every word of it can be accounted for.

Where the full text is held, a quotation must be one whole sentence of it, byte for byte, and stand in
the clause that is cited; the document's title, number and day must be printed there too. So a wrong citation
cannot ship. Where it is not held, nothing may be called a whole sentence and no silence may be claimed.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.jurisdictions import parse_place
from certs.title_policy import (
    ABSENCES,
    Announcement,
    Clause,
    Confidence,
    Effect,
    PolicyDocument,
    QuoteSource,
    Rule,
    kinds_with,
)
from certs.wording import all_codes

PARTICIPATION_OPENING = "参加数字技术工程师培育项目，"
_DOCUMENT_FIELDS = {
    "jurisdiction", "document", "title_verified", "document_number", "issuer", "text", "confidence",
    "issued_on", "in_force_from", "in_force_to", "not_before", "not_after", "period_zh", "sources",
    "listed_occupations", "concerns", "clauses", "rules", "announcements",
}  # fmt: skip
_CLAUSE_FIELDS = {"clause", "headings", "lines_below", "quote", "fragment"}
_RULE_FIELDS = {
    "effect", "kinds", "grades", "clause", "title_level", "title_names", "conditions", "open_points",
    "to_check", "delegated_to",
}  # fmt: skip
_ANNOUNCEMENT_FIELDS = {"clause", "to_check"}
_SENTENCE_START = re.compile(r"(?:[。\n]|（[一二三四五六七八九十]+）)[ \u3000]*\Z")
_Code = TypeVar("_Code", bound=StrEnum)


def read_policy(file: str, raw: bytes, text_of: Callable[[str], str]) -> PolicyDocument:
    """A policy file as a document. ``text_of`` gives a held text by name.

    Raises KezhengError ``policy_…`` naming the file and the fault.
    """
    return _PolicyReader(file, raw, text_of).document()


class _PolicyReader:
    """The parts of one file, each checked where it is read."""

    def __init__(self, file: str, raw: bytes, text_of: Callable[[str], str]) -> None:
        self.file = file
        self.version = hashlib.sha256(raw).hexdigest()[:16]
        try:
            self.data = tomllib.loads(raw.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise self._fault("policy_field_malformed", field="toml") from error
        self._known(self.data, _DOCUMENT_FIELDS)
        name = self._string(self.data, "text")
        self.text = text_of(name) if name is not None else None

    def document(self) -> PolicyDocument:
        if self.text is None and not self.data.get("sources"):
            raise self._fault("policy_field_missing", field="sources")
        clauses = {name: self._clause(row) for name, row in self._table(self.data, "clauses").items()}
        document = PolicyDocument(
            file=self.file,
            version=self.version,
            jurisdiction=parse_place(self._required(self.data, "jurisdiction")).code,
            title=self._required(self.data, "document"),
            is_title_verified=self._flag(self.data, "title_verified", default=True),
            number=self._string(self.data, "document_number"),
            issuer=self._string(self.data, "issuer"),
            quote_source=QuoteSource.SECONDARY if self.text is None else QuoteSource.TEXT,
            confidence=self._code(Confidence, self._required(self.data, "confidence"), "confidence"),
            issued_on=self._day("issued_on"),
            in_force_from=self._day("in_force_from"),
            in_force_to=self._day("in_force_to"),
            not_before=self._day("not_before"),
            not_after=self._day("not_after"),
            period_zh=self._string(self.data, "period_zh"),
            listed_occupations=frozenset(self._strings(self.data, "listed_occupations")),
            concerns=self._kinds(self.data, "concerns") or frozenset(CertificateKind),
            rules=tuple(self._rule(row, clauses) for row in self._rows("rules")),
            announcements=tuple(self._announcement(row, clauses) for row in self._rows("announcements")),
        )
        self._check_printed(document)
        return document

    # ---- clauses and rules

    def _clause(self, row: Any) -> Clause:
        self._known(row, _CLAUSE_FIELDS)
        clause = Clause(
            place=self._string(row, "clause"),
            quote=self._string(row, "quote"),
            is_fragment=self._flag(row, "fragment", default=False),
        )
        if self.text is not None:
            self._check_against_text(clause, row, self.text)
        elif clause.quote is not None and not clause.is_fragment:
            raise self._fault("policy_quote_not_whole", clause=clause.quote[:20])
        return clause

    def _check_against_text(self, clause: Clause, row: Mapping[str, Any], text: str) -> None:
        if not clause.place or not clause.quote or clause.is_fragment:
            raise self._fault("policy_field_missing", field="clause, quote")
        before, found, _ = text.partition(clause.quote)
        if not found:
            raise self._fault("policy_quote_not_in_text", clause=clause.place)
        if not is_whole_sentence(before, clause.quote):
            raise self._fault("policy_quote_not_whole", clause=clause.place)
        headings = self._strings(row, "headings")
        if not stands_in_clause(text, clause.quote, headings, row.get("lines_below", 0)):
            raise self._fault("policy_clause_not_found", clause=clause.place)
        if not headings or not clause.place.startswith("".join(headings)):
            raise self._fault("policy_clause_not_found", clause=clause.place)

    def _rule(self, row: Any, clauses: Mapping[str, Clause]) -> Rule:
        self._known(row, _RULE_FIELDS)
        effect = self._effect(row)
        kinds = self._kinds(row, "kinds")
        grades = frozenset(self._code(Grade, grade, "grades") for grade in self._strings(row, "grades"))
        if not kinds or not kinds <= kinds_with(effect):
            raise self._fault("policy_effect_of_other_kind", effect=effect)
        rule = Rule(
            effect=effect,
            kinds=kinds,
            grades=grades or frozenset(Grade),
            clause=self._clause_named(row, clauses),
            is_level_of_grade=self._is_level_of_grade(row),
            title_names=self._title_names(row),
            conditions=self._codes(row, "conditions", "effect_condition"),
            open_points=self._codes(row, "open_points", "effect_open_point"),
            to_check=self._codes(row, "to_check", "effect_open_point"),
            delegated_to=self._string(row, "delegated_to"),
        )
        self._check_rule(rule)
        return rule

    def _title_names(self, row: Mapping[str, Any]) -> tuple[tuple[Grade, str], ...]:
        names = self._table(row, "title_names")
        return tuple(
            (self._code(Grade, grade, "title_names"), self._required(names, grade)) for grade in names
        )

    def _check_rule(self, rule: Rule) -> None:
        if not rule.conditions or not rule.open_points + rule.to_check:
            raise self._fault("policy_field_missing", field="conditions, open_points")
        if self.text is None and rule.open_points:
            raise self._fault("policy_field_malformed", field="open_points")
        opens_with_project = (rule.clause.quote or "").startswith(PARTICIPATION_OPENING)
        if opens_with_project and "project_participation" not in rule.conditions:
            raise self._fault("policy_field_missing", field="project_participation")
        if rule.delegated_to is not None and f"body_{rule.delegated_to}" not in all_codes("effect_term"):
            raise self._fault("policy_field_malformed", field="delegated_to")

    def _effect(self, row: Mapping[str, Any]) -> Effect:
        name = self._required(row, "effect")
        if name not in set(Effect) - ABSENCES:
            raise self._fault("policy_effect_unknown", effect=name)
        return Effect(name)

    def _is_level_of_grade(self, row: Mapping[str, Any]) -> bool:
        level = self._string(row, "title_level")
        if level not in (None, "as_grade"):
            raise self._fault("policy_field_malformed", field="title_level")
        return level is not None

    def _announcement(self, row: Any, clauses: Mapping[str, Clause]) -> Announcement:
        self._known(row, _ANNOUNCEMENT_FIELDS)
        clause = self._clause_named(row, clauses) if "clause" in row else Clause()
        to_check = self._required(row, "to_check")
        if to_check not in all_codes("effect_open_point"):
            raise self._fault("policy_field_malformed", field="to_check")
        return Announcement(clause, to_check)

    def _clause_named(self, row: Mapping[str, Any], clauses: Mapping[str, Clause]) -> Clause:
        clause = clauses.get(self._required(row, "clause"))
        if clause is None:
            raise self._fault("policy_field_missing", field=f"clauses.{row['clause']}")
        return clause

    def _check_printed(self, document: PolicyDocument) -> None:
        if self.text is None:
            return
        printed = _without_space(self.text)
        day = document.issued_on
        facts = {
            "document": _without_space(document.title),
            "document_number": document.number or "",
            "issued_on": f"{day.year}年{day.month}月{day.day}日" if day else "",
        }
        for field, value in facts.items():
            if value not in printed:
                raise self._fault("policy_fact_not_in_text", field=field)

    # ---- typed access

    def _known(self, row: Any, fields: set[str]) -> None:
        if not isinstance(row, dict):
            raise self._fault("policy_field_malformed", field=str(row)[:20])
        for field in row.keys() - fields:
            raise self._fault("policy_field_unknown", field=field)

    def _string(self, row: Mapping[str, Any], field: str) -> str | None:
        value = row.get(field)
        if value is not None and (not isinstance(value, str) or not value):
            raise self._fault("policy_field_malformed", field=field)
        return value

    def _required(self, row: Mapping[str, Any], field: str) -> str:
        value = self._string(row, field)
        if value is None:
            raise self._fault("policy_field_missing", field=field)
        return value

    def _flag(self, row: Mapping[str, Any], field: str, *, default: bool) -> bool:
        value = row.get(field, default)
        if not isinstance(value, bool):
            raise self._fault("policy_field_malformed", field=field)
        return value

    def _strings(self, row: Mapping[str, Any], field: str) -> tuple[str, ...]:
        values = row.get(field, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self._fault("policy_field_malformed", field=field)
        return tuple(values)

    def _table(self, row: Mapping[str, Any], field: str) -> dict[str, Any]:
        value = row.get(field, {})
        if not isinstance(value, dict):
            raise self._fault("policy_field_malformed", field=field)
        return value

    def _rows(self, field: str) -> list[Any]:
        value = self.data.get(field, [])
        if not isinstance(value, list):
            raise self._fault("policy_field_malformed", field=field)
        return value

    def _codes(self, row: Mapping[str, Any], field: str, namespace: str) -> tuple[str, ...]:
        codes = self._strings(row, field)
        if not set(codes) <= set(all_codes(namespace)):
            raise self._fault("policy_field_malformed", field=field)
        return codes

    def _kinds(self, row: Mapping[str, Any], field: str) -> frozenset[CertificateKind]:
        return frozenset(self._code(CertificateKind, kind, field) for kind in self._strings(row, field))

    def _code(self, family: type[_Code], value: str, field: str) -> _Code:
        try:
            return family(value)
        except ValueError as error:
            raise self._fault("policy_field_malformed", field=field) from error

    def _day(self, field: str) -> date | None:
        value = self.data.get(field)
        if value is not None and type(value) is not date:
            raise self._fault("policy_field_malformed", field=field)
        return value

    def _fault(self, code: str, **params: str) -> KezhengError:
        return KezhengError(code, file=self.file, **params)


def is_whole_sentence(before: str, quote: str) -> bool:
    """Whether a quotation is one sentence: it ends in 。, has no other 。, and starts where a sentence can.

    ``before`` is all text in front of it; a sentence starts after 。, a new line or a number like （四）.
    """
    ends_once = quote.endswith("。") and quote.count("。") == 1
    return ends_once and (not before or _SENTENCE_START.search(before) is not None)


def stands_in_clause(text: str, quote: str, headings: tuple[str, ...], lines_below: int) -> bool:
    """Whether a quotation stands ``lines_below`` non-empty lines under the last of the nested headings."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    at = -1
    for heading in headings:
        at = next((i for i in range(at + 1, len(lines)) if lines[i].startswith(heading)), len(lines))
    target = at + lines_below
    return bool(headings) and target < len(lines) and quote in lines[target]


def _without_space(text: str) -> str:
    return "".join(text.split())
