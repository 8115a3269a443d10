"""What checking or watching a register finds: codes with words in both languages, and signed notes that prove them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from certs.errors import KezhengError, Param
from certs.wording import Words, all_codes, words

_NAMESPACES = ("register", "reason", "error")
"""Where a code may have its words, the first that has it."""


class Finding(NamedTuple):
    """Something that was found: a code with words, their parameters, and signed notes that prove it."""

    code: str
    params: Mapping[str, Param]
    evidence: tuple[bytes, ...] = ()


def finding_of(error: KezhengError) -> Finding:
    """A refusal as a finding; but a source that does not answer says nothing about the register and is raised."""
    if error.code == "log_source_unreachable":
        raise error
    return Finding(error.code, error.params)


def said(finding: Finding) -> Words:
    """The words of a finding."""
    namespace = next(name for name in _NAMESPACES if finding.code in all_codes(name))
    return words(namespace, finding.code, **finding.params)


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding for ``--json``; ``evidence`` holds signed notes as text."""
    spoken = said(finding)
    told = {"code": finding.code, "zh": spoken.zh, "en": spoken.en}
    told |= {"advice_zh": spoken.advice_zh, "advice_en": spoken.advice_en}
    return told | {"params": dict(finding.params), "evidence": [note.decode("utf-8") for note in finding.evidence]}


def finding_line(finding: Finding) -> str:
    """A finding in one line."""
    spoken = said(finding)
    return f"{spoken.zh} / {spoken.en} [{finding.code}]"


@dataclass(slots=True)
class Faults:
    """The first finding of each code, and how many there were: a damaged register has thousands alike."""

    first: dict[str, Finding] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Take one in."""
        self.first.setdefault(finding.code, finding)
        self.counts[finding.code] += 1

    def documents(self) -> list[dict[str, Any]]:
        """Each code once, with its count."""
        return [finding_document(found) | {"count": self.counts[code]} for code, found in self.first.items()]
