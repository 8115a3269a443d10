"""``kezheng keys …``: the life of keys, from a further one to the change of the root."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from certs.delegation import Delegation
from certs.errors import KezhengError
from certs.signing_key import KID_LENGTH, base64url, from_base64url
from certs.timestamps import day_after_end, format_instant, parse_instant
from certs.tlog.note import decode_vkey
from keys.key_record import KeyRole
from registry.cli.console import advance
from registry.cli.session import command_line, home_of, now_utc, operating_person
from registry.data_keys import rotate_data_key, rows_to_seal
from registry.delegation_changes import renew_delegation, rotate_role, rotate_root
from registry.key_changes import add_key, retire_key, rotate_key
from registry.key_listing import KeyList, KeyState, ListedKey, list_keys
from registry.store.signing_key_store import SigningKeyRecord

keys = typer.Typer(no_args_is_help=True, help="密钥 / Keys")

By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="经办人 / who decides")]
Kid = Annotated[str, typer.Argument(metavar="KID", help="密钥编号 / key id, 16 hex digits or base64url")]
Institution = Annotated[str, typer.Option("--institution", metavar="CODE", help="机构编码 / institution code")]
_KID_HEX_DIGITS = 2 * KID_LENGTH
_LENGTH_OF_DAY = 10

STATE_WORDS = {
    KeyState.IN_USE: ("使用中", "in use"),
    KeyState.RETIRED: ("已停用", "retired"),
    KeyState.COMPROMISED: ("已申报失窃", "compromised"),
    KeyState.FORMER: ("已更换", "former"),
    KeyState.UNLISTED: ("未登记", "unlisted"),
}


class OwnRole(StrEnum):
    """The register's own keys that can be replaced by a new delegation."""

    LIST = KeyRole.LIST.value
    STATUS = KeyRole.STATUS.value
    LOG = KeyRole.LOG.value
    LOG_COSIGNATURE = KeyRole.LOG_COSIGNATURE.value
    RECEIPT = KeyRole.RECEIPT.value
    DOCUMENT = KeyRole.DOCUMENT.value


@keys.command("list")
def list_command(
    context: typer.Context, institution: Annotated[str | None, typer.Option("--institution", metavar="CODE")] = None
) -> None:
    """列出密钥 / Every key with its state, the root and the delegation. Nothing private is shown."""
    now = now_utc()
    with home_of(context) as home:
        found = list_keys(home, now, institution)
    command_line(context).answer(_list_document(found), _list_lines(found))


@keys.command("generate")
def generate(context: typer.Context, institution: Institution, by: By = None) -> None:
    """增加密钥 / A further key for an institution, beside those in use."""
    now = now_utc()
    with home_of(context) as home:
        key = add_key(home, institution, by or operating_person(), now)
    command_line(context).answer({"added": key_document(key), "retired": []}, [f"+ {key.kid.hex()}  {institution}"])


@keys.command("rotate")
def rotate(
    context: typer.Context,
    role: Annotated[OwnRole | None, typer.Argument(metavar="[ROLE]", help="登记机构密钥 / of the register")] = None,
    institution: Annotated[str | None, typer.Option("--institution", metavar="CODE")] = None,
    by: By = None,
) -> None:
    """更换密钥 / A new key in place of the present one: of an institution, or of a role (needs the root's folder)."""
    if (role is None) == (institution is None):
        raise KezhengError("usage", message="give ROLE or --institution CODE")
    now, who = now_utc(), by or operating_person()
    with home_of(context) as home:
        if role is not None:
            given = rotate_role(home, KeyRole(role.value), who, now)
            _answer_delegation(context, given)
            return
        assert institution is not None
        change = rotate_key(home, institution, who, now)
    assert change.added is not None
    document = {"added": key_document(change.added), "retired": [key_document(key) for key in change.retired]}
    lines = [f"+ {change.added.kid.hex()}  {institution}", *(f"- {key.kid.hex()}" for key in change.retired)]
    command_line(context).answer(document, lines)


@keys.command("retire")
def retire(
    context: typer.Context,
    kid: Kid,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE|TIME", help="最后一日或时刻 / last day or instant; now")
    ] = None,
    by: By = None,
) -> None:
    """停用密钥 / The end of a key; what was registered by then stays good."""
    now, end = now_utc(), None if on is None else _end_of_use(on)
    with home_of(context) as home:
        key = retire_key(home, parse_kid(kid), end, by or operating_person(), now)
    assert key.retired_at is not None
    command_line(context).answer(key_document(key), [f"- {key.kid.hex()}  {format_instant(key.retired_at)}"])


@keys.command("delegate")
def delegate(
    context: typer.Context,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", metavar="VKEY", help="见证方公钥，可多次 / a witness of the log")
    ] = None,
    quorum: Annotated[int | None, typer.Option("--quorum", min=0, help="至少几方见证 / how many must cosign")] = None,
    by: By = None,
) -> None:
    """续签授权 / A new delegation for the same keys; needs the root's folder. Witnesses stay unless they are given."""
    named = None if witness is None else [decode_vkey(text) for text in witness]
    with home_of(context) as home:
        given = renew_delegation(home, by or operating_person(), now_utc(), named, quorum)
    _answer_delegation(context, given)


@keys.command("rotate-root")
def rotate_root_command(context: typer.Context, by: By = None) -> None:
    """更换根密钥 / The next root takes over and a new next root is made; needs the next root's folder."""
    with home_of(context) as home:
        root = rotate_root(home, by or operating_person(), now_utc())
    document = {"root_fingerprint": root.fingerprint, "next": root.next_thumbprint}
    lines = [
        f"根密钥指纹 / root fingerprint: {root.fingerprint}",
        "keys/root 与 keys/next-root 请立即取走，分开存放 / carry keys/root and keys/next-root away, to two places",
    ]
    command_line(context).answer(document, lines)


@keys.command("rotate-data")
def rotate_data_command(context: typer.Context, by: By = None) -> None:
    """更换数据密钥 / Seal everything stored again under a new data key; a stopped run is gone on with."""
    line = command_line(context)
    with home_of(context) as home, line.progress("加密 / sealing", rows_to_seal(home)) as bar:
        done = rotate_data_key(home, by or operating_person(), now_utc(), lambda count: advance(bar, count))
    document = {"key": done.key_id.hex(), "new_key": done.made_now, "rows": done.rows}
    line.answer(document, [f"{done.key_id.hex()}  {done.rows} 行已重新加密 / rows sealed again"])


def parse_kid(text: str) -> bytes:
    """A key id as people give it: hex as in file names, or base64url as in jwks.json. Raises ``usage``."""
    try:
        kid = bytes.fromhex(text) if len(text) == _KID_HEX_DIGITS else from_base64url(text)
    except ValueError as error:
        raise KezhengError("usage", message=f"not a key id: {text}") from error
    if len(kid) != KID_LENGTH:
        raise KezhengError("usage", message=f"not a key id: {text}")
    return kid


def key_document(key: SigningKeyRecord) -> dict[str, Any]:
    """An institution's key as JSON."""
    return {
        "kid": key.kid.hex(),
        "kid_base64url": base64url(key.kid),
        "institution": key.institution_code,
        "not_before": format_instant(key.not_before),
        "retired_at": _instant(key.retired_at),
        "compromised_at": _instant(key.compromised_at),
        "log_index": key.log_index,
        "retired_log_index": key.retired_log_index,
    }


def _end_of_use(text: str) -> datetime:
    """A day means its end. Raises KezhengError ``time_invalid``."""
    try:
        return day_after_end(date.fromisoformat(text)) if len(text) == _LENGTH_OF_DAY else parse_instant(text)
    except ValueError as error:
        raise KezhengError("time_invalid", value=text) from error


def _answer_delegation(context: typer.Context, given: Delegation) -> None:
    lines = [f"授权第 {given.epoch} 期，至 {format_instant(given.expires_at)} / delegation of epoch {given.epoch}"]
    command_line(context).answer(_delegation_document(given), lines)


def _delegation_document(given: Delegation) -> dict[str, Any]:
    own = {"list": given.list_key, "status": given.status_key, "receipt": given.receipt_key}
    return {
        "epoch": given.epoch,
        "issued_at": format_instant(given.issued_at),
        "expires_at": format_instant(given.expires_at),
        "keys": {role: base64url(key) for role, key in own.items()},
        "log": {
            "origin": given.log.origin,
            "keys": [
                {"public_key": base64url(key.key.public_key), "final_size": key.final_size} for key in given.log.keys
            ],
            "witnesses": [key.name for key in given.log.witnesses],
            "quorum": given.log.quorum,
        },
        "document_ca": given.document_ca,
    }


def _list_document(found: KeyList) -> dict[str, Any]:
    return {
        "root": {
            "fingerprint": found.root.fingerprint,
            "next": found.root.next_thumbprint,
            "here": found.root_here,
            "next_here": found.next_root_here,
        },
        "delegation": _delegation_document(found.delegation),
        "keys": [_listed_document(key) for key in found.keys],
    }


def _listed_document(key: ListedKey) -> dict[str, Any]:
    return {
        "role": key.role.value,
        "institution": key.owner,
        "kid": key.kid.hex(),
        "since": format_instant(key.since),
        "state": key.state.value,
        "has_file": key.has_file,
        "retired_at": _instant(key.retired_at),
        "compromised_at": _instant(key.compromised_at),
    }


def _list_lines(found: KeyList) -> Iterator[str]:
    here = "在本机 / here" if found.root_here else "离线 / off-line"
    yield f"根密钥 / root  {found.root.fingerprint}  {here}"
    yield f"授权 / delegation  {found.delegation.epoch}  {format_instant(found.delegation.expires_at)}"
    for key in found.keys:
        zh, en = STATE_WORDS[key.state]
        yield f"{key.kid.hex()}  {key.role.value:<16} {key.owner or '':<13}  {zh} / {en}  {format_instant(key.since)}"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)
