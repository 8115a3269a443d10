"""``kezheng correct`` and ``kezheng reprint``: a new certificate for wrong content, the same one for lost paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certs.certificate_number import normalise_typed_number
from registry.cli.roster_commands import finish_batch, issued_document
from registry.cli.session import command_line, home_of, now_utc, operating_person
from registry.replacing import Correction, reprint, start_correction

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="证书编号 / certificate number")]
Reason = Annotated[str, typer.Option("--reason", metavar="CODE", help="correction|name_changed|id_changed")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="写到何处 / target folder")]


def correct_command(
    context: typer.Context,
    number: Number,
    operator: Annotated[str, typer.Option("--operator", metavar="A", help="经办人 / maker")],
    approver: Annotated[str, typer.Option("--approver", metavar="B", help="复核人 / checker")],
    reason: Reason = "correction",
    name: Annotated[str | None, typer.Option("--name", help="改正后的姓名 / the right name")] = None,
    id_type: Annotated[str | None, typer.Option("--id-type", help="证件类型 / ID type")] = None,
    id_number: Annotated[str | None, typer.Option("--id-number", help="证件号码 / ID number")] = None,
    out: Out = None,
) -> None:
    """更正 / Issue a corrected certificate that replaces one; assessment date and first issue stay."""
    typed = normalise_typed_number(number)
    correction = Correction(reason, operator, approver, name, id_type, id_number)
    with home_of(context) as home:
        batch = start_correction(home, typed, correction, now_utc())
        folder = out or home.settings.exports_folder / batch.id
        issued = finish_batch(command_line(context), home, batch, folder)
    document = {"batch": batch.id, "supersedes": typed, "certificate": issued_document(issued[0])}
    command_line(context).answer(document, [f"{typed} → {issued[0].number}  {issued[0].pdf}"])


def reprint_command(context: typer.Context, number: Number, out: Out = None) -> None:
    """补打 / Print the same certificate again, with the remark; no status changes."""
    with home_of(context) as home:
        folder = out or home.settings.exports_folder / "reprints"
        files = reprint(home, normalise_typed_number(number), folder, operating_person(), now_utc())
    command_line(context).answer(issued_document(files), [f"{files.number}  {files.pdf}"])
