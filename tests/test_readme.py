"""The README keeps to the program: its glossary is the table of words, its files and commands are there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command

from registry.cli.commands import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def codes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_codes", ROOT / "deploy" / "readme" / "codes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_glossary_is_the_present_table_of_words(codes: ModuleType) -> None:
    assert codes.with_glossary(README) == README, "run `make codes`"


def test_every_path_that_the_readme_names_is_there() -> None:
    paths = re.findall(r"`((?:certs|keys|registry|verify_site|deploy|tests)/[\w./*-]*)`", README)
    paths += re.findall(r"\]\(([\w./-]+)\)", README)
    assert len(paths) > 30
    missing = [path for path in paths if not list(ROOT.glob(path)) and not (ROOT / path).exists()]
    assert missing == []


def test_every_command_that_the_readme_names_is_there() -> None:
    known = {name: set(getattr(command, "commands", {})) for name, command in get_command(app).commands.items()}
    named = re.findall(r"^kezheng (\w+)(?: (\w+))?", README, re.MULTILINE)
    named += re.findall(r"`kezheng (\w+)(?: ([a-z]+))?", README)
    assert len(named) > 10
    for command, subcommand in named:
        assert command in known, command
        assert not known[command] or not subcommand or subcommand in known[command], (command, subcommand)
