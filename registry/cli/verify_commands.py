"""``kezheng verify``, ``kezheng equivalence``, ``kezheng trust pin``: asking, without changing the register."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from certs.certificate_number import normalise_typed_number, parse_number
from certs.equivalence import load_policies, title_effects
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import Verdict
from certs.grades import CertificateKind, Grade
from certs.number_layout import load_layouts
from certs.occupations import catalogue
from registry.cli.console import REFUSED_EXIT, UNDETERMINED_EXIT, UNREADABLE_EXIT, Refused, refused_with
from registry.cli.list_check import verify_list
from registry.cli.session import (
    command_line,
    day_or_today,
    home_of,
    instant_or_now,
    now_utc,
    settings_of,
)
from registry.home import read_pinned_root
from registry.line_checker import BulkSource
from registry.receipts.check import PresentedReceipt
from registry.settings import Settings
from registry.status_changes import require_released
from registry.verifying import (
    evidence_of_folder,
    evidence_of_home,
    full_report,
    read_input,
    verify_input,
    verify_receipt,
)

_EXITS = {Verdict.VALID: 0, Verdict.NOT_IN_FORCE: 1, Verdict.NOT_GENUINE: 1, Verdict.UNDETERMINED: UNDETERMINED_EXIT}
_RECEIPT_EXITS = {
    "receipt_malformed": UNREADABLE_EXIT,
    "receipt_of_other_root": UNDETERMINED_EXIT,
    "receipt_root_missing": UNDETERMINED_EXIT,
    "root_file_invalid": UNDETERMINED_EXIT,
    "file_not_found": UNDETERMINED_EXIT,
}
"""What is not here is a receipt that does not hold: exit 1, like a certificate that is not genuine."""

trust = typer.Typer(no_args_is_help=True, help="可信根 / The trust anchor")


def verify_command(
    context: typer.Context,
    given: Annotated[
        str | None,
        typer.Argument(metavar="INPUT", help="二维码文字、PNG、JPEG、PDF、查验凭证 / QR text, a file, a receipt"),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", metavar="DIR", help="离线数据 / published files to verify off-line")
    ] = None,
    root: Annotated[Path | None, typer.Option("--root", metavar="FILE", help="可信根 / the trusted root.jwk")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="查验时点 / the time asked about")] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="名单：XLSX，或每行一个二维码文字 / a list of many")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="OUT.xlsx", help="名单的查验结果 / the list with its results")
    ] = None,
) -> int:
    """查验证书或查验凭证 / Verify a certificate or a receipt. Exit: 0 valid, 1 not, 2 undetermined, 3 unreadable."""
    if root is not None and evidence is None and listed is not None:
        raise KezhengError("usage", message="--root goes with --evidence")
    if (given is None) == (listed is None) or (out is not None and listed is None):
        raise KezhengError("usage", message="INPUT is needed, or --list FILE with or without --out")
    if listed is not None:
        now = now_utc()
        source = BulkSource(settings_of(context), evidence, root)
        return verify_list(command_line(context), (listed, out), source, instant_or_now(at, now), now)
    return _verify_one(context, given or "", evidence, root, at)


def _verify_one(context: typer.Context, given: str, evidence: Path | None, root: Path | None, at: str | None) -> int:
    now = now_utc()
    judged_at = instant_or_now(at, now)
    with refused_with(UNREADABLE_EXIT):
        read = read_input(given)
    if isinstance(read, PresentedReceipt):
        if at is not None:
            raise KezhengError("usage", message="a receipt has its own time: no --at")
        report = _receipt_report(read, settings_of(context), evidence, root)
        command_line(context).answer(report, _lines(report))
        return _EXITS[Verdict(report["verdict"])]
    if root is not None and evidence is None:
        raise KezhengError("usage", message="--root goes with --evidence")
    with refused_with(UNDETERMINED_EXIT):
        gathered = _gathered(context, evidence, root)
    with refused_with(UNREADABLE_EXIT):
        verification = verify_input(read, gathered, judged_at)
    report = full_report(verification, gathered, now)
    command_line(context).answer(report, _lines(report))
    return _EXITS[verification.verdict]


def _gathered(context: typer.Context, folder: Path | None, root: Path | None) -> Evidence:
    """The evidence of the home or of a folder. A bar is shown when much of the register has to be read."""
    settings, line = settings_of(context), command_line(context)
    with ExitStack() as shown:
        bars: list[Progress | None] = []

        def reading(done: int, total: int) -> None:
            if not bars:
                bars.append(shown.enter_context(line.progress("读取登记簿 / reading the register", total)))
            if bars[0] is not None:
                bars[0].update(bars[0].task_ids[0], completed=done)

        if folder is None:
            return evidence_of_home(settings, reading)
        return evidence_of_folder(settings, folder, root, reading)


def _receipt_report(
    presented: PresentedReceipt, settings: Settings, evidence: Path | None, root: Path | None
) -> dict[str, Any]:
    """The report of a receipt; what does not hold is refused with the exit code of its kind."""
    try:
        return verify_receipt(presented, settings, evidence, root)
    except KezhengError as error:
        raise Refused(error, _RECEIPT_EXITS.get(error.code, REFUSED_EXIT)) from error


def equivalence_command(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(metavar="NUMBER", help="证书编号 / certificate number")] = None,
    jurisdiction: Annotated[str, typer.Option("--jurisdiction", metavar="CODE", help="行政区划代码 / GB/T 2260")] = "",
    occupation: Annotated[str | None, typer.Option("--occupation", metavar="CODE")] = None,
    grade: Annotated[str | None, typer.Option("--grade", metavar="G", help="junior|intermediate|senior")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="申报日 / day of the application")] = None,
) -> None:
    """对应职称怎么规定 / What a grade is worth for a title, with the sentence quoted."""
    if not jurisdiction:
        raise KezhengError("usage", message="--jurisdiction is needed")
    day = day_or_today(on, now_utc())
    if (number is None) == (occupation is None and grade is None):
        raise KezhengError("ambiguous_arguments")
    if number is not None:
        kind, found_grade, occupation_id = _of_number(context, number)
    else:
        kind, found_grade, occupation_id = _of_options(occupation, grade)
    effects = title_effects(load_policies(), jurisdiction, kind, found_grade, day, occupation_id)
    document = {"effects": [effect.to_json() for effect in effects]}
    command_line(context).answer(document, _effect_lines(document["effects"], day))


@trust.command("pin")
def pin(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="root.jwk")]) -> None:
    """导入可信根 / Pin the root that this home trusts; compare its fingerprint with an official source."""
    root = read_pinned_root(file)
    if root is None:
        raise KezhengError("file_not_found", path=str(file))
    settings = settings_of(context)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(file, settings.pinned_root_file)
    document = {"fingerprint": root.fingerprint, "next": root.next_thumbprint}
    command_line(context).answer(document, [f"SHA-256 {root.fingerprint}"])


def _of_number(context: typer.Context, number: str) -> tuple[CertificateKind, Grade, str]:
    typed = normalise_typed_number(number)
    parse_number(typed, load_layouts())
    with home_of(context) as home, home.store.reading() as tx:
        certificate = require_released(tx, typed)
    return certificate.kind, certificate.grade, certificate.occupation_id


def _of_options(occupation: str | None, grade: str | None) -> tuple[CertificateKind, Grade, str]:
    found = catalogue().find(occupation or "")
    if found is None:
        raise KezhengError("occupation_unknown", value=occupation or "")
    try:
        return CertificateKind.ASSESSMENT, Grade(grade or ""), found.id
    except ValueError as error:
        raise KezhengError("grade_invalid", value=grade or "") from error


def _lines(report: dict[str, Any]) -> list[str]:
    certificate, institution = report["certificate"], report["institution"]
    lines = [f"{report['headline']['zh']} / {report['headline']['en']}", report["summary"]["zh"]]
    if certificate is not None and institution is not None:
        lines += [
            f"{certificate['name']}　{certificate['title_zh']}　{certificate['occupation']['name_zh']} · "
            f"{Grade(certificate['grade']).zh}",
            f"方向：{certificate['direction'] or '--'}　发证：{institution['name']}",
            *([f"证件尾号 {certificate['id_tail']}（发证时）"] if certificate["id_tail"] else []),
            f"证书编号 {certificate['number']}",
        ]
    lines += [f"  {made['name']:<10} {made['outcome']:<14} {made['zh']} / {made['en']}" for made in report["checks"]]
    lines += [f"! {notice['zh']}" for notice in report["notices"]]
    lines.append(f"查验时间 {report['checked_at']}　查验编号 {report['check_id']}")
    if report.get("receipt", {}).get("counter_signed"):
        lines.append("查验凭证：登记机构签名相符，以上为当时的结果 / the registry signed this answer at that time")
    return [*lines, report["next_step"]["zh"]] if report["next_step"]["zh"] else lines


def _effect_lines(effects: list[dict[str, Any]], day: date) -> list[str]:
    lines = [f"按 {day.isoformat()} 查询"]
    for effect in effects:
        lines.append(f"[{effect['jurisdiction']}] {effect['label_zh']} / {effect['label_en']}")
        if effect["document"]:
            number = effect["document_number"] or "文本未载明文号"
            lines.append(f"  《{effect['document']}》（{number}）{effect['clause'] or ''}")
        if effect["quote_zh"]:
            lines.append(f"  “{effect['quote_zh']}”")
    return lines
