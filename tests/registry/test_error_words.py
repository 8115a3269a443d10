"""Every refusal has words, and every sentence is said by something."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.wording import all_codes, words
from registry.cli import console

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("certs", "keys", "registry", "verify_site")
SAID_ELSEWHERE = {
    "roster": "faults of a whole workbook are faults of the roster",
    "reason": "what stops a verification is a check of the report",
    "verdict": "a look-up without an answer is an answer of the public page",
}
"""Other tables in which a code of a KezhengError may have its words, and why."""
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|usage|internal")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def raised_codes() -> dict[str, set[str]]:
    """Every literal code given to KezhengError, with the files that give it."""
    found: dict[str, set[str]] = {}
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "KezhengError":
                for constant in _literals(node.args[:1]):
                    found.setdefault(constant, set()).add(path.relative_to(ROOT).as_posix())
    return found


def _literals(arguments: list[ast.expr]) -> Iterator[str]:
    """The codes of a first argument: a literal, or either side of a conditional expression."""
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
        elif isinstance(argument, ast.IfExp):
            yield from _literals([argument.body, argument.orelse])


def literals_of_the_program() -> set[str]:
    return {
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def test_every_refusal_has_words() -> None:
    known = set(all_codes("error")).union(*(all_codes(namespace) for namespace in SAID_ELSEWHERE))
    silent = {code: sorted(files) for code, files in raised_codes().items() if code not in known}
    assert silent == {}


def test_every_sentence_is_said_by_something() -> None:
    literals = literals_of_the_program()
    assert [code for code in all_codes("error") if code not in literals] == []


@pytest.mark.parametrize("code", sorted(console.WRONG_USAGE))
def test_wrong_usage_is_worded(code: str) -> None:
    assert code in all_codes("error")


@pytest.mark.parametrize("code", all_codes("error"))
def test_a_sentence_is_short_and_in_both_languages(code: str) -> None:
    entry = tomllib.loads((ROOT / "certs" / "wording" / "error.toml").read_text("utf-8"))[code]
    assert {"zh", "en"} <= set(entry) <= {"zh", "en", "advice_zh", "advice_en"}
    assert ("advice_zh" in entry) == ("advice_en" in entry)
    placeholders = [set(re.findall(r"{(\w+)}", entry[name])) for name in ("zh", "en")]
    assert placeholders[0] == placeholders[1]
    filled = words("error", code, **dict.fromkeys(re.findall(r"{(\w+)}", " ".join(entry.values())), "x"))
    assert "\n" not in filled.zh + filled.en
    assert not filled.en.endswith(".")


def test_parameters_of_a_refusal_are_those_of_its_sentence() -> None:
    """A KezhengError with a literal code gives what its words ask for."""
    lacking = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "KezhengError"):
                continue
            given = {keyword.arg for keyword in node.keywords}
            for code in _literals(node.args[:1]):
                if code in all_codes("error") and None not in given:
                    entry = words("error", code)
                    asked = set(re.findall(r"{(\w+)}", entry.zh + entry.en + entry.advice_zh + entry.advice_en))
                    if not asked <= given:
                        lacking.append((path.name, code, sorted(asked - given)))
    assert lacking == []
