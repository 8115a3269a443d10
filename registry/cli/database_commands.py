"""``kezheng database …``: what is set up once on a PostgreSQL server."""

from __future__ import annotations

import typer

from certs.errors import KezhengError
from registry.cli.session import command_line, settings_of
from registry.store.public_role import grant_public_role

databases = typer.Typer(no_args_is_help=True, help="PostgreSQL 数据库 / The PostgreSQL database")


@databases.callback()
def _group() -> None:
    """A group of its own also while it has one command."""


@databases.command("public-role")
def public_role(context: typer.Context) -> None:
    """公开查验专用账户 / Let the user that KEZHENG_PUBLIC_DATABASE_URL names read the public views and nothing else."""
    settings = settings_of(context)
    if settings.public_database_url is None:
        raise KezhengError("public_role_unnamed")
    role = grant_public_role(settings.database_url, settings.public_database_url)
    command_line(context).answer({"role": role}, [f"{role}：仅可读取两个公开视图 / may read the two public views"])
