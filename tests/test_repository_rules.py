"""What may not lie in the repository: addresses of package sources, paths of a machine, secrets, real people.

Words that a rule looks for are put together from pieces here, so that this file keeps the rules itself. Each
rule is tested on a small bad example, so that it can fail.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK_FILES = ("requirements.lock", "uv.lock.txt", "tests/conformance/oracle-requirements.lock")

PACKAGE_SOURCES = re.compile(
    r"\b(?:pypi\.(?:org|python)|python"
    + r"hosted\.org|npm"
    + r"js\.(?:org|com)|npm"
    + r"mirror\.com|yarn"
    + r"pkg\.com|(?:deb|snapshot)\.debian"
    + r"\.org|node"
    + r"source\.com|raw\.github"
    + r"usercontent\.com|mirrors?\.[a-z0-9.-]+\.(?:cn|com|org))\b",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(r"(?<![\w.}/])/(?:work|root|home/\w+|Users/\w+|tmp)/")
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsk-[A-Za-z0-9]{32,}\b|\bnpm_[A-Za-z0-9]{36}\b"
    r"|\"d\"\s*:\s*\"[A-Za-z0-9_-]{43}\""
)
ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
FIRST_YEAR_OF_THE_LIVING = 1905
PRINTED_IN_THE_STANDARD = {"110105194912310" + "02X", "440524188001010014"}
"""The examples that GB 11643 prints itself: known to all, and of nobody."""


def addresses_of_package_sources(text: str) -> Iterator[str]:
    yield from (match[0] for match in PACKAGE_SOURCES.finditer(text))


def paths_of_a_machine(text: str) -> Iterator[str]:
    yield from (match[0] for match in MACHINE_PATHS.finditer(text))


def secrets(text: str) -> Iterator[str]:
    yield from (match[0][:20] for match in SECRETS.finditer(text))


def numbers_of_people_who_may_live(text: str) -> Iterator[str]:
    """ID numbers (GB 11643) with a right check character whose birth year is not long past."""
    for match in ID_NUMBER.finditer(text):
        number = match[0].upper()
        if (
            number not in PRINTED_IN_THE_STANDARD
            and has_right_check(number)
            and born_when_people_live(number)
        ):
            yield number


def has_right_check(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def born_when_people_live(number: str) -> bool:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return FIRST_YEAR_OF_THE_LIVING <= born.year <= date.max.year


def with_check(first_seventeen: str) -> str:
    """A whole number, for the examples below, which no file may spell out."""
    return next(first_seventeen + last for last in "10X98765432" if has_right_check(first_seventeen + last))


Rule = Callable[[str], Iterator[str]]

BAD_EXAMPLES: list[tuple[Rule, str]] = [
    (addresses_of_package_sources, "--index" + "-url https:" + "//pypi" + ".org/sim" + "ple"),
    (addresses_of_package_sources, "https://files.python" + "hosted.org/x.whl"),
    (addresses_of_package_sources, '"resolved"' + ': "https:' + '//registry.npm' + 'js.org/x.tgz"'),
    (addresses_of_package_sources, "https://mirrors" + ".example.edu.cn/simple"),
    (paths_of_a_machine, "cd " + "/work" + "/main"),
    (paths_of_a_machine, 'open("/root' + '/.cache/x")'),
    (paths_of_a_machine, "see " + "/home" + "/anna/notes"),
    (paths_of_a_machine, "'" + "/tmp" + "/x'"),
    (secrets, "-----BEGIN EC PRIVATE " + "KEY-----"),
    (secrets, '{"kty": "OKP", "d"' + ': "' + "A" * 43 + '"}'),
    (secrets, "ghp_" + "a1B2" * 9),
    (numbers_of_people_who_may_live, with_check("15010219900101123")),
    (numbers_of_people_who_may_live, f"身份证号 {with_check('15010219051231001')}，"),
]
GOOD_EXAMPLES: list[tuple[Rule, str]] = [
    (addresses_of_package_sources, "https://verify.example.cn/V/2KCE2"),
    (paths_of_a_machine, "GET /v/{payload} and /published/log/tile/ and ../shared/vectors/ and {home}/tmp/x"),
    (secrets, '{"kty": "OKP", "x": "' + "A" * 43 + '"}'),
    (numbers_of_people_who_may_live, with_check("15010219041231001")),
    (numbers_of_people_who_may_live, "150102199001011231 150102199013011230 11010519491231002X"),
    (numbers_of_people_who_may_live, "--hash=sha256:" + "1" * 64),
]
RULES: list[Rule] = list(dict.fromkeys(rule for rule, _ in BAD_EXAMPLES))


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Path → text of every file that is or could be committed; a file that is not UTF-8 text has none."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so what belongs to the repository is unknown")
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    found = {}
    for name in filter(None, names):
        try:
            found[name] = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_file_breaks_the_rule(rule: Rule, texts: dict[str, str]) -> None:
    assert [(name, what) for name, text in texts.items() for what in rule(text)] == []


@pytest.mark.parametrize(("rule", "example"), BAD_EXAMPLES)
def test_a_bad_example_breaks_the_rule(rule: Rule, example: str) -> None:
    assert list(rule(example)) != []


@pytest.mark.parametrize(("rule", "example"), GOOD_EXAMPLES)
def test_a_good_example_keeps_the_rule(rule: Rule, example: str) -> None:
    assert list(rule(example)) == []


@pytest.mark.parametrize("name", LOCK_FILES)
def test_lock_files_hold_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    pinned = re.findall(r"^[a-z0-9.\[\]_-]+==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert "://" not in text
    assert len(pinned) == len(re.findall(r"^[^ #\n]", text, re.MULTILINE)) > 0


def test_git_ignores_what_a_registry_writes_and_nothing_of_its_source() -> None:
    lines = (ROOT / ".gitignore").read_text("utf-8").split()
    assert "/var/" in lines
    assert [line for line in lines if "keys" in line or line in {"*", "var", "*.toml", "*.json"}] == []
