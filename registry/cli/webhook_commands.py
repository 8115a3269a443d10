"""``kezheng webhook …``: where an institution's own system is told what happened."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from certs.timestamps import format_instant
from registry.cli.session import command_line, home_of, now_utc, operating_person
from registry.store.webhook_store import (
    WebhookMessageRecord,
    WebhookRecord,
    messages_of_webhook,
    webhook_by_id,
    webhooks_of_institution,
)
from registry.webhooks.hooks import enter_webhook, ping, remove_webhook

webhooks = typer.Typer(no_args_is_help=True, help="事件通知（Webhook）/ Telling an institution's own system")
SHOWN = 20
Id = Annotated[int, typer.Argument(metavar="ID", help="通知编号 / the webhook's number")]
Institution = Annotated[str, typer.Option("--institution", metavar="CODE", help="机构编码 / institution code")]


@webhooks.command("add")
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="接收地址，须为 https / an https address")],
    institution: Institution,
) -> None:
    """登记接收地址 / Enter an address. Its secret is shown once and verifies every message."""
    with home_of(context) as home:
        made = enter_webhook(home, institution, url, operating_person(), now_utc())
    lines = [
        f"{made.webhook.id}  {url}",
        f"签名密钥 / secret  {made.secret}",
        "密钥只显示这一次，请立即妥善保存 / The secret is shown this once: keep it now",
    ]
    command_line(context).answer(_document(made.webhook) | {"secret": made.secret}, lines)


@webhooks.command("list")
def listed(context: typer.Context, institution: Institution) -> None:
    """列出接收地址 / The addresses of an institution."""
    with home_of(context) as home, home.store.reading() as tx:
        found = webhooks_of_institution(tx, institution)
    command_line(context).answer(
        {"webhooks": [_document(each) for each in found]}, [f"{each.id}  {each.url}" for each in found]
    )


@webhooks.command("remove")
def remove(context: typer.Context, webhook: Id) -> None:
    """停止通知 / Send nothing there any more; what waits is given up."""
    with home_of(context) as home:
        remove_webhook(home, webhook, operating_person(), now_utc())
    command_line(context).answer({"removed": webhook}, [f"已停止 / removed  {webhook}"])


@webhooks.command("ping")
def ping_command(context: typer.Context, webhook: Id) -> None:
    """发送测试通知 / Let an address be tried; `kezheng webhook messages` shows what came of it."""
    with home_of(context) as home:
        ping(home, webhook, now_utc())
    command_line(context).answer({"pinged": webhook}, [f"已排队 / waits to be sent  {webhook}"])


@webhooks.command("messages")
def messages(context: typer.Context, webhook: Id) -> None:
    """最近的通知 / The newest messages of an address and what became of them."""
    with home_of(context) as home, home.store.reading() as tx:
        webhook_by_id(tx, webhook)
        found = messages_of_webhook(tx, webhook, SHOWN)
    command_line(context).answer({"messages": [_message(each) for each in found]}, map(_message_line, found))


def _document(webhook: WebhookRecord) -> dict[str, Any]:
    """A webhook without its secret."""
    return {
        "id": webhook.id,
        "institution": webhook.institution_code,
        "url": webhook.url,
        "created_at": format_instant(webhook.created_at),
    }


def _message(message: WebhookMessageRecord) -> dict[str, Any]:
    waits = message.state.value == "waiting"
    return {
        "id": message.message_id,
        "recorded_at": format_instant(message.recorded_at),
        "state": message.state.value,
        "attempts": message.attempts,
        "next_at": format_instant(message.next_at) if waits else None,
        "last_status": message.last_status,
        "last_refusal": message.last_refusal,
    }


def _message_line(message: WebhookMessageRecord) -> str:
    became = message.last_refusal or (message.last_status and str(message.last_status)) or "–"
    return f"{message.message_id}  {format_instant(message.recorded_at)}  {message.state.value}  {became}"
