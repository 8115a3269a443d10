"""Homes and rosters for benchmarks: institutions that may certify, and as many invented people as asked.

All are born before 1905. Rosters go through the same import as anybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

from xlsxwriter import Workbook

from bench.sample import ASSESSED_ON, GIVEN_NAMES, OCCUPATION
from certs.identifiers import credit_code_check, mod_11_2_check, organisation_code_check
from certs.occupations import catalogue
from registry.directory import enter_institution
from registry.home import Home, open_home
from registry.initialise import initialise
from registry.institution_file import read_institution_file
from registry.issuing.approve import approve_import
from registry.issuing.import_roster import import_roster
from registry.sample.rosters import HEADINGS
from registry.settings import Settings, load_settings

FIRST_BIRTHDAY = date(1890, 1, 1)
BIRTHDAYS = 5_000
OPERATOR, APPROVER = "operator", "approver"
INSTITUTION = """
name = "北疆数字技术评价中心{place}"
kind = "assessment"
credit_code = "{credit_code}"
province = "15"
[[scopes]]
occupation = "{occupation}"
grades = ["junior", "intermediate"]
valid_from = {valid_from}
valid_to = {valid_to}
"""


@contextmanager
def opened(folder: Path) -> Iterator[Home]:
    """The home in a folder, with no setting of the environment."""
    with open_home(load_settings(folder, {}), {}) as home:
        yield home


def make_home(settings: Settings, institutions: int = 1) -> list[str]:
    """A home with so many institutions; their codes."""
    at = now()
    initialise(settings, {}, at)
    with open_home(settings, {}) as home:
        return [_enter(home, place, at) for place in range(institutions)]


def _enter(home: Home, place: int, at: datetime) -> str:
    file = read_institution_file(institution_text(place).encode(), catalogue())
    return enter_institution(home, file, "bench", at).code


def institution_text(place: int) -> str:
    """The file of one of several institutions that may certify the sample people."""
    return INSTITUTION.format(
        place=place + 1,
        credit_code=credit_code(place),
        occupation=OCCUPATION,
        valid_from=ASSESSED_ON - timedelta(days=365),
        valid_to=ASSESSED_ON + timedelta(days=730),
    )


def credit_code(place: int) -> str:
    """A credit code that is well formed and nobody's."""
    organisation = f"MB8{place:05}"
    front = f"12150000{organisation}{organisation_code_check(organisation)}"
    return front + credit_code_check(front)


def approved_batch(home: Home, code: str, roster: bytes) -> str:
    """A roster imported and approved; the batch's id."""
    batch = import_roster(home, roster, code, "bench", OPERATOR, now())
    approve_import(home, batch.id, APPROVER, None, now())
    return batch.id


def now() -> datetime:
    return datetime.now(UTC)


def roster_file(people: Iterable[int]) -> bytes:
    """A roster of the people with these numbers."""
    content = BytesIO()
    workbook = Workbook(content, {"constant_memory": True})
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, HEADINGS)
    for row, person in enumerate(people, 1):
        sheet.write_row(row, 0, roster_row(row, person))
    workbook.close()
    return content.getvalue()


def roster_row(row: int, person: int) -> Sequence[str]:
    name = "苏" + GIVEN_NAMES[person % 13 : person % 13 + 2]
    direction = catalogue().by_id(OCCUPATION).directions[0].name_zh
    marks = (str(60 + person % 40), str(60 + person % 37))
    before = (str(row), name, "居民身份证", id_number(person), OCCUPATION, direction, "中级")
    return (*before, *marks, ASSESSED_ON.isoformat(), "")


def id_number(person: int) -> str:
    birthday = FIRST_BIRTHDAY + timedelta(days=person % BIRTHDAYS)
    body = f"150102{birthday:%Y%m%d}{person // BIRTHDAYS + 1:03}"
    return body + mod_11_2_check(body)
