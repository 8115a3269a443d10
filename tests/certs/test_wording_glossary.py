"""The table of words against the glossary of the project, where that lies beside the checkout.

The glossary fixes codes, Chinese texts and next steps. Every one of them is here, or stands below with the reason
why it is another; a difference that is no longer one fails too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from certs.wording import Words, all_codes, words

GLOSSARY = Path(__file__).resolve().parents[3] / "shared" / "glossary.md"
NAMESPACES = {
    2: ("check", "outcome"),
    3: ("reason", "notice", "error"),
    4: ("status", "status_reason"),
    5: ("effect", "effect_term"),
    7: ("roster",),
}
WITH_NEXT_STEP = (3, 5)
NO_CODES = ("title_level junior/intermediate/senior; title_name null", "(e-licence statuses 02 暂扣, 07 吊销)")
"""Rows that fix words for values, not for codes."""

COME_WITH_THE_PUBLIC_REGISTER = {
    "log",
    "key_compromised_after",
    "key_compromised_before",
    "logged",
    "not_in_log",
    "log_unavailable",
    "logged_too_late",
    "logged_before_issue",
    "checkpoint_untrusted",
    "log_forked",
}
ABSENT = {
    "host_not_ours": "the contract of the report calls it host_foreign",
    "region_out_of_scope": "a certificate does not say where it was assessed; regions are judged at issue alone",
    "name_mismatch": "an unknown number and another name are one answer, in a list too",
    "date_after_issue": "a roster is judged before it has a day of issue; date_in_future is the same fault",
    "suspend": "an act: the words of acts are those of commands and pages",
    "reinstate": "an act",
    "revoke": "an act",
    "cancel": "an act",
    "supersede": "an act",
    "void_from_start": "said in the second line of the headline",
}
OTHER_TEXT = {
    "institution_unknown": "a certificate's key always has an owner in the list; the code is only that of a command",
    "listed_then_not_now": "the users' page fixes this longer sentence",
    "name_private_use_character": "names the character and proposes its standard form",
    "id_old_15": "says what to add to the old number instead of printing a whole ID number",
    "occupation_out_of_scope": "the roster's sentence fits training institutions too",
    "date_ambiguous": "offers both readings",
}
OTHER_NEXT_STEP = {
    "number_check_failed": "typed numbers add the hint to letter O and digit 0",
    "root_not_pinned": "says what the fingerprint is to be compared with",
    "institution_unknown": "the code is only that of a command",
}


class Entry(NamedTuple):
    """One code of the glossary, with its Chinese text and next step where it has them for itself."""

    section: int
    code: str
    zh: str | None
    next_step: str | None


def rows(section: int) -> list[list[str]]:
    part = re.split(rf"^### {section} ", GLOSSARY.read_text("utf-8"), flags=re.MULTILINE)[1].split("\n### ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def codes_in(cell: str) -> list[str]:
    """The codes of ``a* / b (note)`` and of ``a_out_of_scope / b_… / c_…``."""
    plain = re.sub(r"\(.*?\)|[*]|true/false", "", cell)
    parts = [part for part in re.split(r"[\s/]+", plain) if part != "…" and part]
    tail = parts[0].partition("_")[2]
    stem = parts[0].rpartition("_")[0]
    return [part.replace("…_", stem + "_").replace("_…", "_" + tail) for part in parts]


def entries(section: int) -> list[Entry]:
    found: list[Entry] = []
    above: str | None = None
    for cells in rows(section):
        if cells[0] in NO_CODES:
            continue
        above = above if cells[2] == "同上" else cells[2]
        next_step = above if section in WITH_NEXT_STEP and above != "–" else None
        codes = codes_in(cells[0])
        found += [Entry(section, code, cells[1] if len(codes) == 1 else None, next_step) for code in codes]
    return found


def said(entry: Entry) -> list[Words]:
    return [words(name, entry.code) for name in NAMESPACES[entry.section] if entry.code in all_codes(name)]


def fits(fixed: str, ours: str) -> bool:
    """Whether our text says the fixed one; a parameter stands for whatever the glossary has as an example."""
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(ours.replace(" ", "")))
    return re.fullmatch(pattern, fixed.replace(" ", "")) is not None


@pytest.fixture(scope="module")
def glossary() -> list[Entry]:
    if not GLOSSARY.exists():
        pytest.skip("no glossary lies beside this checkout (shared/glossary.md), so there is nothing to compare with")
    return [entry for section in NAMESPACES for entry in entries(section)]


def test_the_glossary_is_read_whole(glossary: list[Entry]) -> None:
    assert len(glossary) > 130
    assert {"grade_out_of_scope", "training_certificate_mismatch", "superseded"} <= {entry.code for entry in glossary}


def test_every_code_has_words_or_a_reason_to_have_none(glossary: list[Entry]) -> None:
    missing = {entry.code for entry in glossary if not said(entry)}
    assert missing - COME_WITH_THE_PUBLIC_REGISTER == {code for code in ABSENT if code in missing}
    assert {code for code in ABSENT if code not in {entry.code for entry in glossary}} == set()


def test_what_is_said_is_what_the_glossary_fixes(glossary: list[Entry]) -> None:
    other = {
        entry.code for entry in glossary for each in said(entry) if entry.zh is not None and not fits(entry.zh, each.zh)
    }
    assert other == set(OTHER_TEXT)


def test_the_next_step_is_the_one_that_the_glossary_fixes(glossary: list[Entry]) -> None:
    other = {
        entry.code
        for entry in glossary
        for each in said(entry)
        if entry.next_step is not None and not fits(entry.next_step, each.advice_zh)
    }
    assert other == set(OTHER_NEXT_STEP)


def test_headlines_are_those_of_the_glossary(glossary: list[Entry]) -> None:
    assert glossary
    for cells in rows(1):
        code = {"–": cells[0].strip("*"), "number + name": "no_match"}.get(cells[1], cells[1])
        if code in COME_WITH_THE_PUBLIC_REGISTER:
            continue
        ours = words("verdict", code)
        assert ours.zh == cells[2]
        if "/" not in cells[3]:
            assert fits(cells[3], ours.advice_zh) or code in ("revoked", "cancelled"), code


def test_confidences_are_those_of_the_glossary(glossary: list[Entry]) -> None:
    assert glossary
    assert [words("confidence", code).zh for code in all_codes("confidence")] == [cells[1] for cells in rows(6)]
