"""A roster of ten thousand rows from its XLSX file to released certificates, beside as many bare signatures and checks.

Everything that `kezheng issue` does before the pages are drawn: read in a child process, checked, stored,
approved, numbered, signed, sealed, read by our own verifier, released; on SQLite on this machine's disk.
Every round starts from the same home with one institution and no certificate.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook

from bench.rounds import Benchmark, Side
from bench.sample import ASSESSED_ON, GIVEN_NAMES, OCCUPATION
from bench.sample_log import key
from certs.identifiers import mod_11_2_check
from certs.occupations import catalogue
from registry.directory import enter_institution
from registry.home import open_home
from registry.initialise import initialise
from registry.institution_file import read_institution_file
from registry.issuing.approve import approve_import
from registry.issuing.import_roster import import_roster
from registry.issuing.issue import issue_batch
from registry.sample.rosters import HEADINGS
from registry.settings import Settings, load_settings

ROWS = 10_000
MESSAGE_LENGTH = 130
"""Bytes of an ordinary certificate's to-be-signed structure."""
FIRST_BIRTHDAY = date(1890, 1, 1)
INSTITUTION = """
name = "北疆数字技术评价中心"
kind = "assessment"
credit_code = "12150000MB0012343X"
province = "15"
[[scopes]]
occupation = "{occupation}"
grades = ["junior", "intermediate"]
valid_from = {valid_from}
valid_to = {valid_to}
"""


@contextmanager
def prepared() -> Iterator[Benchmark]:
    with TemporaryDirectory() as folder:
        start, used = Path(folder, "start"), Path(folder, "used")
        code = make_home(load_settings(start, {}))
        roster = roster_file(ROWS)
        private, message = key("institution"), bytes(MESSAGE_LENGTH)
        public = private.public_key()

        def fresh_home() -> None:
            shutil.rmtree(used, ignore_errors=True)
            shutil.copytree(start, used)

        def sign_and_verify() -> int:
            for _ in range(ROWS):
                public.verify(private.sign(message), message)
            return ROWS

        yield Benchmark(
            "certificates",
            Side(
                "XLSX to released certificates",
                lambda: issue(load_settings(used, {}), roster, code),
                fresh_home,
            ),
            Side("bare Ed25519 sign and verify, one core", sign_and_verify),
        )


def make_home(settings: Settings) -> str:
    """A home with one institution; its code."""
    now = datetime.now(UTC)
    initialise(settings, {}, now)
    text = INSTITUTION.format(
        occupation=OCCUPATION,
        valid_from=ASSESSED_ON - timedelta(days=365),
        valid_to=ASSESSED_ON + timedelta(days=730),
    )
    with open_home(settings, {}) as home:
        return enter_institution(home, read_institution_file(text.encode(), catalogue()), "bench", now).code


def issue(settings: Settings, roster: bytes, code: str) -> int:
    with open_home(settings, {}) as home:
        batch = import_roster(home, roster, code, "bench", "operator", now())
        approve_import(home, batch.id, "approver", None, now())
        issue_batch(home, batch.id, now, lambda _done: None)
    return ROWS


def now() -> datetime:
    return datetime.now(UTC)


def roster_file(rows: int) -> bytes:
    """A roster of invented people, all born before 1905."""
    content = BytesIO()
    workbook = Workbook(content, {"constant_memory": True})
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, HEADINGS)
    for row in range(1, rows + 1):
        sheet.write_row(row, 0, roster_row(row))
    workbook.close()
    return content.getvalue()


def roster_row(row: int) -> tuple[str, ...]:
    name = "苏" + GIVEN_NAMES[row % 13 : row % 13 + 2]
    direction = catalogue().by_id(OCCUPATION).directions[0].name_zh
    marks = (str(60 + row % 40), str(60 + row % 37))
    return (
        str(row),
        name,
        "居民身份证",
        id_number(row),
        OCCUPATION,
        direction,
        "中级",
        *marks,
        ASSESSED_ON.isoformat(),
        "",
    )


def id_number(row: int) -> str:
    birthday = FIRST_BIRTHDAY + timedelta(days=row % 5_000)
    body = f"150102{birthday:%Y%m%d}{row // 5_000 + 1:03}"
    return body + mod_11_2_check(body)
