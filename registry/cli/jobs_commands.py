"""``kezheng jobs …``: what long work waits or runs, how far it is, and stopping or going on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from certs.errors import KezhengError
from certs.timestamps import format_instant
from registry.cli.console import error_words, problem_document
from registry.cli.job_engine import job_desk
from registry.cli.session import command_line, home_of, now_utc, read_file
from registry.exporting import write_private
from registry.jobs.job import Job, JobKind, parse_job_id
from registry.jobs.place import place_for
from registry.jobs.work import job_and_extent
from registry.left_lists import fetch_result, leave_list

jobs = typer.Typer(no_args_is_help=True, help="任务 / Long work: issuing, issuing again, drawing")

JobName = Annotated[str, typer.Argument(metavar="JOB", help="任务编号，见 jobs list / as jobs list shows it")]


@jobs.command("list")
def list_jobs(context: typer.Context) -> None:
    """列出近期任务 / The latest jobs, newest first."""
    with home_of(context) as home, job_desk(home) as desk:
        documents = [_document(desk, attempt) for attempt in desk.recent()]
    command_line(context).answer({"jobs": documents}, [_line(document) for document in documents])


@jobs.command("show")
def show_job(context: typer.Context, job: JobName) -> None:
    """查看任务 / One job: how far, by which process, what ended it."""
    with home_of(context) as home, job_desk(home) as desk:
        document = _document(desk, desk.require(parse_job_id(job)))
    command_line(context).answer(document, _lines(document))


@jobs.command("submit")
def submit_job(
    context: typer.Context,
    kind: Annotated[JobKind, typer.Argument(metavar="KIND", help="issue|reissue|render|check")],
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="批次或密钥编号 / batch, or kid")],
) -> None:
    """提交任务，由后台处理 / Leave a job to the workers."""
    with home_of(context) as home:
        with home.store.reading() as tx:
            job, extent = job_and_extent(tx, kind, subject)
        with job_desk(home) as desk:
            document = _document(desk, desk.submit(job, extent, place_for(kind, home.settings)))
    command_line(context).answer(document, [_line(document)])


@jobs.command("check")
def check_list_later(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="名单 / a list of many")]
) -> None:
    """批量查验名单，由后台处理 / Leave a list to be checked; it lies sealed, and is gone after a day."""
    content = read_file(file)
    with home_of(context) as home:
        name = leave_list(home, content, now_utc())
        with home.store.reading() as tx:
            job, extent = job_and_extent(tx, JobKind.CHECK, name)
        with job_desk(home) as desk:
            document = _document(desk, desk.submit(job, extent, place_for(JobKind.CHECK, home.settings)))
    command_line(context).answer(document, [_line(document)])


@jobs.command("result")
def result_of_check(
    context: typer.Context, job: JobName, out: Annotated[Path, typer.Option("--out", metavar="OUT.xlsx")]
) -> None:
    """取批量查验结果 / Fetch the result of a checked list; list and result are removed."""
    named = parse_job_id(job)
    if out.exists():
        raise KezhengError("file_exists", path=str(out))
    with home_of(context) as home:
        write_private(out, fetch_result(home, named.subject))
    command_line(context).answer({"job": job, "file": str(out)}, [str(out)])


@jobs.command("cancel")
def cancel_job(context: typer.Context, job: JobName) -> None:
    """取消任务 / Stop a job after the part it is at; what was issued stays. Resume it, or give up its batch."""
    with home_of(context) as home, job_desk(home) as desk:
        latest = desk.require(parse_job_id(job))
        if not latest.is_unfinished:
            raise KezhengError("job_ended", job=job, state=latest.state.value)
        desk.cancel(latest)
        document = _document(desk, desk.require(latest.job))
    command_line(context).answer(document, [_line(document)])


@jobs.command("resume")
def resume_job(context: typer.Context, job: JobName) -> None:
    """继续任务 / Leave what is left of a job to the workers."""
    named = parse_job_id(job)
    with home_of(context) as home, job_desk(home) as desk:
        desk.require(named)
        with home.store.reading() as tx:
            _job, extent = job_and_extent(tx, named.kind, named.subject)
        document = _document(desk, desk.submit(named, extent, place_for(named.kind, home.settings)))
    command_line(context).answer(document, [_line(document)])


def _document(desk: Any, attempt: Any) -> dict[str, Any]:
    """``total`` and ``done`` are persons; ``error`` is the problem that ended the job."""
    job: Job = attempt.job
    error: KezhengError | None = attempt.error
    total = attempt.order.extent.total
    return {
        "job": job.id,
        "kind": job.kind.value,
        "institution": job.owner,
        "subject": job.subject,
        "state": attempt.state.value,
        "attempt": attempt.number,
        "total": total,
        "done": min(total, desk.done(attempt)),
        "process": attempt.executor,
        "created_at": format_instant(attempt.created_at),
        "ended_at": None if attempt.ended_at is None else format_instant(attempt.ended_at),
        "error": None if error is None else problem_document(error.code, error_words(error)),
    }


def _line(document: dict[str, Any]) -> str:
    error = document["error"]
    said = "" if error is None else f"  {error['detail']} / {error['title']}"
    return f"{document['job']}  {document['state']:<9} {document['done']}/{document['total']}{said}"


def _lines(document: dict[str, Any]) -> list[str]:
    return [_line(document), *(f"{name}: {value}" for name, value in document.items() if name != "error")]
