"""The flows that are said to run on both engines are there, and do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from both_engines import ON_BOTH_ENGINES
from register_desk import Desk

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("module", sorted(ON_BOTH_ENGINES))
def test_every_listed_flow_exists(module: str) -> None:
    [path] = FOLDER.rglob(f"{module}.py")
    tree = ast.parse(path.read_text("utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert ON_BOTH_ENGINES[module] <= functions


@pytest.mark.parametrize("database_engine", ["sqlite", "postgresql"], indirect=True)
def test_a_home_is_on_the_engine_of_its_test(desk: Desk, database_engine: str) -> None:
    with desk.home.store.reading() as tx:
        assert tx.connection.dialect.name == database_engine
    assert (desk.folder / "kezheng.db").exists() == (database_engine == "sqlite")
