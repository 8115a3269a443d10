"""``kezheng status …``: suspend, reinstate, revoke, cancel, supersede.

The public reason is a code, the note stays inside.
"""

from __future__ import annotations

from typing import Annotated

import typer

from certs.certificate_number import normalise_typed_number
from certs.status import State, StatusEvent
from certs.timestamps import format_instant
from certs.wording import words
from registry.cli.session import command_line, home_of, now_utc, parse_day
from registry.status_changes import StatusChange, change_status

statuses = typer.Typer(no_args_is_help=True, help="证书状态 / The status of a certificate")

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="证书编号 / certificate number")]
Reason = Annotated[str, typer.Option("--reason", metavar="CODE", help="公开原因 / public reason code")]
By = Annotated[str, typer.Option("--by", metavar="WHO", help="经办人 / who decides")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="内部说明，不公开 / internal note")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="暂停的最后一日 / last day suspended")]
Successor = Annotated[str | None, typer.Option("--successor", metavar="NUMBER", help="新证书编号 / the new number")]
FromStart = Annotated[
    bool | None,
    typer.Option("--void-from-start/--void-from-now", help="撤销是否自始无效 / whether a revocation reaches back"),
]


@statuses.command("suspend")
def suspend(
    context: typer.Context,
    number: Number,
    reason: Reason,
    by: By,
    note: Note = None,
    until: Until = None,
    successor: Successor = None,
) -> None:
    """暂停 / Suspend, with or without an end."""
    last_day = None if until is None else parse_day(until)
    _change(context, number, StatusChange(State.SUSPENDED, reason, by, note, last_day, successor))


@statuses.command("reinstate")
def reinstate(context: typer.Context, number: Number, reason: Reason, by: By, note: Note = None) -> None:
    """恢复 / Reinstate what is suspended."""
    _change(context, number, StatusChange(State.VALID, reason, by, note))


@statuses.command("revoke")
def revoke(
    context: typer.Context, number: Number, reason: Reason, by: By, note: Note = None, from_start: FromStart = None
) -> None:
    """撤销 / Revoke, void from the start unless --void-from-now."""
    _change(context, number, StatusChange(State.REVOKED, reason, by, note, void_from_start=from_start))


@statuses.command("cancel")
def cancel(context: typer.Context, number: Number, reason: Reason, by: By, note: Note = None) -> None:
    """注销 / Cancel; the earlier effect stands."""
    _change(context, number, StatusChange(State.CANCELLED, reason, by, note))


@statuses.command("supersede")
def supersede(
    context: typer.Context, number: Number, reason: Reason, by: By, note: Note = None, successor: Successor = None
) -> None:
    """换发 / Name the certificate that replaces this one."""
    later = None if successor is None else normalise_typed_number(successor)
    _change(context, number, StatusChange(State.SUPERSEDED, reason, by, note, successor=later))


def _change(context: typer.Context, number: str, change: StatusChange) -> None:
    typed = normalise_typed_number(number)
    with home_of(context) as home:
        event = change_status(home, typed, change, now_utc())
    _answer(context, typed, event)


def _answer(context: typer.Context, number: str, event: StatusEvent) -> None:
    state, reason = words("status", event.state.value), words("status_reason", event.reason_code)
    document = {
        "number": number,
        "state": event.state.value,
        "since": format_instant(event.effective_from),
        "until": None if event.until is None else format_instant(event.until),
        "reason_code": event.reason_code,
        "reason_zh": reason.zh,
        "reason_en": reason.en,
        "void_from_start": event.void_from_start,
        "superseded_by": event.successor,
    }
    command_line(context).answer(document, [f"{number}  {state.zh}（{reason.zh}） / {state.en} ({reason.en})"])
