"""Which parts of a package make the workbook, and what disqualifies the package as a whole.

ECMA-376 part 2 (content types, relationships) and part 1, 18.2 (workbook). Both the transitional and the
strict form are read; relationship types are told by their last word, which the two share.
"""

from __future__ import annotations

from certs.errors import KezhengError
from registry.issuing.workbook_package import Package
from registry.issuing.workbook_xml import local_name, walk_tags

_CONTENT_TYPES = "[content_types].xml"
_MACRO_WORDS = ("macroenabled", "vbaproject", "macrosheet")


class SheetPart:
    """One worksheet as the workbook names it."""

    __slots__ = ("hidden", "name", "part")

    def __init__(self, name: str, part: str, hidden: bool) -> None:
        self.name, self.part, self.hidden = name, part, hidden


class WorkbookParts:
    """The parts to read. ``strings`` and ``styles`` are None where the workbook has none."""

    __slots__ = ("date1904", "sheets", "strings", "styles")

    def __init__(self) -> None:
        self.sheets: list[SheetPart] = []
        self.strings: str | None = None
        self.styles: str | None = None
        self.date1904 = False


class _Relation:
    __slots__ = ("kind", "target")

    def __init__(self, kind: str, target: str) -> None:
        self.kind, self.target = kind, target


def find_parts(package: Package) -> WorkbookParts:
    """Refuses macros and anything external, then finds the worksheets.

    Raises KezhengError: ``file_not_xlsx``, ``file_has_macro``, ``file_external_link``, ``file_damaged``.
    """
    types = _content_types(package)
    _refuse_macros(package, types)
    _refuse_external(package)
    main = next((r.target for r in _relations(package, "").values() if r.kind == "officeDocument"), None)
    if main is None or not package.has(main):
        raise KezhengError("file_not_xlsx")
    declared = types.get(main.lower(), types.get("xml", ""))
    if "spreadsheet" not in declared and not declared.endswith("/xml"):
        raise KezhengError("file_not_xlsx")
    return _read_workbook(package, main)


def _content_types(package: Package) -> dict[str, str]:
    """Content types in lower case by part name, or by extension for defaults."""
    if not package.has(_CONTENT_TYPES):
        raise KezhengError("file_not_xlsx")
    types: dict[str, str] = {}

    def note(_: str, attributes: dict[str, str]) -> None:
        name = attributes.get("PartName", attributes.get("Extension", ""))
        types[name.lstrip("/").lower()] = attributes.get("ContentType", "").lower()

    walk_tags(package.chunks(_CONTENT_TYPES), note)
    return types


def _refuse_macros(package: Package, types: dict[str, str]) -> None:
    if any("sheet.binary" in kind for kind in types.values()):
        raise KezhengError("file_not_xlsx")
    declared = any(word in kind for kind in types.values() for word in _MACRO_WORDS)
    present = any("vbaproject" in name or name.startswith("xl/macrosheets/") for name in package.names())
    if declared or present:
        raise KezhengError("file_has_macro")


def _refuse_external(package: Package) -> None:
    """No part may point outside the package: neither other workbooks nor hyperlinks nor linked pictures."""
    if any(name.startswith("xl/externallinks/") for name in package.names()):
        raise KezhengError("file_external_link")
    for name in package.names():
        if name.endswith(".rels"):
            walk_tags(package.chunks(name), _refuse_external_relation)


def _refuse_external_relation(_: str, attributes: dict[str, str]) -> None:
    if attributes.get("TargetMode") == "External" or "externalLink" in attributes.get("Type", ""):
        raise KezhengError("file_external_link")


def _relations(package: Package, part: str) -> dict[str, _Relation]:
    """The relationships of a part (of the package for an empty name) by their ids."""
    folder, _, name = part.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if part else "_rels/.rels"
    relations: dict[str, _Relation] = {}

    def note(tag: str, attributes: dict[str, str]) -> None:
        if local_name(tag) == "Relationship":
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = _resolve(folder, attributes.get("Target", ""))
            relations[attributes.get("Id", "")] = _Relation(kind, target)

    if package.has(rels):
        walk_tags(package.chunks(rels), note)
    return relations


def _resolve(folder: str, target: str) -> str:
    """The part that a relationship's target names, seen from a folder of the package."""
    steps = [] if target.startswith("/") else folder.split("/")
    for step in target.replace("\\", "/").split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(step for step in steps if step)


def _read_workbook(package: Package, main: str) -> WorkbookParts:
    relations = _relations(package, main)
    parts = WorkbookParts()
    for relation in relations.values():
        if relation.kind == "sharedStrings":
            parts.strings = relation.target
        elif relation.kind == "styles":
            parts.styles = relation.target

    def note(tag: str, attributes: dict[str, str]) -> None:
        name = local_name(tag)
        if name == "workbookPr":
            parts.date1904 = attributes.get("date1904", "0").lower() in ("1", "true", "on")
        elif name == "sheet":
            _add_sheet(parts, attributes, relations)

    walk_tags(package.chunks(main), note)
    return parts


def _add_sheet(parts: WorkbookParts, attributes: dict[str, str], relations: dict[str, _Relation]) -> None:
    # The attribute is r:id; its namespace differs between the transitional and the strict form.
    key = next((value for name, value in attributes.items() if name.endswith("/relationships id")), "")
    relation = relations.get(key)
    if relation is None:
        raise KezhengError("file_damaged")
    if relation.kind == "worksheet":  # chart and dialog sheets hold no rows
        hidden = attributes.get("state", "visible") != "visible"
        parts.sheets.append(SheetPart(attributes.get("name", ""), relation.target, hidden))
