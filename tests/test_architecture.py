"""The rules of the architecture, read off the source itself.

Each rule is a function from the parsed modules to the sentences that say what breaks it; a small bad example
of each shows that it can fail.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("certs", "keys", "registry", "verify_site")
MAX_LINES = 300
GENERATED = "registry.store.migrations.versions"

MAY_IMPORT = {
    "certs": {"certs"},
    "keys": {"keys", "certs"},
    "registry": {"registry", "certs", "keys"},
    "verify_site": {"verify_site", "certs"},
}
WEB_SERVER = "verify_site.webserver"
"""Processes, sockets and HTTP: knows nothing of what it serves, and is what every role runs in."""
COMPOSITION_ROOT = "verify_site.app"
READ_ONLY_STORE = ("registry.store.public_reader", "registry.store.engine", "registry.log_cache")

PACKAGE_DATA = "certs.package_data"
# fmt: off
PURE_MODULES = (
    "__future__", "abc", "base64", "binascii", "bisect", "calendar", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac",
    "itertools", "json", "math", "numbers", "operator", "re", "string", "struct", "textwrap", "tomllib",
    "types", "typing", "unicodedata", "urllib.parse", "zlib",
    "certs", "cbor2", "cryptography", "orjson",
)
"""What the domain may import: none of these reads a clock, a file, a network or randomness by import."""
IMPURE_CALLS = {
    "now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp", "open", "input", "print", "generate",
    "urandom", "__import__", "eval", "exec",
}
# fmt: on

DATABASE_LIBRARIES = ("sqlalchemy", "sqlmodel", "alembic", "sqlite3", "psycopg", "pysqlite2")
# fmt: off
PRIVATE_KEY_NAMES = (
    "Ed25519PrivateKey", "MLDSA44PrivateKey", "EllipticCurvePrivateKey", "ec", "generate_private_key",
    "derive_private_key", "load_pem_private_key", "load_der_private_key", "SimpleSigner",
)
# fmt: on
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "core", "misc", "shared"}


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted name, whether it is the `__init__` of a package, its text and its tree."""

    name: str
    is_package: bool
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.split(".")[0]


def module(name: str, text: str, *, is_package: bool = False) -> Module:
    return Module(name, is_package, text, ast.parse(text))


def modules_of_project() -> list[Module]:
    return [read_module(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def read_module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return module(name, path.read_text("utf-8"), is_package=is_package)


def imported_names(of: Module, *, at_run_time: bool = False) -> Iterator[str]:
    """Dotted names that a module imports; ``from a import b`` gives ``a.b``, since b may be a module."""
    for node in walk(of.tree, skip_type_checking=at_run_time):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_base(of, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def absolute_base(of: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = of.name.split(".")
    kept = parts[: len(parts) - node.level + of.is_package]
    return ".".join([*kept, node.module] if node.module else kept)


def walk(node: ast.AST, *, skip_type_checking: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if skip_type_checking and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from walk(child, skip_type_checking=skip_type_checking)


def lies_in(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def packages_import_only_what_lies_below(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        for name in imported_names(each):
            if name.split(".")[0] in PACKAGES and not may_import(each, name):
                yield f"{each.name} imports {name}"


def may_import(module: Module, name: str) -> bool:
    if lies_in(module.name, WEB_SERVER):
        return lies_in(name, WEB_SERVER)
    if lies_in(name, WEB_SERVER):
        return module.package in ("registry", "verify_site")
    if module.name == COMPOSITION_ROOT and lies_in(name, *READ_ONLY_STORE):
        return True
    return name.split(".")[0] in MAY_IMPORT[module.package]


def the_domain_imports_only_pure_modules(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        if each.package != "certs":
            continue
        for name in imported_names(each):
            if lies_in(name, "importlib.resources") and each.name == PACKAGE_DATA:
                continue
            if not lies_in(name, *PURE_MODULES):
                yield f"{each.name} imports {name}, which is not known to be pure"


def the_domain_calls_nothing_impure(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        if each.package != "certs" or each.name == PACKAGE_DATA:
            continue
        for node in ast.walk(each.tree):
            if isinstance(node, ast.Call) and is_impure(node):
                yield f"{each.name}:{node.lineno} calls {ast.unparse(node.func)}"


def is_impure(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name == "fromtimestamp":  # with a zone it is arithmetic; without, it asks the machine for its own
        return len(call.args) + len(call.keywords) < 2
    return name in IMPURE_CALLS


def imports_stand_at_the_top(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        for function in ast.walk(each.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        yield f"{each.name}:{node.lineno} imports inside {function.name}"


def modules_form_no_cycle(modules: list[Module]) -> Iterator[str]:
    names = {each.name for each in modules}
    graph = {each.name: imported_modules(each, names) for each in modules}
    finished: set[str] = set()
    for start in graph:
        yield from (" → ".join(cycle) for cycle in cycles_from(start, graph, (), finished))


def imported_modules(of: Module, names: set[str]) -> set[str]:
    found = set()
    for name in imported_names(of, at_run_time=True):
        target = name if name in names else name.rpartition(".")[0]
        if target in names and target != of.name:
            found.add(target)
    return found


def cycles_from(
    name: str, graph: dict[str, set[str]], path: tuple[str, ...], finished: set[str]
) -> Iterator[tuple[str, ...]]:
    if name in path:
        yield (*path[path.index(name) :], name)
    elif name not in finished:
        for target in sorted(graph[name]):
            yield from cycles_from(target, graph, (*path, name), finished)
        finished.add(name)


def names_say_what_a_module_holds(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        for part in each.name.split("."):
            if VAGUE_NAMES & set(part.split("_")):
                yield f"{each.name} has a name that says nothing"


def files_are_short(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        if lies_in(each.name, GENERATED):
            continue
        if (lines := len(each.text.splitlines())) > MAX_LINES:
            yield f"{each.name} has {lines} lines, more than {MAX_LINES}"


def all_sql_is_in_the_store(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        for name in imported_names(each):
            if lies_in(name, *DATABASE_LIBRARIES) and not lies_in(each.name, "registry.store"):
                yield f"{each.name} imports {name}"


def only_keys_opens_private_keys(modules: list[Module]) -> Iterator[str]:
    for each in modules:
        for name in imported_names(each):
            if (name.split(".")[-1] in PRIVATE_KEY_NAMES or lies_in(name, "pkcs11")) and each.package != "keys":
                yield f"{each.name} imports {name}"


Rule = Callable[[list[Module]], Iterator[str]]

BAD_EXAMPLES: list[tuple[Rule, list[Module]]] = [
    (packages_import_only_what_lies_below, [module("certs.cose", "from registry import settings")]),
    (packages_import_only_what_lies_below, [module("keys.signer", "import registry.store.engine")]),
    (packages_import_only_what_lies_below, [module("keys.signer", "from verify_site import app")]),
    (packages_import_only_what_lies_below, [module("registry.cli", "from verify_site.app import make_app")]),
    (
        packages_import_only_what_lies_below,
        [module("verify_site.app", "from registry.store.engine_admin import x")],
    ),
    (packages_import_only_what_lies_below, [module("verify_site.source", "import registry.store.engine")]),
    (packages_import_only_what_lies_below, [module("verify_site.app", "from keys import signer")]),
    (packages_import_only_what_lies_below, [module("verify_site.webserver.at_once", "from verify_site import guard")]),
    (packages_import_only_what_lies_below, [module("verify_site.webserver.at_once", "from certs import errors")]),
    (packages_import_only_what_lies_below, [module("certs.cose", "from verify_site.webserver import listening")]),
    (packages_import_only_what_lies_below, [module("certs.tlog.tree", "from ...keys import signer")]),
    (the_domain_imports_only_pure_modules, [module("certs.cose", "import os")]),
    (the_domain_imports_only_pure_modules, [module("certs.cose", "from pathlib import Path")]),
    (the_domain_imports_only_pure_modules, [module("certs.cose", "from importlib.resources import files")]),
    (the_domain_imports_only_pure_modules, [module("certs.package_data", "import sqlite3")]),
    (the_domain_imports_only_pure_modules, [module("certs.cose", "from zoneinfo import ZoneInfo")]),
    (the_domain_imports_only_pure_modules, [module("certs.cose", "from urllib.request import urlopen")]),
    (the_domain_calls_nothing_impure, [module("certs.status", "at = datetime.now(tz=UTC)")]),
    (the_domain_calls_nothing_impure, [module("certs.status", "day = date.today()")]),
    (the_domain_calls_nothing_impure, [module("certs.status", "at = datetime.fromtimestamp(5)")]),
    (the_domain_calls_nothing_impure, [module("certs.status", "text = open('x').read()")]),
    (the_domain_calls_nothing_impure, [module("certs.status", "key = Ed25519PrivateKey.generate()")]),
    (imports_stand_at_the_top, [module("registry.cli", "def serve():\n    import uvicorn")]),
    (
        imports_stand_at_the_top,
        [module("registry.cli", "async def f():\n    if x:\n        from a import b")],
    ),
    (modules_form_no_cycle, [module("certs.a", "from certs import b"), module("certs.b", "import certs.a")]),
    (
        modules_form_no_cycle,
        [
            module("certs.tlog", "from certs.tlog.tree import Tree", is_package=True),
            module("certs.tlog.tree", "from certs.tlog import tiles"),
            module("certs.tlog.tiles", "from certs.tlog import Tree"),
        ],
    ),
    (names_say_what_a_module_holds, [module("certs.date_utils", "")]),
    (names_say_what_a_module_holds, [module("registry.common.names", "")]),
    (files_are_short, [module("certs.long", "x = 1\n" * (MAX_LINES + 1))]),
    (all_sql_is_in_the_store, [module("registry.issuing.issue", "from sqlmodel import select")]),
    (all_sql_is_in_the_store, [module("registry.stored", "import sqlalchemy.orm")]),
    (
        only_keys_opens_private_keys,
        [
            module(
                "registry.cli",
                "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey",
            )
        ],
    ),
    (only_keys_opens_private_keys, [module("registry.keyring", "from pkcs11 import lib")]),
    (
        only_keys_opens_private_keys,
        [module("registry.receipts.pades", "from cryptography.hazmat.primitives.asymmetric import ec")],
    ),
    (only_keys_opens_private_keys, [module("registry.receipts", "from pyhanko.sign.signers import SimpleSigner")]),
]

GOOD_EXAMPLES: list[tuple[Rule, list[Module]]] = [
    (
        packages_import_only_what_lies_below,
        [module("verify_site.app", "from registry.store import public_reader")],
    ),
    (
        packages_import_only_what_lies_below,
        [module("registry.cli", "from keys.signer import Signer\nimport certs")],
    ),
    (the_domain_imports_only_pure_modules, [module("certs.tlog.tree", "from . import tiles\nimport cbor2")]),
    (
        the_domain_imports_only_pure_modules,
        [module("certs.package_data", "from importlib.resources import files")],
    ),
    (the_domain_calls_nothing_impure, [module("certs.timestamps", "at = datetime.fromtimestamp(5, UTC)")]),
    (
        modules_form_no_cycle,
        [
            module("certs.a", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from certs import b"),
            module("certs.b", "import certs.a"),
        ],
    ),
    (all_sql_is_in_the_store, [module("registry.store.engine", "import sqlalchemy")]),
]

RULES: list[Rule] = list(dict.fromkeys(rule for rule, _ in BAD_EXAMPLES))


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return modules_of_project()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule, modules: list[Module]) -> None:
    assert list(rule(modules)) == []


@pytest.mark.parametrize(("rule", "example"), BAD_EXAMPLES)
def test_a_bad_example_breaks_the_rule(rule: Rule, example: list[Module]) -> None:
    assert list(rule(example)) != []


@pytest.mark.parametrize(("rule", "example"), GOOD_EXAMPLES)
def test_a_good_example_keeps_the_rule(rule: Rule, example: list[Module]) -> None:
    assert list(rule(example)) == []


def test_every_package_is_read(modules: list[Module]) -> None:
    assert {each.package for each in modules} == set(PACKAGES)
