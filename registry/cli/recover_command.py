"""``kezheng recover``: after a database was restored from a backup, before anything is issued again."""

from __future__ import annotations

from typing import Annotated

import typer

from certs.errors import KezhengError
from registry.cli.session import command_line, home_of, now_utc, operating_person, settings_of
from registry.recovering.recover import recover
from registry.recovering.report import recovery_document, recovery_lines
from registry.store.engine import open_read_store
from registry.store.migrate import upgrade_schema


def recover_command(
    context: typer.Context,
    where: Annotated[
        str | None, typer.Option("--from", metavar="DIR|URL", help="已公布的副本 / a mirror of what was published")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只查看，不改动 / look only, change nothing")] = False,
    accept_lost: Annotated[
        bool, typer.Option("--accept-lost", help="无法找回的按作废处理 / go on without what cannot be brought back")
    ] = False,
) -> None:
    """恢复 / Bring a restored database to where the archive and the published register are. Safe to run again."""
    if not dry_run:
        _bring_schema_up(settings_of(context).database_url)
    with home_of(context) as home:
        done = recover(home, where, now_utc(), operating_person(), dry_run=dry_run, accept_lost=accept_lost)
    document = recovery_document(done)
    command_line(context).answer(document, recovery_lines(document))


def _bring_schema_up(url: str) -> None:
    """A backup may be older than the program. Nothing happens to a database that is empty or not there."""
    try:
        open_read_store(url).close()
    except KezhengError as error:
        if error.code != "schema_out_of_date" or error.params["found"] == "—":
            return
        upgrade_schema(url)
