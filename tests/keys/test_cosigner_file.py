"""The file of a witness's key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from certs.errors import KezhengError
from certs.signing_key import verify_signature
from keys.cosigner_file import open_cosigner

NAME = "witness.example/w1"


def refusal(path: Path, name: str | None = None) -> str:
    with pytest.raises(KezhengError) as refused:
        open_cosigner(path, name)
    return refused.value.code


def test_a_file_is_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    made = open_cosigner(path, NAME)
    assert path.stat().st_mode & 0o777 == 0o600
    for name in (None, NAME):
        again = open_cosigner(path, name)
        assert again.key == made.key
        assert verify_signature(made.key.public_key, again.signer.sign(b"note"), b"note")
    assert (made.key.name, made.key.kind) == (NAME, 0x04)


def test_a_new_file_needs_a_name_that_a_line_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    assert refusal(path) == "cosigner_name_needed"
    for name in ("", "two words", "a+b", "line\n", "tab\t", "\x7f", "a\u3000b"):
        assert refusal(path, name) == "cosigner_name_invalid"
    assert not path.exists()
    assert open_cosigner(path, "见证.example").key.name == "见证.example"


def test_a_key_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    open_cosigner(path, NAME)
    assert refusal(path, "witness.example/w2") == "cosigner_name_differs"


def test_others_may_not_read_it(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    open_cosigner(path, NAME)
    path.chmod(0o644)
    assert refusal(path) == "keystore_permissions"


@pytest.mark.parametrize("change", [{"format": 2}, {"name": 7}, {"name": "a b"}, {"seed": "AAAA"}, {"seed": None}])
def test_a_file_with_other_content_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "witness.key"
    open_cosigner(path, NAME)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    assert refusal(path) == "cosigner_file_unreadable"
    path.write_text("rubbish", "utf-8")
    assert refusal(path) == "cosigner_file_unreadable"
    path.write_text("[]", "utf-8")
    assert refusal(path) == "cosigner_file_unreadable"
