"""``kezheng backup``: what `kezheng recover` is for one day, on another disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.cli.session import command_line, home_of, now_utc
from registry.recovering.backup import back_up, backup_document


def backup_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="备份到何处，须在另一磁盘 / a folder on another disk")],
    keys: Annotated[bool, typer.Option("--keys", help="连同加密的密钥文件 / with the encrypted key files")] = False,
) -> None:
    """备份 / Copy database and archive while everything goes on. Run again, it adds what is new."""
    line = command_line(context)
    with home_of(context) as home:
        made = back_up(home, folder, now_utc(), with_keys=keys)
    said = f"{made.folder}: 登记簿 {made.size} 条 / {made.size} entries"
    line.answer(backup_document(made), [said])
