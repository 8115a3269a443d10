"""``kezheng roster …``, ``kezheng issue``, ``kezheng batch …``: from a roster to certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from certs.approval import check_two_people
from certs.errors import KezhengError
from certs.roster_fault import Fault
from registry.cli.console import (
    REFUSED_EXIT,
    CommandLine,
    advance,
    error_words,
    problem_document,
    report_error,
)
from registry.cli.job_engine import do_job
from registry.cli.session import command_line, home_of, now_utc, read_file
from registry.exporting import IssuedFile, export_batch
from registry.home import Home
from registry.issuing.approve import approve_import
from registry.issuing.give_up import give_up_batch
from registry.issuing.import_roster import CheckedRoster, RosterRefused, check_roster, import_roster
from registry.jobs.job import JobKind
from registry.rendering.marked_copy import write_marked_copy
from registry.rendering.roster_template import write_template
from registry.store.batch_store import BatchRecord, batches_of_institution, require_batch, unfinished_batches
from registry.store.certificate_store import count_by_state
from registry.store.engine import ReadTransaction
from registry.store.roster_store import count_rows
from registry.store.states import BatchState

rosters = typer.Typer(no_args_is_help=True, help="名册 / Rosters")
batches = typer.Typer(no_args_is_help=True, help="批次 / Batches")

Institution = Annotated[str, typer.Option("--institution", metavar="CODE", help="机构编码 / institution code")]
RosterFile = Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="名册 / the roster")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="证书写到何处 / where certificates are written")]


@rosters.command("template")
def template(context: typer.Context, out: Annotated[Path, typer.Argument(metavar="OUT.xlsx")]) -> None:
    """写出名册模板 / Write the roster template."""
    if out.exists():
        raise KezhengError("file_exists", path=str(out))
    write_template(out)
    command_line(context).answer({"file": str(out)}, [str(out)])


@rosters.command("check")
def check(
    context: typer.Context,
    file: RosterFile,
    institution: Institution,
    marked: Annotated[
        Path | None, typer.Option("--marked", metavar="OUT.xlsx", help="标错件 / write each fault into its cell")
    ] = None,
) -> int:
    """试检（不入库） / Check a roster; nothing is stored or signed. Exit 1 when there are faults."""
    content = read_file(file)
    with home_of(context) as home:
        checked = check_roster(home, content, institution, file.stem, now_utc())
    if marked is not None:
        write_marked_copy(marked, checked.workbook, checked.faults, checked.warnings)
    _report_check(command_line(context), checked)
    return 1 if checked.faults else 0


def issue_command(
    context: typer.Context,
    file: RosterFile,
    institution: Institution,
    operator: Annotated[str, typer.Option("--operator", metavar="A", help="经办人 / maker")],
    approver: Annotated[str, typer.Option("--approver", metavar="B", help="复核人 / checker")],
    out: Out = None,
    run_off_confirmed_by: Annotated[
        str | None,
        typer.Option("--run-off-confirmed-by", metavar="WHO", help="登记机构确认人（机构已不在目录时）"),
    ] = None,
) -> int:
    """制证 / Import, approve, issue and render a roster; a stopped run is gone on with by the same command."""
    check_two_people(operator, approver)
    content = read_file(file)
    with home_of(context) as home:
        try:
            batch = import_roster(home, content, institution, file.stem, operator, now_utc())
        except RosterRefused as refused:
            return _report_refused(command_line(context), refused)
        batch = approve_import(home, batch.id, approver, run_off_confirmed_by, now_utc())
        folder = out or home.settings.exports_folder / batch.id
        issued = finish_batch(command_line(context), home, batch, folder)
    _report_issued(command_line(context), batch, folder, issued)
    return 0


@batches.command("list")
def list_batches(
    context: typer.Context, institution: Annotated[str | None, typer.Option("--institution", metavar="CODE")] = None
) -> None:
    """列出批次 / The batches of an institution, or all that are not finished."""
    with home_of(context) as home, home.store.reading() as tx:
        found = unfinished_batches(tx) if institution is None else batches_of_institution(tx, institution)
        documents = [_batch_document(tx, batch) for batch in found]
    lines = [f"{d['batch']}  {d['state']:<9} {d['rows']:>6}  {d['label']}" for d in documents]
    command_line(context).answer({"batches": documents}, lines)


@batches.command("show")
def show_batch(context: typer.Context, batch_id: Annotated[str, typer.Argument(metavar="BATCH")]) -> None:
    """查看批次 / One batch: who, when, how far."""
    with home_of(context) as home, home.store.reading() as tx:
        document = _batch_document(tx, require_batch(tx, batch_id))
    command_line(context).answer(document, [f"{name}: {value}" for name, value in document.items()])


@batches.command("resume")
def resume(context: typer.Context, out: Out = None) -> int:
    """继续未完成的批次 / Finish every batch that was stopped on its way. Exit 1 when one cannot be finished."""
    line, finished, refused = command_line(context), [], []
    with home_of(context) as home:
        with home.store.reading() as tx:
            stopped = unfinished_batches(tx)
        for batch in stopped:
            try:
                finish_batch(line, home, batch, out or home.settings.exports_folder / batch.id)
                finished.append(batch.id)
            except KezhengError as error:
                refused.append({"batch": batch.id} | problem_document(error.code, error_words(error)))
    shown = [*finished, *(f"{entry['batch']}  {entry['detail']} / {entry['title']}" for entry in refused)]
    line.answer({"batches": finished, "refused": refused}, shown or ["没有未完成的批次 / nothing to resume"])
    return REFUSED_EXIT if refused else 0


@batches.command("void")
def void(
    context: typer.Context,
    batch_id: Annotated[str, typer.Argument(metavar="BATCH")],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="经办人 / who decides")],
) -> None:
    """放弃批次 / Give up a batch of which nothing was released; its numbers stay used and are void."""
    with home_of(context) as home:
        give_up_batch(home, batch_id, by, now_utc())
        with home.store.reading() as tx:
            document = _batch_document(tx, require_batch(tx, batch_id))
    command_line(context).answer(document, [f"{batch_id}  {document['state']}"])


@batches.command("export")
def export(context: typer.Context, batch_id: Annotated[str, typer.Argument(metavar="BATCH")], out: Out = None) -> None:
    """重新写出证书文件 / Write the files of a released batch again."""
    with home_of(context) as home:
        with home.store.reading() as tx:
            batch = require_batch(tx, batch_id)
        folder = out or home.settings.exports_folder / batch.id
        issued = finish_batch(command_line(context), home, batch, folder)
    _report_issued(command_line(context), batch, folder, issued)


def finish_batch(line: CommandLine, home: Home, batch: BatchRecord, folder: Path) -> list[IssuedFile]:
    """Take a batch to its end and write its files; safe to call at any state after approval."""
    with home.store.reading() as tx:
        total = count_rows(tx, batch.id)
    if batch.state is not BatchState.RELEASED:
        do_job(line, home, JobKind.ISSUE, batch.id, what="签发 / signing")
    with line.progress("制作 / rendering", total) as bar:
        return export_batch(home, batch, folder, now_utc(), lambda count: advance(bar, count))


def _report_refused(line: CommandLine, refused: RosterRefused) -> int:
    """Every fault, to people by the line, to programs in the problem document."""
    for text in _fault_lines(refused.checked.faults):
        line.say(text)
    faults = [fault.to_json() for fault in refused.checked.faults]
    report_error(line, refused.code, error_words(refused), faults=faults)
    return REFUSED_EXIT


def _report_check(line: CommandLine, checked: CheckedRoster) -> None:
    document = {
        "rows": checked.reading.row_count,
        "faults": [fault.to_json() for fault in checked.faults],
        "warnings": [warning.to_json() for warning in checked.warnings],
    }
    summary = f"{checked.reading.row_count} 行，{len(checked.faults)} 处错误，{len(checked.warnings)} 处提醒"
    line.answer(document, [*_fault_lines(checked.faults), *_fault_lines(checked.warnings, "? "), summary])


def _fault_lines(faults: tuple[Fault, ...], mark: str = "") -> list[str]:
    return [f"{mark}{fault.zh}" for fault in faults]


def _report_issued(line: CommandLine, batch: BatchRecord, folder: Path, issued: list[IssuedFile]) -> None:
    document = {"batch": batch.id, "count": len(issued), "certificates": [issued_document(i) for i in issued]}
    shown = [f"{files.number}  {files.pdf}" for files in issued[:10]]
    more = [f"… {len(issued) - 10}"] if len(issued) > 10 else []
    line.answer(document, [*shown, *more, f"批次 {batch.id}：{len(issued)} 张证书 → {folder}"])


def issued_document(files: IssuedFile) -> dict[str, Any]:
    """Where the files of a certificate lie, as JSON."""
    return {
        "number": files.number,
        "row": files.row,
        "qr": files.qr,
        "png": str(files.png),
        "pdf": str(files.pdf),
        "svg": str(files.svg),
        "picture": None if files.picture is None else str(files.picture),
    }


def _batch_document(tx: ReadTransaction, batch: BatchRecord) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "institution": batch.institution_code,
        "label": batch.label,
        "state": batch.state.value,
        "rows": count_rows(tx, batch.id),
        "certificates": {state.value: count for state, count in count_by_state(tx, batch.id).items()},
        "operator": batch.operator,
        "approver": batch.approver,
        "names_declared": batch.approver_declared,
    }
