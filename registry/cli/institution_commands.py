"""``kezheng institution …``: the directory."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from certs.institution import EventKind, InstitutionRecord
from certs.institution_json import institution_to_json
from certs.occupations import catalogue
from certs.status_reasons import LISTING_REASONS, check_reason
from certs.timestamps import shanghai_day
from registry.cli.session import command_line, home_of, now_utc, operating_person, parse_day, read_file
from registry.directory import (
    enter_institution,
    name_successor,
    record_event,
    rename_institution,
    require_institution,
)
from registry.institution_file import read_institution_file
from registry.publishing.publish_trust import listed_institutions

institutions = typer.Typer(no_args_is_help=True, help="机构目录 / The directory of institutions")

Code = Annotated[str, typer.Argument(metavar="CODE", help="机构编码 / institution code")]
On = Annotated[str, typer.Option("--on", metavar="DATE", help="生效日 / first day of the change, YYYY-MM-DD")]
Reason = Annotated[str, typer.Option("--reason", metavar="CODE", help="公开原因 / public reason code")]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="经办人 / who decides")]


@institutions.command("add")
def add(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.toml")], by: By = None) -> None:
    """列入目录 / List an institution: its code is given and its signing key made."""
    now = now_utc()
    entry = read_institution_file(read_file(file), catalogue())
    with home_of(context) as home:
        record = enter_institution(home, entry, by or operating_person(), now)
    _answer(context, record, now)


@institutions.command("list")
def list_all(context: typer.Context) -> None:
    """列出机构 / Every institution with its present state."""
    now = now_utc()
    with home_of(context) as home, home.store.reading() as tx:
        records = listed_institutions(tx)
    lines = [f"{record.code}  {_state_zh(record, now)}  {record.name_on(shanghai_day(now))}" for record in records]
    command_line(context).answer({"institutions": [_document(record, now) for record in records]}, lines)


@institutions.command("show")
def show(context: typer.Context, code: Code) -> None:
    """查看机构 / One institution with scopes, sites and history."""
    with home_of(context) as home, home.store.reading() as tx:
        record = require_institution(tx, code)
    _answer(context, record, now_utc())


@institutions.command("suspend")
def suspend(context: typer.Context, code: Code, on: On, reason: Reason, by: By = None) -> None:
    """暂停 / Suspend."""
    _change(context, code, EventKind.SUSPEND, on, reason, by)


@institutions.command("reinstate")
def reinstate(context: typer.Context, code: Code, on: On, reason: Reason, by: By = None) -> None:
    """恢复 / Reinstate."""
    _change(context, code, EventKind.REINSTATE, on, reason, by)


@institutions.command("withdraw")
def withdraw(context: typer.Context, code: Code, on: On, reason: Reason, by: By = None) -> None:
    """退出目录 / Leave at the institution's own wish."""
    _change(context, code, EventKind.WITHDRAW, on, reason, by)


@institutions.command("remove")
def remove(context: typer.Context, code: Code, on: On, reason: Reason, by: By = None) -> None:
    """移出目录 / Remove for cause."""
    _change(context, code, EventKind.REMOVE, on, reason, by)


@institutions.command("rename")
def rename(
    context: typer.Context,
    code: Code,
    on: On,
    name: Annotated[str, typer.Option("--name", help="新名称 / new name")],
    by: By = None,
) -> None:
    """更名 / Record a new name; nothing is issued again."""
    now = now_utc()
    with home_of(context) as home:
        record = rename_institution(home, code, name, parse_day(on), by or operating_person(), now)
    _answer(context, record, now)


@institutions.command("successor")
def successor(
    context: typer.Context, code: Code, to: Annotated[str, typer.Option("--to", metavar="CODE")], by: By = None
) -> None:
    """承接机构 / Record which institution takes over corrections and reprints."""
    now = now_utc()
    with home_of(context) as home:
        record = name_successor(home, code, to, by or operating_person(), now)
    _answer(context, record, now)


def _change(context: typer.Context, code: str, kind: EventKind, on: str, reason: str, by: str | None) -> None:
    now = now_utc()
    check_reason(kind.value, reason, LISTING_REASONS[kind])
    with home_of(context) as home:
        record = record_event(home, code, kind, parse_day(on), reason, by or operating_person(), now)
    _answer(context, record, now)


def _answer(context: typer.Context, record: InstitutionRecord, now: datetime) -> None:
    name = record.name_on(shanghai_day(now))
    lines = [f"{record.code}  {_state_zh(record, now)}  {name}"]
    lines += [
        f"  {scope.occupation}  {'、'.join(sorted(scope.directions)) if scope.directions else '全部方向'}  "
        f"{'、'.join(sorted(grade.zh for grade in scope.grades))}  {scope.valid_from} – {scope.valid_to or '…'}"
        for scope in record.scopes
    ]
    lines += [f"  {event.on}  {event.kind.value}  {event.reason_code}" for event in record.events]
    command_line(context).answer(_document(record, now), lines)


def _document(record: InstitutionRecord, now: datetime) -> dict[str, Any]:
    today = shanghai_day(now)
    present = {"name": record.name_on(today), "listed_now": record.listed_on(today)}
    return institution_to_json(record) | present


def _state_zh(record: InstitutionRecord, now: datetime) -> str:
    return "在目录" if record.listed_on(shanghai_day(now)) else "不在目录"
