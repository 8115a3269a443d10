"""``kezheng init``, ``demo``, ``serve``, ``publish``: making a home, showing it, putting it before the public."""

from __future__ import annotations

import ipaddress
import os
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from certs.errors import KezhengError
from registry.cli.console import CommandLine, error_words
from registry.cli.session import command_line, home_of, now_utc, settings_of
from registry.demonstration import demonstrate
from registry.initialise import initialise
from registry.publishing.documents import published_files
from registry.publishing.static_files import write_published
from registry.serving import serve_all, serve_public, serve_registry, serve_worker
from registry.settings import LARGEST_PORT, Settings
from registry.store.engine import AWAY, open_public_store
from registry.store.public_role import refuse_wide_role


class Role(StrEnum):
    """What a process is for."""

    PUBLIC = "public"
    REGISTRY = "registry"
    WORKER = "worker"
    ALL = "all"


def init_command(context: typer.Context) -> None:
    """初始化 / Make the home: folder, database, keys, first signed lists. Safe to run again."""
    made = initialise(settings_of(context), os.environ, now_utc())
    document = {
        "home": str(made.home),
        "root_fingerprint": made.root.fingerprint,
        "created_keys": made.created_keys,
        "passphrase_file": None if made.passphrase_file is None else str(made.passphrase_file),
    }
    lines = [f"{made.home}  根密钥指纹 / root fingerprint: {made.root.fingerprint}"]
    if made.passphrase_file is not None:
        lines.append(
            f"口令文件与密钥在同一处（{made.passphrase_file}），正式使用请改用 KEZHENG_PASSPHRASE / "
            "the passphrase lies beside the keys; in production give KEZHENG_PASSPHRASE instead"
        )
    command_line(context).answer(document, lines)


def publish_command(
    context: typer.Context, folder: Annotated[Path, typer.Argument(metavar="DIR", help="写到何处 / target folder")]
) -> None:
    """发布静态文件 / Write the signed files that off-line verifiers and delivery networks need."""
    now = now_utc()
    with home_of(context) as home:
        with home.recording() as tx:
            home.publish_if_needed(tx, now)
        with home.store.reading() as reading:
            files = published_files(reading)
        names = write_published(folder, files, home.settings.log_folder)
    command_line(context).answer({"folder": str(folder), "files": names}, [f"{folder}: {len(names)} 个文件"])


def serve_command(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 1,
    role: Annotated[Role | None, typer.Option("--role", help="对外地址须指明 / must be given beyond loopback")] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option("--metrics-port", min=1, max=LARGEST_PORT, help="后台进程的监控端口，仅限本机 / of the worker"),
    ] = None,
) -> None:
    """启动服务 / Serve the public site and its API. Without a role everything runs here, on loopback only."""
    settings = settings_of(context)
    settings = replace(settings, worker_port=metrics_port or settings.worker_port)
    if role in (None, Role.ALL) and not _is_loopback(host):
        raise KezhengError("role_needed", host=host)
    line = command_line(context)
    if role is Role.REGISTRY:
        serve_registry(settings, os.environ, host, port, workers)
    if role is Role.WORKER:
        serve_worker(settings, os.environ, workers)
    if role is Role.PUBLIC:
        _check_public_database(settings, line)
        line.say(f"http://{host}:{port}/")
        serve_public(settings, host, port, workers)
    else:
        with home_of(context):
            line.say(f"http://{host}:{port}/")
        serve_all(settings, os.environ, host, port, workers)


def _check_public_database(settings: Settings, line: CommandLine) -> None:
    """Refuse a database of another version, and a user of it who may read more than the public views.

    While no database answers, that cannot be asked: it is said, and the site begins without one. Raises KezhengError
    ``home_not_initialised``, ``schema_out_of_date``, ``public_role_reads_more``.
    """
    if not settings.pinned_root_file.exists():
        raise KezhengError("home_not_initialised", home=str(settings.home))
    url = settings.public_database_url or settings.database_url
    try:
        with closing(open_public_store(url)) as store:
            store.check()
        refuse_wide_role(url)
    except KezhengError as error:
        if error.code not in AWAY:
            raise
        said = error_words(error)
        line.say(f"{said.zh} / {said.en} [{error.code}]")


def demo_command(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="只生成，不启动服务 / make, but do not serve")] = False,
) -> None:
    """演示 / Sample institutions and certificates from a roster, then the site that verifies them."""
    line = command_line(context)
    shown = demonstrate(line.home, os.environ, port, now_utc, line.say)
    line.answer(shown.document(), shown.lines())
    if not no_serve:
        serve_all(shown.settings, os.environ, "127.0.0.1", port, 1)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
