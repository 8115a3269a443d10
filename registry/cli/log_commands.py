"""``kezheng log …``: checking the public register, proving an entry, taking in witness lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from certs.certificate_number import normalise_typed_number
from certs.errors import KezhengError
from certs.root_chain import RootKey
from certs.timestamps import format_instant, instant_from_epoch
from registry.checking import (
    Advance,
    Checked,
    check_own_log,
    check_publication,
    check_source,
    checked_document,
    copied_source,
    is_bare_log,
)
from registry.cli.console import CommandLine, refused_with
from registry.cli.monitor_command import monitor_command
from registry.cli.session import command_line, home_of, now_utc, read_file
from registry.cli.trusted_root import Root, trusted_root
from registry.log_cosigning import take_lines
from registry.log_finding import finding_line
from registry.log_proof import prove_certificate

logs = typer.Typer(no_args_is_help=True, help="公开登记簿 / The public register")

FAULT_EXIT, UNDETERMINED_EXIT = 1, 2
logs.command("monitor")(monitor_command)


@logs.command("check")
def check(
    context: typer.Context,
    where: Annotated[
        str | None, typer.Argument(metavar="[DIR|URL]", help="已公布的登记簿，不填则为本机 / a published register")
    ] = None,
    root: Root = None,
) -> int:
    """全部核对 / Read a register completely and compute everything again. Exit 1 when something is wrong."""
    now = now_utc()
    trusted = trusted_root(context, root)
    with _reading(command_line(context)) as advance, refused_with(UNDETERMINED_EXIT):
        checked = _check(context, where, trusted, advance)
    document = checked_document(checked, now)
    command_line(context).answer(document, _check_lines(document, checked))
    return 0 if checked.is_right else FAULT_EXIT


@logs.command("prove")
def prove(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="证书编号 / certificate number")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="写到何处 / where it is written")] = None,
) -> None:
    """登记证明 / The proof that a certificate stands in the register, as a C2SP tlog-proof."""
    typed = normalise_typed_number(number)
    if out is not None and out.exists():
        raise KezhengError("file_exists", path=str(out))
    with home_of(context) as home:
        proof = prove_certificate(home, typed)
    document = {
        "number": typed,
        "leaf_index": proof.leaf_index,
        "logged_at": format_instant(proof.logged_at),
        "tree_size": proof.tree_size,
        "root": proof.root.hex(),
        "entry": proof.entry.hex(),
        "proof": proof.text,
        "file": None if out is None else str(out),
    }
    if out is not None:
        out.write_text(proof.text, "utf-8")
    said = f"{typed}  {proof.leaf_index}  {document['logged_at']}  {out}"
    command_line(context).answer(document, [proof.text.rstrip("\n")] if out is None else [said])


@logs.command("cosign")
def cosign(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="见证方签过的快照 / a checkpoint with witness lines")],
) -> None:
    """收入见证方的签名 / Take witness lines for the present checkpoint into the published one."""
    offered = read_file(file)
    with home_of(context) as home:
        taken = take_lines(home, offered)
    witnesses = [{"name": line.name, "at": format_instant(instant_from_epoch(line.at_seconds))} for line in taken]
    command_line(context).answer({"witnesses": witnesses}, [f"{one['name']}  {one['at']}" for one in witnesses])


def _check(context: typer.Context, where: str | None, root: RootKey, advance: Advance) -> Checked:
    """This home's register, a copy of it without the trust list, or a publication."""
    if where is None:
        with home_of(context) as home:
            return check_own_log(home, root, advance)
    if is_bare_log(Path(where)):
        with home_of(context) as home, copied_source(home, Path(where)) as source:
            return check_source(source, root, advance)
    return check_publication(where, root, advance)


@contextmanager
def _reading(line: CommandLine) -> Iterator[Advance]:
    """A bar that learns the number of entries when the checkpoint has been read."""
    with line.progress("核对 / checking", 1) as bar:

        def advance(done: int, total: int) -> None:
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done, total=total)

        yield advance


def _check_lines(document: dict[str, Any], checked: Checked) -> list[str]:
    lines = []
    if document["tree"] is not None:
        tree = document["tree"]
        lines += [f"{tree['origin']}  {tree['size']}  {tree['root']}", f"最新条目 / newest entry {tree['newest_at']}"]
    lines += [f"  {line['name']}  {line['kind']}  {line['at'] or ''}".rstrip() for line in document["signatures"]]
    lines += [f"  {kind}  {count}" for kind, count in (document["kinds"] or {}).items() if count]
    faults = checked.faults
    lines += [f"! {finding_line(found)} ×{faults.counts[code]}" for code, found in faults.first.items()]
    return lines if faults.counts else [*lines, "核对无误 / everything fits"]
