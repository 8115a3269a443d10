"""Our JSON against JSONTestSuite (what a reader must accept and refuse) and the vectors of RFC 8785."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from certs.canonical import decode_json, encode_json
from certs.errors import KezhengError

Files = Callable[[str], list[Path]]


def is_read(data: bytes) -> bool:
    try:
        decode_json(data)
    except KezhengError as error:
        if error.code == "json_malformed":
            return False
        raise
    return True


@pytest.mark.parametrize(("pattern", "count", "accepted"), [("y_*", 95, True), ("n_*", 188, False)])
def test_documents_are_read_or_refused_as_the_suite_says(
    pattern: str, count: int, accepted: bool, vector_files: Files
) -> None:
    files = vector_files(f"json/test_parsing/{pattern}.json")
    assert len(files) == count
    assert [path.name for path in files if is_read(path.read_bytes()) != accepted] == []


def test_documents_on_which_the_standard_is_silent_do_no_harm(vector_files: Files) -> None:
    for path in vector_files("json/*/i_*.json") + vector_files("json/test_transform/*.json"):
        is_read(path.read_bytes())


@pytest.mark.parametrize("name", ["arrays", "french", "unicode"])
def test_canonical_json_equals_the_standard_for_ascii_keys_without_floats(
    name: str, vector_files: Files
) -> None:
    """The other vectors need floats or keys beyond ASCII, which no file of ours holds."""
    [given], [wanted] = vector_files(f"jcs/input/{name}.json"), vector_files(f"jcs/output/{name}.json")
    assert encode_json(decode_json(given.read_bytes())) == wanted.read_bytes()
