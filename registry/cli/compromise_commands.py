"""``kezheng keys compromise`` and ``kezheng keys reissue``: what a theft changes, and honest certificates again."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from certs.certificate_number import normalise_typed_number
from certs.errors import KezhengError
from certs.timestamps import day_start, format_instant, instant_from_ms, parse_instant
from keys.key_record import KeyRole
from registry.cli.console import CommandLine, advance
from registry.cli.job_engine import do_job
from registry.cli.keys_commands import Kid, OwnRole, parse_kid
from registry.cli.roster_commands import issued_document
from registry.cli.session import command_line, home_of, now_utc, read_file
from registry.compromise import Compromise, Effect, affected_certificates, declare, foresee
from registry.delegation_changes import rotate_role
from registry.exporting import IssuedFile, export_batch, write_private
from registry.home import Home
from registry.issuing.reissue import Started, start_reissue
from registry.jobs.job import JobKind
from registry.store.affected_store import LoggedUnderKey
from registry.store.batch_store import require_batch
from registry.store.reissue_store import batches_with_parked

PAGE = 100
_LENGTH_OF_DAY = 10


def compromise_command(
    context: typer.Context,
    kid: Annotated[str | None, typer.Argument(metavar="[KID]", help="机构密钥 / an institution's key")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="失窃时间 / since; a day: its start")] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="申报人 / who declares it")] = "",
    officer: Annotated[str, typer.Option("--officer", metavar="NAME", help="登记机构确认人 / of the registry")] = "",
    role: Annotated[OwnRole | None, typer.Option("--role", help="登记机构自己的密钥 / a key of the register")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="正式申报 / do it; else a dry run")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只统计 / count only (the default)")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="每页张数 / certificates on a page")] = PAGE,
    offset: Annotated[int, typer.Option("--offset", min=0, help="从第几张起 / how many to pass over")] = 0,
    numbers_out: Annotated[
        Path | None, typer.Option("--numbers-out", metavar="FILE", help="写出全部受影响编号 / all affected numbers")
    ] = None,
) -> None:
    """申报密钥失窃 / Declare a key stolen: what was registered before stays valid. Counts only, unless --confirm."""
    if (kid is None) == (role is None) or (confirm and dry_run) or (kid is None) != (at is None):
        raise KezhengError("usage", message="KID with --at TIME, or --role ROLE; --confirm or --dry-run")
    if role is not None:
        _replace_own_key(context, role, Compromise(b"", now_utc(), by, officer), confirm=confirm)
        return
    assert kid is not None
    assert at is not None
    declared, now = Compromise(parse_kid(kid), _since(at), by, officer), now_utc()
    with home_of(context) as home:
        effect = (declare if confirm else foresee)(home, declared, now)
        listed = affected_certificates(home, declared.kid, effect.at, limit=limit, offset=offset)
        if numbers_out is not None:
            _write_numbers(numbers_out, affected_certificates(home, declared.kid, effect.at))
    line = command_line(context)
    line.answer(_effect_document(effect, listed, offset, confirmed=confirm), _effect_lines(effect, listed, confirm))


def reissue_command(
    context: typer.Context,
    kid: Kid,
    operator: Annotated[str, typer.Option("--operator", metavar="A", help="经办人 / maker")],
    approver: Annotated[str, typer.Option("--approver", metavar="B", help="复核人 / checker")],
    numbers: Annotated[
        Path | None, typer.Option("--numbers", metavar="FILE", help="确认的编号，每行一个 / numbers, one a line")
    ] = None,
    all_affected: Annotated[bool, typer.Option("--all", help="全部 / all that are affected")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="证书写到何处 / target folder")] = None,
    files: Annotated[bool, typer.Option("--files/--no-files", help="是否制作证书文件 / draw the files")] = True,
) -> None:
    """重新发证 / Issue again, under the same numbers, what a key signed after its theft. Resumes a stopped run."""
    if (numbers is None) != all_affected:
        raise KezhengError("usage", message="--numbers FILE or --all")
    chosen = None if numbers is None else _read_numbers(numbers)
    line = command_line(context)
    with home_of(context) as home:
        started = start_reissue(home, parse_kid(kid), chosen, operator, approver, now_utc())
        batches = _finish(line, home, parse_kid(kid))
        issued = [each for batch in batches for each in _export(line, home, batch, out)] if files else []
    _report(line, kid, started, batches, issued)


def _finish(line: CommandLine, home: Home, kid: bytes) -> list[str]:
    """Sign everything that waits for a new paper, also what earlier runs left; the batches it belongs to."""
    with home.store.reading() as tx:
        batches = batches_with_parked(tx, kid)
    if batches:
        do_job(line, home, JobKind.REISSUE, kid.hex(), what="重新签发 / signing again")
    return batches


def _export(line: CommandLine, home: Home, batch_id: str, out: Path | None) -> list[IssuedFile]:
    """Draw what changed: files of certificates that were not issued again are right as they are."""
    with home.store.reading() as tx:
        batch = require_batch(tx, batch_id)
    folder = (out or home.settings.exports_folder) / batch_id
    with line.progress("制作 / rendering", 0) as bar:
        return export_batch(home, batch, folder, now_utc(), lambda count: advance(bar, count))


def _report(line: CommandLine, kid: str, started: Started, batches: list[str], issued: list[IssuedFile]) -> None:
    again = set(started.numbers)
    drawn = [files for files in issued if files.number in again]
    document = {
        "kid": parse_kid(kid).hex(),
        "count": len(started.numbers),
        "numbers": list(started.numbers),
        "not_in_force": [{"number": number, "state": state.value} for number, state in started.not_in_force],
        "batches": batches,
        "certificates": [issued_document(files) for files in drawn],
    }
    kept = [f"- {number}  {state.value}" for number, state in started.not_in_force]
    line.answer(document, [*kept, f"{len(started.numbers)} 张已按原编号重新发证 / issued again"])


def _replace_own_key(context: typer.Context, role: OwnRole, declared: Compromise, *, confirm: bool) -> None:
    """A stolen key of the register itself is replaced by a new delegation; two people as for an institution's."""
    declared.check_people()
    document: dict[str, Any] = {"role": role.value, "dry_run": not confirm}
    lines = [f"{role.value}：加 --confirm 后更换并续签授权 / replaced under a new delegation with --confirm"]
    if confirm:
        with home_of(context) as home:
            given = rotate_role(home, KeyRole(role.value), f"{declared.by} + {declared.officer}", declared.at)
        document |= {"epoch": given.epoch}
        lines = [f"{role.value}  授权第 {given.epoch} 期 / epoch {given.epoch}"]
    command_line(context).answer(document, lines)


def _since(text: str) -> datetime:
    """A day means its first moment: what is not known to be honest is to be confirmed. Raises ``time_invalid``."""
    try:
        return day_start(date.fromisoformat(text)) if len(text) == _LENGTH_OF_DAY else parse_instant(text)
    except ValueError as error:
        raise KezhengError("time_invalid", value=text) from error


def _read_numbers(path: Path) -> list[str]:
    lines = read_file(path).decode("utf-8-sig", "replace").split("\n")
    return [normalise_typed_number(line) for line in lines if line.strip()]


def _write_numbers(path: Path, affected: list[LoggedUnderKey]) -> None:
    write_private(path, "".join(f"{found.number}\n" for found in affected).encode("ascii"))


def _effect_document(
    effect: Effect, listed: list[LoggedUnderKey], offset: int, *, confirmed: bool
) -> dict[str, Any]:
    return {
        "kid": effect.key.kid.hex(),
        "institution": effect.key.institution_code,
        "compromised_at": format_instant(effect.at),
        "dry_run": not confirmed,
        "logged_before": effect.counts.before,
        "logged_since": effect.counts.since,
        "not_logged": effect.counts.not_logged,
        "offset": offset,
        "certificates": [
            {
                "number": found.number,
                "state": found.state.value,
                "leaf_index": found.leaf_index,
                "logged_at": format_instant(instant_from_ms(found.logged_ms)),
            }
            for found in listed
        ],
        "new_kid": None if effect.new_kid is None else effect.new_kid.hex(),
    }


def _effect_lines(effect: Effect, listed: list[LoggedUnderKey], confirmed: bool) -> list[str]:
    counts = effect.counts
    lines = [
        f"失窃前已登记，不受影响 / registered before, stay valid: {counts.before}",
        f"失窃后登记，须逐一确认 / registered since, to be confirmed: {counts.since}",
        f"尚未登记，将用新密钥 / not registered, go under another key: {counts.not_logged}",
        *(f"  {found.number}  {format_instant(instant_from_ms(found.logged_ms))}" for found in listed),
    ]
    if not confirmed:
        return [*lines, "试算，未作改动；正式申报请加 --confirm / a dry run: nothing was changed"]
    return lines if effect.new_kid is None else [*lines, f"新密钥 / new key: {effect.new_kid.hex()}"]
