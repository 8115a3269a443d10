"""The TOML file of one institution, read into plain values. Codes and ids are given later, in the transaction."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from certs.identifiers import check_credit_code
from certs.jurisdictions import provinces
from certs.occupations import Catalogue, Occupation

MAX_NAME = 60
MAX_TEXT = 100
_DIVISION = re.compile(r"[0-9]{6}")
_SITE_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")
_MEMBERS = {"name", "kind", "credit_code", "province", "registration", "batch", "document", "scopes", "sites"}
_SCOPE_MEMBERS = {"occupation", "directions", "grades", "valid_from", "valid_to", "regions"}
_SITE_MEMBERS = {"name", "division", "code"}


class ScopeEntry(NamedTuple):
    """One scope as written; ``occupation`` is the catalogue's id."""

    occupation: str
    directions: tuple[str, ...] | None
    grades: tuple[Grade, ...]
    regions: tuple[str, ...] | None
    valid_from: date
    valid_to: date


class SiteEntry(NamedTuple):
    """One site as written; the first is the main site."""

    code: str | None
    name: str
    division: str


class InstitutionFile(NamedTuple):
    """One institution as written; ``registration`` None means the next free number."""

    name: str
    kind: CertificateKind
    credit_code: str
    province: str
    registration: int | None
    batch: str | None
    document: str | None
    scopes: tuple[ScopeEntry, ...]
    sites: tuple[SiteEntry, ...]


def read_institution_file(content: bytes, catalogue: Catalogue) -> InstitutionFile:
    """The values of an institution file.

    Raises KezhengError ``institution_file_invalid`` naming the field, or ``credit_code_…``.
    """
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KezhengError("institution_file_invalid", field="TOML") from error
    _only(values, _MEMBERS, "")
    credit_code = _text(values, "credit_code")
    check_credit_code(credit_code)
    province = _text(values, "province")
    if province not in {place.code for place in provinces()}:
        raise KezhengError("institution_file_invalid", field="province")
    return InstitutionFile(
        name=_text(values, "name", MAX_NAME),
        kind=_kind(values),
        credit_code=credit_code,
        province=province,
        registration=_registration(values),
        batch=_optional(values, "batch"),
        document=_optional(values, "document"),
        scopes=tuple(_scope(entry, catalogue, place) for place, entry in _tables(values, "scopes")),
        sites=tuple(_site(entry, place) for place, entry in _tables(values, "sites")),
    )


def institution_name(text: str) -> str:
    """A name as it is stored. Raises KezhengError ``name_invalid``: the trust list refuses an empty one."""
    if not text.strip() or len(text) > MAX_NAME or not text.isprintable():
        raise KezhengError("name_invalid", limit=MAX_NAME)
    return text.strip()


def _only(values: dict[str, Any], known: set[str], where: str) -> None:
    for name in values:
        if name not in known:
            raise KezhengError("institution_file_invalid", field=where + name)


def _text(values: dict[str, Any], name: str, longest: int = MAX_TEXT, where: str = "") -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise KezhengError("institution_file_invalid", field=where + name)
    return value.strip()


def _optional(values: dict[str, Any], name: str) -> str | None:
    return _text(values, name) if name in values else None


def _kind(values: dict[str, Any]) -> CertificateKind:
    try:
        return CertificateKind(values.get("kind", ""))
    except ValueError as error:
        raise KezhengError("institution_file_invalid", field="kind") from error


def _registration(values: dict[str, Any]) -> int | None:
    if "registration" not in values:
        return None
    text = str(values["registration"])
    if not re.fullmatch(r"[0-9]{4}", text) or text == "0000":
        raise KezhengError("institution_file_invalid", field="registration")
    return int(text)


def _tables(values: dict[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    entries = values.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KezhengError("institution_file_invalid", field=name)
    return [(f"{name}[{index}].", entry) for index, entry in enumerate(entries, 1)]


def _scope(entry: dict[str, Any], catalogue: Catalogue, where: str) -> ScopeEntry:
    _only(entry, _SCOPE_MEMBERS, where)
    occupation = catalogue.find(_text(entry, "occupation", where=where))
    if occupation is None:
        raise KezhengError("institution_file_invalid", field=where + "occupation")
    valid_from, valid_to = _day(entry, "valid_from", where), _day(entry, "valid_to", where)
    if valid_to < valid_from:
        raise KezhengError("institution_file_invalid", field=where + "valid_to")
    directions = _texts(entry, "directions", where)
    for name in directions or ():
        if occupation.direction(name) is None and not occupation.directions_open:
            raise KezhengError("institution_file_invalid", field=f"{where}directions: {name}")
    return ScopeEntry(
        occupation=occupation.id,
        directions=None if directions is None else tuple(_direction_name(occupation, name) for name in directions),
        grades=_grades(entry, where),
        regions=_texts(entry, "regions", where),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _direction_name(occupation: Occupation, name: str) -> str:
    direction = occupation.direction(name)
    return name if direction is None else direction.name_zh


def _grades(entry: dict[str, Any], where: str) -> tuple[Grade, ...]:
    try:
        grades = tuple(Grade(value) for value in entry.get("grades", ()))
    except ValueError as error:
        raise KezhengError("institution_file_invalid", field=where + "grades") from error
    if not grades:
        raise KezhengError("institution_file_invalid", field=where + "grades")
    return grades


def _texts(entry: dict[str, Any], name: str, where: str) -> tuple[str, ...] | None:
    if name not in entry:
        return None
    values = entry[name]
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value for value in values):
        raise KezhengError("institution_file_invalid", field=where + name)
    return tuple(values)


def _day(entry: dict[str, Any], name: str, where: str) -> date:
    value = entry.get(name)
    if type(value) is not date:
        raise KezhengError("institution_file_invalid", field=where + name)
    return value


def _site(entry: dict[str, Any], where: str) -> SiteEntry:
    _only(entry, _SITE_MEMBERS, where)
    division = _text(entry, "division", where=where)
    if not _DIVISION.fullmatch(division):
        raise KezhengError("institution_file_invalid", field=where + "division")
    code = entry.get("code")
    if code is not None and not (isinstance(code, str) and _SITE_CODE.fullmatch(code)):
        raise KezhengError("institution_file_invalid", field=where + "code")
    return SiteEntry(code, _text(entry, "name", MAX_NAME, where), division)
